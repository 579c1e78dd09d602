#include "provider/tool_call_filter.h"

#include <gtest/gtest.h>

#include <random>

#include "base/file.h"
#include "protocol/tool_call_parser.h"
#include "protocol/tool_definitions.h"

namespace hearth::provider {
namespace {

text::Tokenizer ember() {
  auto tokenizer = text::Tokenizer::load(HEARTH_SOURCE_DIR "/models/ember/int4/tokenizer.json");
  EXPECT_TRUE(tokenizer) << tokenizer.error().message;
  return *std::move(tokenizer);
}

std::vector<protocol::ToolDefinition> tools() {
  auto tools = protocol::parse_tool_definitions(
      R"([{"name": "kestrel_open", "description": "", "input_schema": {"type": "object", "required": ["where"],
           "properties": {"where": {"type": "string"}, "lines": {"type": "integer"}}}},
          {"name": "zap", "parameters": {"ß": {"type": "str"}, "how": {"enum": ["now", "later"], "type": "str"}}}])",
      "tools");
  EXPECT_TRUE(tools) << tools.error().message;
  return *std::move(tools);
}

/// A model without any sense: each token is drawn from all that are allowed.
std::vector<TokenId> walk(ToolCallFilter& filter, const text::Tokenizer& tokenizer,
                          const CallVocabulary& markers, std::mt19937& random) {
  std::vector<TokenId> tokens{markers.open()};
  filter.accept(markers.open());
  while (filter.restricts()) {
    std::vector<TokenId> possible;
    for (std::size_t id = 0; id < tokenizer.vocab_size() + 3; ++id) {
      if (filter.allows(static_cast<TokenId>(id))) possible.push_back(static_cast<TokenId>(id));
    }
    EXPECT_FALSE(possible.empty());
    if (possible.empty() || tokens.size() > 4000) return tokens;
    // The shortest tokens among them close what is open; else it would hardly ever end.
    TokenId chosen = possible[random() % possible.size()];
    for (const TokenId id : possible) {
      const bool closes = id == markers.close() || *tokenizer.piece(id) == "\"" ||
                          *tokenizer.piece(id) == "}" || *tokenizer.piece(id) == "]";
      if (closes && random() % 3 != 0) chosen = id;
    }
    filter.accept(chosen);
    tokens.push_back(chosen);
  }
  return tokens;
}

TEST(ToolCallFilter, WhateverIsAllowedEndsInCallsThatNeedNoRepair) {
  const text::Tokenizer tokenizer = ember();
  auto markers = CallVocabulary::of(tokenizer, "", {});
  ASSERT_TRUE(markers);
  EXPECT_EQ(markers->wrapper(), protocol::CallWrapper::kList);
  std::mt19937 random(5);
  ToolCallFilter filter(*markers, tools());
  for (int round = 0; round < 60; ++round) {
    const auto tokens = walk(filter, tokenizer, *markers, random);
    const auto text = tokenizer.decode(tokens);
    ASSERT_TRUE(text);
    ASSERT_TRUE(text->ends_with("<|/tool_call|>")) << *text;
    const protocol::ParsedReply parsed = protocol::parse_tool_calls(*text, tools());
    EXPECT_FALSE(parsed.tool_calls.empty()) << *text;
    EXPECT_FALSE(parsed.repaired) << *text;
  }
}

/// The shortcuts of allows() against the grammar itself, token by token along a call.
TEST(ToolCallFilter, AllowsWhatTheGrammarAccepts) {
  const text::Tokenizer tokenizer = ember();
  auto markers = CallVocabulary::of(tokenizer, "", {});
  ASSERT_TRUE(markers);
  ToolCallFilter filter(*markers, tools());
  const protocol::ToolCallGrammar grammar(tools(), protocol::CallWrapper::kList);
  protocol::ToolCallGrammar::State state = grammar.begin();
  filter.accept(markers->open());
  const auto ids = tokenizer.encode(
      R"([{"name": "kestrel_open", "arguments": {"where": "a \"b\\ \u00e9ü/c.d", "lines": -12}}, )"
      R"({"name": "zap", "arguments": {"how": "now", "ß": "x"}}])");
  ASSERT_TRUE(ids);
  for (const TokenId next : *ids) {
    for (std::size_t i = 0; i < tokenizer.vocab_size(); ++i) {
      const auto id = static_cast<TokenId>(i);
      if (!tokenizer.has_id(id) || tokenizer.is_added(id)) continue;
      protocol::ToolCallGrammar::State tried = state;
      ASSERT_EQ(filter.allows(id), tried.push(*tokenizer.piece(id))) << *tokenizer.piece(id);
    }
    ASSERT_TRUE(filter.allows(next)) << *tokenizer.piece(next);
    EXPECT_FALSE(filter.allows(markers->close()));
    filter.accept(next);
    ASSERT_TRUE(state.push(*tokenizer.piece(next)));
  }
  EXPECT_TRUE(filter.allows(markers->close()));
}

