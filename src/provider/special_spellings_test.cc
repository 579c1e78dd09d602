#include "provider/special_spellings.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace hearth::provider {
namespace {

/// What the text becomes when it goes through marks and back: the spellings in brackets.
std::string through(const SpecialSpellings& special, const std::string& text) {
  const std::string marked = special.marked(text);
  std::string result;
  for (const PromptPart& part : special.cut_at_marks(marked)) {
    result += part.from_outside ? "[" + std::string(part.text) + "]" : std::string(part.text);
  }
  return result;
}

TEST(SpecialSpellings, FromTheLeftTheLongestWins) {
  const SpecialSpellings special({"<|end|>", "<|endoftext|>", "<s>", "", "<|end|><s>"});
  EXPECT_EQ(through(special, "a<|end|>b<|endoftext|>"), "a[<|end|>]b[<|endoftext|>]");
  EXPECT_EQ(through(special, "<|end|><s><s>"), "[<|end|><s>][<s>]");
  EXPECT_EQ(through(special, "<<s>|end|>"), "<[<s>]|end|>");
  EXPECT_EQ(through(special, ""), "");
  EXPECT_FALSE(special.spelled_in("a < b, <|en, <S>, <"));
  EXPECT_TRUE(special.spelled_in("x<s>"));
}

TEST(SpecialSpellings, OneCharacterIsASpellingToo) {
  const SpecialSpellings special({"#", "##a"});
  EXPECT_EQ(through(special, "#x###a#"), "[#]x[#][##a][#]");
}

// Brute force: at each place, try every spelling.
TEST(SpecialSpellings, AgreesWithTryingEverything) {
  const std::vector<std::string> spellings = {"ab", "abc", "b", "ca", "cc", "\xEF\xB7\x91"};
  const SpecialSpellings special(spellings);
  std::mt19937 random(7);
  for (int round = 0; round < 3000; ++round) {
    std::string text;
    for (auto length = random() % 12; length > 0; --length) {
      constexpr const char* kPieces[] = {"a", "b", "c", "d", "\xEF\xB7\x90", "\xEF\xB7\x91", "0"};
      text += kPieces[random() % 7];
    }
    std::string expected;
    for (std::size_t i = 0; i < text.size();) {
      std::string longest;
      for (const std::string& spelling :
           {std::string("ab"), std::string("abc"), std::string("b"), std::string("ca"),
            std::string("cc"), std::string("\xEF\xB7\x91"), std::string("\xEF\xB7\x90")}) {
        if (text.compare(i, spelling.size(), spelling) == 0 && spelling.size() > longest.size()) {
          longest = spelling;
        }
      }
      expected += longest.empty() ? text.substr(i, 1) : "[" + longest + "]";
      i += longest.empty() ? 1 : longest.size();
    }
    ASSERT_EQ(through(special, text), expected) << text;
    ASSERT_EQ(special.spelled_in(text), expected != text);
  }
}

TEST(SpecialSpellings, ManyOfThemCostOnePass) {
  std::vector<std::string> spellings;
  for (int i = 0; i < 1000; ++i) spellings.push_back("<|reserved_" + std::to_string(i) + "|>");
  const SpecialSpellings special(spellings);
  std::string text;
  for (int i = 0; i < 200'000; ++i) text += "a <| b";
  EXPECT_FALSE(special.spelled_in(text));
  EXPECT_TRUE(special.spelled_in(text + "<|reserved_999|>"));
}

}  // namespace
}  // namespace hearth::provider
