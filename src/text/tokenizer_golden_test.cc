// Ids and text as the native `tokenizers` library gives them (made by
// tests/oracles/tokenizer_goldens.mjs and tokenizer_kind_goldens.mjs).
#include "text/stream_decoder.h"
#include "text/test_support.h"
#include "text/tokenizer.h"

namespace hearth::text {
namespace {

Tokenizer tokenizer_of(const OrderedJson& golden) {
  OrderedJson json = read_testdata(golden.at("base").get<std::string>() + ".tokenizer.json");
  for (const auto& [key, value] : golden.at("overrides").items()) {
    if (key == "model") {
      json[key].update(value);
    } else {
      json[key] = value;
    }
  }
  return must(Tokenizer::from_json(json.dump(), golden.at("name").get<std::string>()));
}

std::string streamed(const Tokenizer& tokenizer, const std::vector<TokenId>& ids,
                     bool skip_special) {
  StreamDecoder decoder(tokenizer, skip_special);
  std::string text;
  for (const TokenId id : ids) text += must(decoder.push(id));
  return text + decoder.flush();
}

class TokenizerGolden : public testing::TestWithParam<const char*> {};

INSTANTIATE_TEST_SUITE_P(Files, TokenizerGolden,
                         testing::Values("tokenizer_goldens.json", "tokenizer_kind_goldens.json"));

TEST_P(TokenizerGolden, EncodesAndDecodesAsTheReferenceLibrary) {
  for (const OrderedJson& golden : read_testdata(GetParam())) {
    SCOPED_TRACE(golden.at("name").get<std::string>());
    const Tokenizer tokenizer = tokenizer_of(golden);
    for (const OrderedJson& item : golden.at("cases")) {
      const auto text = item.at("text").get<std::string>();
      SCOPED_TRACE(item.at("text").dump());
      const auto ids = item.at("ids").get<std::vector<TokenId>>();
      EXPECT_EQ(must(tokenizer.encode(text)), ids);
      EXPECT_EQ(must(tokenizer.encode(text, {.parse_special = true, .add_post_tokens = false})),
                item.value("ids_without_post", ids));
      const auto decoded = item.value("decoded", text);
      EXPECT_EQ(must(tokenizer.decode(ids)), decoded);
      EXPECT_EQ(streamed(tokenizer, ids, false), decoded);
      const auto skipped = item.value("decoded_skip_special", decoded);
      EXPECT_EQ(must(tokenizer.decode(ids, true)), skipped);
      EXPECT_EQ(streamed(tokenizer, ids, true), skipped);
    }
  }
}

TEST_P(TokenizerGolden, DecodesArbitraryIdsAsTheReferenceLibrary) {
  for (const OrderedJson& golden : read_testdata(GetParam())) {
    SCOPED_TRACE(golden.at("name").get<std::string>());
    const Tokenizer tokenizer = tokenizer_of(golden);
    for (const OrderedJson& item : golden.at("decodes")) {
      const auto ids = item.at("ids").get<std::vector<TokenId>>();
      SCOPED_TRACE(item.at("ids").dump());
      EXPECT_EQ(must(tokenizer.decode(ids)), item.at("decoded").get<std::string>());
      EXPECT_EQ(streamed(tokenizer, ids, false), item.at("decoded").get<std::string>());
    }
  }
}

}  // namespace
}  // namespace hearth::text