TEST(ToolCallFilter, OutsideOfCallsEverythingMayCome) {
  const text::Tokenizer tokenizer = ember();
  auto markers = CallVocabulary::of(tokenizer, "", {});
  ASSERT_TRUE(markers);
  ToolCallFilter filter(*markers, tools());
  const auto ids = tokenizer.encode("Of course [{\"name\": \"none\"}]<|end|>");
  ASSERT_TRUE(ids);
  for (const TokenId id : *ids) {
    EXPECT_FALSE(filter.restricts());
    EXPECT_TRUE(filter.allows(id));
    filter.accept(id);
  }
}

TEST(ToolCallFilter, InsideNoAddedTokenAndNoStopTokenMayCome) {
  const text::Tokenizer tokenizer = ember();
  const TokenId stop = *tokenizer.id_of("z");
  auto markers = CallVocabulary::of(tokenizer, "", {stop});
  ASSERT_TRUE(markers);
  ToolCallFilter filter(*markers, tools());
  const auto ids =
      tokenizer.encode("<|tool_call|>[{\"name\": \"kestrel_open\", \"arguments\": {\"where\": \"a");
  ASSERT_TRUE(ids);
  for (const TokenId id : *ids) {
    ASSERT_TRUE(filter.allows(id)) << *tokenizer.piece(id);
    filter.accept(id);
  }
  for (const char* added : {"<|end|>", "<|tool_call|>", "<|/tool_call|>", "<|endoftext|>",
                            "<|tool|>", "<|tool_response|>", "<|user|>"}) {
    EXPECT_FALSE(filter.allows(*tokenizer.id_of(added))) << added;
  }
  EXPECT_FALSE(filter.allows(stop));
  EXPECT_TRUE(filter.allows(*tokenizer.id_of("b")));
}

/// Ember's vocabulary with another spelling of the markers.
text::Tokenizer with_angle_markers() {
  auto text = read_file(HEARTH_SOURCE_DIR "/models/ember/int4/tokenizer.json");
  EXPECT_TRUE(text);
  for (const auto& [old, now] :
       {std::pair<std::string, std::string>{"<|tool_call|>", "<tool_call>"},
        {"<|/tool_call|>", "</tool_call>"}}) {
    for (std::size_t at = text->find(old); at != std::string::npos; at = text->find(old)) {
      text->replace(at, old.size(), now);
    }
  }
  auto tokenizer = text::Tokenizer::from_json(*text, "angle");
  EXPECT_TRUE(tokenizer) << tokenizer.error().message;
  return *std::move(tokenizer);
}

TEST(ToolCallFilter, MarkersAreTakenWhereTheTemplateSpeaksOfJson) {
  const text::Tokenizer tokenizer = with_angle_markers();
  EXPECT_FALSE(CallVocabulary::of(tokenizer, "<tool_call><function=name>{{ call.arguments }}", {}));
  auto markers = CallVocabulary::of(tokenizer, R"(<tool_call>{\"name\": x, \"arguments\": y})", {});
  ASSERT_TRUE(markers);
  EXPECT_EQ(markers->wrapper(), protocol::CallWrapper::kObject);
  EXPECT_FALSE(CallVocabulary::of(tokenizer, "\"arguments\"", {markers->close()}));
  std::mt19937 random(6);
  ToolCallFilter filter(*markers, tools());
  for (int round = 0; round < 10; ++round) {
    const auto text = tokenizer.decode(walk(filter, tokenizer, *markers, random));
    ASSERT_TRUE(text);
    EXPECT_EQ(protocol::parse_tool_calls(*text, tools()).tool_calls.size(), 1U) << *text;
  }
}

TEST(ToolCallFilter, VocabulariesWithoutMarkersOrBytesHaveNone) {
  const auto without = text::Tokenizer::from_json(
      R"({"added_tokens": [], "normalizer": null, "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false,
          "trim_offsets": true, "use_regex": false}, "post_processor": null, "decoder": {"type": "ByteLevel"},
          "model": {"type": "BPE", "vocab": {"a": 0, "b": 1}, "merges": []}})",
      "small");
  ASSERT_TRUE(without) << without.error().message;
  EXPECT_FALSE(CallVocabulary::of(*without, "", {}));
  const auto few = text::Tokenizer::from_json(
      R"({"added_tokens": [
            {"id": 2, "content": "<|tool_call|>", "special": true, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false},
            {"id": 3, "content": "<|/tool_call|>", "special": true, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false}],
          "normalizer": null, "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false,
          "trim_offsets": true, "use_regex": false}, "post_processor": null, "decoder": {"type": "ByteLevel"},
          "model": {"type": "BPE", "vocab": {"a": 0, "b": 1}, "merges": []}})",
      "few");
  ASSERT_TRUE(few) << few.error().message;
  EXPECT_FALSE(CallVocabulary::of(*few, "", {})) << "calls could not be spelt";
}

}  // namespace
}  // namespace hearth::provider
