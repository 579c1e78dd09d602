#include "text/utf8.h"

#include "text/test_support.h"

namespace hearth::text {
namespace {

TEST(Utf8, ReplacesWhatIsInvalidAsPythonDoes) {
  // Expected values: bytes.decode("utf-8", errors="replace") of CPython 3.11.
  const std::pair<std::string, std::string> cases[] = {
      {"plain \xC3\xA4", "plain \xC3\xA4"},
      {"\x80", "\uFFFD"},
      {"\xC0\xAF", "\uFFFD\uFFFD"},
      {"\xE0\x80\xAF", "\uFFFD\uFFFD\uFFFD"},
      {"\xE2\x82", "\uFFFD"},
      {"\xE2\x82x", "\uFFFDx"},
      {"\xED\xA0\x80", "\uFFFD\uFFFD\uFFFD"},
      {"\xF0\x9F\x98", "\uFFFD"},
      {"\xF0\x9F\x98\xF0\x9F\x98\x80", "\uFFFD\U0001F600"},
      {"\xF4\x90\x80\x80", "\uFFFD\uFFFD\uFFFD\uFFFD"},
      {"\xF0\x80\x80\x80", "\uFFFD\uFFFD\uFFFD\uFFFD"},
      {"\xFF\xFE", "\uFFFD\uFFFD"},
      {"\xC3(", "\uFFFD("},
      {"\xE1\x80\xE2\xF0\x91\x92\xF1\xBF"
       "A",
       "\uFFFD\uFFFD\uFFFD\uFFFD"
       "A"},
  };
  for (const auto& [bytes, text] : cases) EXPECT_EQ(utf8_replace_invalid(bytes), text);
}

TEST(Utf8, FindsTheFirstInvalidByte) {
  EXPECT_EQ(utf8_find_invalid("a\xC3\xA4\xF0\x9F\x98\x80z"), std::nullopt);
  EXPECT_EQ(utf8_find_invalid("a\xC3\xA4\xFFz"), 3u);
  EXPECT_EQ(utf8_find_invalid("a\xE2\x82"), 1u);
}

TEST(Utf8, EveryCodePointThereAndBack) {
  for (char32_t c = 0; c <= 0x10FFFF; c += c < 0x3000 ? 1 : 17) {
    if (c >= 0xD800 && c <= 0xDFFF) continue;
    std::string text;
    utf8_append(text, c);
    const Utf8Step step = utf8_step(text);
    ASSERT_EQ(step.kind, Utf8Step::Kind::kCharacter);
    ASSERT_EQ(step.code_point, c);
    ASSERT_EQ(step.length, text.size());
    for (std::size_t cut = 1; cut < text.size(); ++cut) {
      ASSERT_EQ(utf8_step(text.substr(0, cut)).kind, Utf8Step::Kind::kIncomplete);
    }
  }
}

TEST(Utf8, TakingWhatIsCertainByteByByteEqualsTheWhole) {
  TestRandom random(7);
  const std::string_view alphabet[] = {"a",    "\xC3\xA4", "\xE2\x82\xAC", "\xF0\x9F\x98\x80",
                                       "\xF0", "\x9F",     "\xE2",         "\x82",
                                       "\xFF", "\xED\xA0"};
  for (int round = 0; round < 5000; ++round) {
    std::string bytes;
    for (std::size_t i = random.below(12); i > 0; --i) bytes += alphabet[random.below(10)];
    std::string held;
    std::string out;
    for (const char byte : bytes) {
      held += byte;
      utf8_take_certain(held, out);
      ASSERT_LE(held.size(), 3u);
    }
    ASSERT_EQ(out + utf8_replace_invalid(held), utf8_replace_invalid(bytes));
  }
}

}  // namespace
}  // namespace hearth::text
