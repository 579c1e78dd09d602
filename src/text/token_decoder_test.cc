// TokenDecoder: what is held back, and that nothing depends on it. Which text comes out is compared
// with the native library in tokenizer_golden_test.cc.
#include "text/token_decoder.h"

#include <string>
#include <vector>

#include "text/test_support.h"
#include "text/utf8.h"

namespace hearth::text {
namespace {

TokenDecoder decoder_of(const std::string& json) {
  return must(TokenDecoder::from_json(must(parse_json(json, "test")), "f.json"));
}

/// What each push returns, and the rest last.
std::vector<std::string> streamed(const TokenDecoder& decoder,
                                  const std::vector<std::string>& tokens) {
  TokenDecoder::Run run(decoder);
  std::vector<std::string> parts;
  for (const std::string& token : tokens) parts.push_back(run.push(token));
  parts.push_back(run.finish());
  return parts;
}

using Parts = std::vector<std::string>;

const char* const kLlama = R"({"type": "Sequence", "decoders": [
    {"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"},
    {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]})";

TEST(TokenDecoder, WordsComeAtOnceAndTheFirstSpaceNever) {
  const TokenDecoder decoder = decoder_of(kLlama);
  EXPECT_EQ(streamed(decoder, {"▁the", "▁cat", "▁", "▁x"}), (Parts{"the", " cat", " ", " x", ""}));
  EXPECT_EQ(streamed(decoder, {"▁", "▁"}), (Parts{"", " ", ""}));
}

TEST(TokenDecoder, BytesWaitForTheEndOfTheirRun) {
  const TokenDecoder decoder = decoder_of(kLlama);
  EXPECT_EQ(streamed(decoder, {"<0xE4>", "<0xBD>", "<0xA0>", "a"}), (Parts{"", "", "", "你a", ""}));
  // One more byte that makes no character spoils the whole run.
  EXPECT_EQ(streamed(decoder, {"<0x41>", "<0xE4>", "a"}), (Parts{"", "", "\uFFFD\uFFFDa", ""}));
  EXPECT_EQ(streamed(decoder, {"<0x41>", "<0xE4>"}), (Parts{"", "", "\uFFFD\uFFFD"}));
  // Once it is spoilt, nothing is left to wait for.
  EXPECT_EQ(streamed(decoder, {"<0x41>", "<0xFF>", "<0x41>", "a"}),
            (Parts{"", "\uFFFD\uFFFD", "\uFFFD", "a", ""}));
  EXPECT_EQ(streamed(decoder, {"<0x4>", "<0x4G>", "<0xZZ>"}),
            (Parts{"<0x4>", "<0x4G>", "<0xZZ>", ""}));
}

TEST(TokenDecoder, StripHoldsBackNoMoreThanItMayTake) {
  const TokenDecoder decoder = decoder_of(R"({"type": "Sequence", "decoders": [{"type": "Fuse"},
                     {"type": "Strip", "content": "-", "start": 1, "stop": 2}]})");
  EXPECT_EQ(streamed(decoder, {"--a-", "--", "-b", "-"}), (Parts{"-a", "-", "---b", "", ""}));
  EXPECT_EQ(streamed(decoder, {"a---"}), (Parts{"a-", ""}));
}

TEST(TokenDecoder, SuffixesWaitForTheNextToken) {
  const TokenDecoder decoder = decoder_of(R"({"type": "BPEDecoder", "suffix": "</w>"})");
  EXPECT_EQ(streamed(decoder, {"ab", "c</w>", "d</w>"}), (Parts{"ab", "c", " d", ""}));
}

TEST(TokenDecoder, CharactersOfByteLevelTextStayWhole) {
  const TokenDecoder decoder = decoder_of(R"({"type": "ByteLevel"})");
  EXPECT_TRUE(decoder.is_byte_level());
  EXPECT_EQ(streamed(decoder, {"ĠaÃ", "©", "Ã"}), (Parts{" a", "é", "", "\uFFFD"}));
}

TEST(TokenDecoder, WithoutOneTokensAreSetApart) {
  EXPECT_EQ(streamed(decoder_of("null"), {"a", "", "b"}), (Parts{"a", " ", " b", ""}));
}

TEST(TokenDecoder, OthersAreRefusedByName) {
  for (const char* const json : {R"({"type": "WordPiece", "prefix": "##"})", R"({"type": "CTC"})",
                                 R"({"type": "Replace", "pattern": {"Regex": "a"}, "content": ""})",
                                 R"({"type": "Sequence", "decoders": [
            {"type": "Replace", "pattern": {"String": "a"}, "content": "aaaaaaaaaaaaaaaaaaaaaaaa"},
            {"type": "Replace", "pattern": {"String": "a"}, "content": "aaaaaaaaaaaaaaaaaaaaaaaa"},
            {"type": "Replace", "pattern": {"String": "a"}, "content": "aaaaaaaaaaaaaaaaaaaaaaaa"}
            ]})"}) {
    const auto decoder = TokenDecoder::from_json(must(parse_json(json, "test")), "f.json");
    ASSERT_FALSE(decoder);
    EXPECT_EQ(decoder.error().code, ErrorCode::kUnsupported);
    EXPECT_EQ(decoder.error().message.find("f.json: decoder"), 0u) << decoder.error().message;
  }
}

}  // namespace
}  // namespace hearth::text
