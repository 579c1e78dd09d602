#include "eval/conversation_file.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace hearth::eval {
namespace {

constexpr const char* kSum =
    R"({"messages": [{"role": "user", "content": "What is 17 + 25?"},)"
    R"( {"role": "assistant", "content": "17 + 25 = 42."}], "temperature": 0})";
constexpr const char* kCall =
    R"({"tools": [{"name": "read", "description": "Read a file.", "parameters": {"path": {"type": "str"}}}],)"
    R"( "messages": [{"role": "user", "content": "show me a.txt"}, {"role": "assistant", "content": "",)"
    R"( "tool_calls": [{"type": "function", "function": {"name": "read", "arguments": "{\"path\": \"a.txt\"}"}}]}]})";

class ConversationFile : public ::testing::Test {
 protected:
  Result<ConversationPassages> passages(const std::string& text, std::size_t context) const {
    const auto conversations = parse_conversations(text, "F");
    if (!conversations) return tl::unexpected<Error>(conversations.error());
    return passages_of(*conversations, prompts_, stop_ids_, context);
  }

  /// What is scored, as text.
  std::string scored(const Passage& passage) const {
    const std::vector<TokenId> reply(
        passage.tokens.begin() + static_cast<std::ptrdiff_t>(passage.first_scored),
        passage.tokens.end());
    return *prompts_.tokenizer().decode(reply);
  }

  const provider::PromptEncoder prompts_ =
      *provider::PromptEncoder::open(HEARTH_SOURCE_DIR "/models/ember/int4");
  const std::vector<TokenId> stop_ids_ = {*prompts_.tokenizer().id_of("<|end|>"),
                                          *prompts_.tokenizer().id_of("<|endoftext|>")};
};

TEST_F(ConversationFile, TheLastReplyIsScoredWithTheTokenThatEndsIt) {
  const auto made = passages(std::string(kSum) + "\n\n" + kCall + "\n", 2048);
  ASSERT_TRUE(made) << made.error().message;
  ASSERT_EQ(made->passages.size(), 2u);
  EXPECT_EQ(scored(*made->passages[0]), "17 + 25 = 42.<|end|>");
  EXPECT_EQ(
      scored(*made->passages[1]),
      R"(<|tool_call|>[{"name": "read", "arguments": {"path": "a.txt"}}]<|/tool_call|><|end|>)");
  const auto whole = prompts_.tokenizer().decode(made->passages[0]->tokens);
  EXPECT_EQ(*whole, "<|user|>What is 17 + 25?<|end|><|assistant|>17 + 25 = 42.<|end|>");
}

TEST_F(ConversationFile, BadLinesAreNamed) {
  const std::string question = R"({"messages": [{"role": "user", "content": "x"}]})";
  const std::string lonely = R"({"messages": [{"role": "assistant", "content": "x"}]})";
  for (const auto& [line, words] : {std::pair<std::string, const char*>{question, "end with"},
                                    {lonely, "one before it"},
                                    {"{\"messages\": 3}", "messages"},
                                    {"{", "line 2"}}) {
    const auto made = passages(std::string(kSum) + "\n" + line, 2048);
    ASSERT_FALSE(made) << line;
    EXPECT_EQ(made.error().code, ErrorCode::kInvalidArgument);
    EXPECT_NE(made.error().message.find("F: line 2"), std::string::npos) << made.error().message;
    EXPECT_NE(made.error().message.find(words), std::string::npos) << made.error().message;
  }
  EXPECT_FALSE(passages("\n \n", 2048));
}

TEST_F(ConversationFile, WhatTheModelCannotBeGivenIsLeftOutAndNamed) {
  const std::string text = std::string(kCall) + "\n" + kSum;
  const auto made = passages(text, 40);
  ASSERT_TRUE(made) << made.error().message;
  ASSERT_EQ(made->passages.size(), 2u);
  EXPECT_FALSE(made->passages[0]);
  EXPECT_EQ(scored(*made->passages[1]), "17 + 25 = 42.<|end|>");
  EXPECT_NE(made->first_problem.find("F: line 1"), std::string::npos) << made->first_problem;
  EXPECT_NE(made->first_problem.find("context 40"), std::string::npos) << made->first_problem;

  const provider::PromptEncoder without_tools(
      prompts_.tokenizer(),
      *text::ChatTemplate::compile(
          "{% for m in messages %}{{ '<|' + m['role'] + '|>' + m['content'] + '<|end|>' }}"
          "{% endfor %}{{ '<|assistant|>' if add_generation_prompt }}",
          "t"),
      "", "");
  const auto conversations = parse_conversations(text, "F");
  const auto fewer = passages_of(*conversations, without_tools, stop_ids_, 2048);
  EXPECT_FALSE(fewer.passages[0]);
  EXPECT_TRUE(fewer.passages[1]);
  EXPECT_NE(fewer.first_problem.find("F: line 1"), std::string::npos) << fewer.first_problem;
}

}  // namespace
}  // namespace hearth::eval
