// Normalizer: limits and what it says of itself. Which text comes out is compared with the native
// library in tokenizer_golden_test.cc.
#include "text/normalizer.h"

#include <string>

#include "text/test_support.h"

namespace hearth::text {
namespace {

Normalizer normalizer_of(const std::string& json) {
  return must(Normalizer::from_json(must(parse_json(json, "test")), "f.json"));
}

std::string sequence(const std::string& step, int times) {
  std::string list = step;
  for (int i = 1; i < times; ++i) list += ", " + step;
  return R"({"type": "Sequence", "normalizers": [)" + list + "]}";
}

TEST(Normalizer, TextThatDoesNotChangeIsNotCopied) {
  const Normalizer normalizer =
      normalizer_of(R"({"type": "Sequence", "normalizers": [{"type": "NFC"},
          {"type": "Replace", "pattern": {"String": "\t"}, "content": " "}]})");
  const std::string text = "nothing to do: café";
  std::string storage = "kept";
  EXPECT_EQ(must(normalizer.apply(text, storage)).data(), text.data());
  EXPECT_EQ(storage, "kept");
  EXPECT_EQ(must(normalizer.apply("e\u0301\t!", storage)), "é !");
}

TEST(Normalizer, StepsThatBlowUpTextAreStopped) {
  const std::string wide = std::string(1 << 15, 'b');
  for (const std::string& json :
       {sequence(R"({"type": "Replace", "pattern": {"String": "b"}, "content": ")" + wide + "\"}",
                 3),
        sequence(R"({"type": "Replace", "pattern": {"Regex": "b"}, "content": ")" + wide + "\"}",
                 3)}) {
    std::string storage;
    const auto normalized = normalizer_of(json).apply("bb", storage);
    ASSERT_FALSE(normalized);
    EXPECT_EQ(normalized.error().code, ErrorCode::kResourceExhausted);
  }
}

TEST(Normalizer, SaysWhetherTheBeginOfTheTextStays) {
  const auto keeps = [](const std::string& json) { return normalizer_of(json).keeps_begin(); };
  EXPECT_TRUE(keeps("null"));
  EXPECT_TRUE(keeps(R"({"type": "NFC"})"));
  EXPECT_TRUE(keeps(R"({"type": "Replace", "pattern": {"String": " "}, "content": "▁"})"));
  EXPECT_FALSE(keeps(R"({"type": "Replace", "pattern": {"String": "  "}, "content": "▁"})"));
  EXPECT_FALSE(keeps(R"({"type": "Replace", "pattern": {"Regex": " "}, "content": "▁"})"));
  EXPECT_FALSE(keeps(R"({"type": "Strip", "strip_left": true, "strip_right": false})"));
}

}  // namespace
}  // namespace hearth::text
