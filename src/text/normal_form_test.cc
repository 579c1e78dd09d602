// Normalization forms: properties, and time on hostile text. Which characters become which is
// compared with the native library in tokenizer_golden_test.cc.
#include "text/normal_form.h"

#include <ctime>
#include <string>

#include "text/test_support.h"
#include "text/utf8.h"

namespace hearth::text {
namespace {

constexpr NormalForm kForms[] = {NormalForm::kNfc, NormalForm::kNfd, NormalForm::kNfkc,
                                 NormalForm::kNfkd};

std::string formed(NormalForm form, std::string_view text) {
  std::string out;
  return to_normal_form(form, text, out) ? out : std::string(text);
}

/// Characters that change, combine, or neither, from every corner of Unicode.
std::string random_text(TestRandom& random) {
  struct Range {
    char32_t first;
    std::size_t count;
  };
  constexpr Range kRanges[] = {{0x41, 26},      {0xC0, 0x140},   {0x300, 0x70},   {0x370, 0x190},
                               {0x900, 0x800},  {0x1100, 0x100}, {0x1E00, 0x200}, {0x3040, 0x60},
                               {0xAC00, 11172}, {0xF900, 0x200}, {0xFB00, 0x50},  {0x11080, 0x200},
                               {0x1D15E, 8},    {0x11930, 0x10}, {0x1E030, 0x40}};
  std::string text;
  for (std::size_t i = 1 + random.below(12); i > 0; --i) {
    const Range range = kRanges[random.below(std::size(kRanges))];
    utf8_append(text, range.first + static_cast<char32_t>(random.below(range.count)));
  }
  return text;
}

TEST(NormalForm, FormsAgreeWithEachOther) {
  TestRandom random(5);
  for (int round = 0; round < 20'000; ++round) {
    const std::string text = random_text(random);
    for (const NormalForm form : kForms) {
      const std::string once = formed(form, text);
      std::string again;
      ASSERT_FALSE(to_normal_form(form, once, again)) << text;
    }
    const std::string nfd = formed(NormalForm::kNfd, text);
    ASSERT_EQ(formed(NormalForm::kNfc, nfd), formed(NormalForm::kNfc, text)) << text;
    ASSERT_EQ(formed(NormalForm::kNfd, formed(NormalForm::kNfc, text)), nfd) << text;
    ASSERT_EQ(formed(NormalForm::kNfkc, nfd), formed(NormalForm::kNfkc, text)) << text;
    ASSERT_EQ(formed(NormalForm::kNfkd, nfd), formed(NormalForm::kNfkd, text)) << text;
  }
}

TEST(NormalForm, ExamplesOfTheStandard) {
  EXPECT_EQ(formed(NormalForm::kNfc, "\u212B A\u030A"), "\u00C5 \u00C5");
  EXPECT_EQ(formed(NormalForm::kNfc, "\u1E0B\u0323"), "\u1E0D\u0307");
  EXPECT_EQ(formed(NormalForm::kNfd, "\u1E9B\u0323"), "\u017F\u0323\u0307");
  EXPECT_EQ(formed(NormalForm::kNfkc, "\u1E9B\u0323"), "\u1E69");
  EXPECT_EQ(formed(NormalForm::kNfkd, "\uFB01 \u2460"), "fi 1");
  EXPECT_EQ(formed(NormalForm::kNfc, "\u1100\u1161\u11A8"), "\uAC01");
  EXPECT_EQ(formed(NormalForm::kNfd, "\uAC01"), "\u1100\u1161\u11A8");
  // Composition exclusions stay apart.
  EXPECT_EQ(formed(NormalForm::kNfc, "\u0958"), "\u0915\u093C");
}

TEST(NormalForm, CharactersYoungerThanTheLibrarysTablesStay) {
  for (const NormalForm form : kForms) {
    std::string out;
    EXPECT_FALSE(to_normal_form(form, "\U00011938 \u32FF \u0898", out));
  }
  // Unicode 13 composes the two.
  EXPECT_EQ(formed(NormalForm::kNfc, "\U00011935\U00011930"), "\U00011935\U00011930");
  EXPECT_FALSE(is_combining_mark(0x0898));
  EXPECT_TRUE(is_combining_mark(0x0301));
  EXPECT_TRUE(is_combining_mark(0x1CF2));
}

TEST(NormalForm, UntouchedTextIsNotCopied) {
  std::string text;
  for (int i = 0; i < 100; ++i) text += "plain text, caf\u00E9, \u65E5\u672C, \uD55C\uAD6D ";
  std::string out = "kept";
  EXPECT_FALSE(to_normal_form(NormalForm::kNfc, text, out));
  EXPECT_EQ(out, "kept");
}

TEST(NormalForm, RunsOfMarksTakeNoQuadraticTime) {
  constexpr int kPairs = 250'000;
  const auto repeated = [](const std::string& mark, int times) {
    std::string text;
    for (int i = 0; i < times; ++i) text += mark;
    return text;
  };
  const std::string marks = repeated("\u0301\u0327", kPairs);  // of classes 230 and 202
  const std::clock_t start = std::clock();
  EXPECT_TRUE(formed(NormalForm::kNfd, "a" + marks) ==
              "a" + repeated("\u0327", kPairs) + repeated("\u0301", kPairs));
  EXPECT_TRUE(formed(NormalForm::kNfc, "a" + marks) ==
              "\u00E1" + repeated("\u0327", kPairs) + repeated("\u0301", kPairs - 1));
  // Ordering them by exchanging neighbours takes minutes; the limit leaves room for sanitizers.
  EXPECT_LT(std::clock() - start, 20 * CLOCKS_PER_SEC);
}

}  // namespace
}  // namespace hearth::text
