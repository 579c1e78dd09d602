// Patterns: what is rewritten between the two engines, and what is refused.
#include "text/regex.h"

#include "text/test_support.h"
#include "text/unicode/general_category.h"
#include "text/utf8.h"

namespace hearth::text {
namespace {

bool matches(const Regex& regex, char32_t c) {
  std::string text;
  utf8_append(text, c);
  Regex::Matcher matcher(regex, text);
  Span span;
  return must(matcher.next(span)) && span.begin == 0 && span.end == text.size();
}

TEST(Regex, WhiteSpaceIsUnicodesInAndOutOfClasses) {
  const Regex space = must(Regex::compile(R"(\A\s\z)"));
  const Regex in_class = must(Regex::compile(R"(\A[\s]\z)"));
  const Regex not_space = must(Regex::compile(R"(\A\S\z)"));
  const Regex not_space_in_class = must(Regex::compile(R"(\A[\S]\z)"));
  for (char32_t c = 0; c < 0x3100; ++c) {
    ASSERT_EQ(matches(space, c), is_white_space(c)) << static_cast<unsigned>(c);
    ASSERT_EQ(matches(in_class, c), is_white_space(c));
    ASSERT_EQ(matches(not_space, c), !is_white_space(c));
    ASSERT_EQ(matches(not_space_in_class, c), !is_white_space(c));
  }
}

TEST(Regex, AVerticalTabIsOneCharacter) {
  const Regex alone = must(Regex::compile(R"(\v)"));
  const Regex in_class = must(Regex::compile(R"([\v])"));
  for (char32_t c = 0; c < 0x3100; ++c) {
    ASSERT_EQ(matches(alone, c), c == U'\v') << static_cast<unsigned>(c);
    ASSERT_EQ(matches(in_class, c), c == U'\v') << static_cast<unsigned>(c);
  }
}

TEST(Regex, CategoriesAreThoseOfTheTableWhateverPcre2Knows) {
  const auto runs = category_runs();
  for (const std::string name : {"L", "Lu", "M", "N", "So", "C", "Cn"}) {
    const Regex in = must(Regex::compile("\\p{" + name + "}"));
    const Regex out = must(Regex::compile("\\P{" + name + "}"));
    const Regex in_class = must(Regex::compile("[\\p{" + name + "}]"));
    const Regex out_class = must(Regex::compile("[\\p{^" + name + "}]"));
    for (std::size_t i = 0; i < runs.size(); ++i) {
      const char32_t c = runs[i].first;
      if (c >= 0xD800 && c <= 0xDFFF) continue;
      const bool member = short_name(runs[i].category).starts_with(name);
      ASSERT_EQ(matches(in, c), member) << name << static_cast<unsigned>(c);
      ASSERT_EQ(matches(in_class, c), member) << name << static_cast<unsigned>(c);
      ASSERT_EQ(matches(out, c), !member) << name << static_cast<unsigned>(c);
      ASSERT_EQ(matches(out_class, c), !member) << name << static_cast<unsigned>(c);
    }
  }
}

TEST(Regex, WhatTheEnginesReadDifferentlyIsRefused) {
  for (const char* pattern :
       {R"([a-z&&[aeiou]])", R"([[:alpha:]])", R"(\bword\b)", R"((?m).)", R"(\d{1,3}+)", R"([\W])",
        R"(\Ka)", R"(a{,3})", R"(\pL)", R"([)", R"(\)"}) {
    const auto regex = Regex::compile(pattern);
    ASSERT_FALSE(regex) << pattern;
    EXPECT_EQ(regex.error().code, ErrorCode::kUnsupported);
    EXPECT_NE(regex.error().message.find(pattern), std::string::npos) << regex.error().message;
  }
}

TEST(Regex, EmptyMatchesAdvanceByCharacters) {
  const Regex regex = must(Regex::compile("x*"));
  Regex::Matcher matcher(regex, "a\u00E4xx\U0001F600");
  std::vector<std::pair<std::size_t, std::size_t>> found;
  for (Span span; must(matcher.next(span));) found.emplace_back(span.begin, span.end);
  EXPECT_EQ(found,
            (std::vector<std::pair<std::size_t, std::size_t>>{{0, 0}, {1, 1}, {3, 5}, {9, 9}}));
}

TEST(Regex, EndlessBacktrackingIsAnError) {
  const Regex regex = must(Regex::compile("(?:a|a)*[^a]"));
  const std::string subject(64, 'a');
  Regex::Matcher matcher(regex, subject);
  Span span;
  const auto found = matcher.next(span);
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, ErrorCode::kResourceExhausted);
}

}  // namespace
}  // namespace hearth::text
