// The scanners against PCRE2 with the patterns they stand for.
#include "text/scan/scanner.h"

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <random>
#include <string>
#include <vector>

#include "text/regex.h"
#include "text/scan/character_class.h"
#include "text/test_support.h"
#include "text/unicode/general_category.h"
#include "text/utf8.h"

namespace hearth::text::scan {
namespace {

constexpr std::array kFamilies = {Family::kGpt2, Family::kLlama3, Family::kQwen2, Family::kO200k};

std::vector<std::string> scanned(Family family, std::string_view text, std::size_t at_once = 64) {
  std::vector<std::string> pieces;
  std::vector<std::string_view> some(at_once);
  std::size_t at = 0;
  while (const std::size_t count = next_pieces(family, text, at, some)) {
    pieces.insert(pieces.end(), some.begin(), some.begin() + static_cast<std::ptrdiff_t>(count));
  }
  return pieces;
}

std::vector<std::string> matched(Regex::Matcher& matcher, std::string_view text) {
  std::vector<std::string> pieces;
  matcher.reset(text);
  for (Span span; must(matcher.next(span));) {
    pieces.emplace_back(text.substr(span.begin, span.end - span.begin));
  }
  return pieces;
}

/// Characters at which the patterns decide, more than others.
class TextMaker {
 public:
  explicit TextMaker(std::uint32_t seed) : random_(seed) {}

  std::string text() {
    std::string out;
    for (std::size_t left = 1 + random_() % 24; left > 0; --left) out += part();
    return out;
  }

 private:
  std::string part() {
    static const std::vector<std::string> kParts = {
        " ",      "  ",     "\n",      "\r\n",   "\t",
        "\u00A0", "\u0085", "\u3000",  "\u2028", "\r",
        "'",      "'s",     "'S",      "'ll",    "'Ll",
        "'rE",    "'ve",    "'\u017F", "'d",     "'x",
        "a",      "b",      "Z",       "AB",     "aB",
        "\u00DF", "\u01C5", "\u02B0",  "\u4E2D", "\u0301",
        "\u0903", "1",      "22",      "333",    "4444",
        "\u0664", "\u00BD", "\u2160",  "/",      "//",
        ".",      "!?",     "_",       "\u20AC", "\U0001F600",
        "\u200D", "\uE000", "\uFFFF",  "\u0378", std::string(1, 0)};
    if (random_() % 8 == 0) {
      std::string out;
      utf8_append(out, any_code_point());
      return out;
    }
    return kParts[random_() % kParts.size()];
  }

  char32_t any_code_point() {
    for (;;) {
      const auto c = static_cast<char32_t>(random_() % (random_() % 2 == 0 ? 0x3000 : 0x110000));
      if (c < 0xD800 || c > 0xDFFF) return c;
    }
  }

  std::mt19937 random_;
};

TEST(Scanner, FindsThePiecesThatPcre2Finds) {
  for (const Family family : kFamilies) {
    const Regex regex = must(Regex::compile(pattern_of(family)));
    Regex::Matcher matcher(regex, {});
    TextMaker maker(7);
    for (int i = 0; i < 40'000; ++i) {
      const std::string text = maker.text();
      ASSERT_EQ(scanned(family, text), matched(matcher, text))
          << static_cast<int>(family) << ": " << OrderedJson(text).dump();
    }
  }
}

TEST(Scanner, EveryCodePointIsOfTheClassPcre2Gives) {
  const std::vector<std::pair<std::string, std::uint8_t>> kinds = {
      {R"([\p{Lu}\p{Lt}])", kUpper},
      {R"(\p{Ll})", kLower},
      {R"([\p{Lm}\p{Lo}])", kCaseless},
      {R"(\p{M})", kMark},
      {R"(\p{N})", kNumber},
      {R"([\r\n])", kNewline},
      {R"([^\S\r\n])", kBlank},
      {R"([^\s\p{L}\p{N}\p{M}])", kOther}};
  for (const auto& [pattern, bit] : kinds) {
    const Regex regex = must(Regex::compile(pattern));
    Regex::Matcher matcher(regex, {});
    for (char32_t c = 0; c < 0x110000; ++c) {
      if (c >= 0xD800 && c <= 0xDFFF) continue;
      std::string text;
      utf8_append(text, c);
      matcher.reset(text);
      Span span;
      ASSERT_EQ(must(matcher.next(span)), ClassReader(text).at(0).bit == bit)
          << pattern << " U+" << std::hex << static_cast<std::uint32_t>(c);
    }
  }
}

TEST(Scanner, PiecesDoNotDependOnHowManyAreTakenAtOnce) {
  TextMaker maker(8);
  for (int i = 0; i < 1000; ++i) {
    const std::string text = maker.text();
    for (const Family family : kFamilies) {
      EXPECT_EQ(scanned(family, text, 1), scanned(family, text, 64));
    }
  }
}

TEST(Scanner, KnowsItsOwnPatternsOnly) {
  for (const Family family : kFamilies) EXPECT_EQ(family_of(pattern_of(family)), family);
  EXPECT_EQ(family_of(std::string(pattern_of(Family::kO200k)) + "|x"), std::nullopt);
}

}  // namespace
}  // namespace hearth::text::scan
