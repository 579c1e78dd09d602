#include "eval/run_cases.h"

#include <gtest/gtest.h>

#include <cmath>

namespace hearth::eval {
namespace {

const std::atomic<bool> kNotCancelled{false};

class RunCases : public ::testing::Test {
 protected:
  void SetUp() override {
    auto loaded = text::Tokenizer::load(HEARTH_SOURCE_DIR "/models/ember/int4/tokenizer.json");
    ASSERT_TRUE(loaded) << loaded.error().message;
    tokenizer_.emplace(*loaded);
    const auto cases = parse_cases(
        R"({"id": "call", "kind": "tool", "tools": [{"name": "read"}], "messages": [{"role": "user", "content": "a"}], "expect": {"tool": "read", "arguments": {}}})"
        "\n"
        R"({"id": "text", "kind": "question", "messages": [{"role": "user", "content": "b"}], "expect": {"text_contains": ["42"]}})",
        "x");
    ASSERT_TRUE(cases) << cases.error().message;
    cases_ = *cases;
  }

  /// A reply of that text, each token with probability one half.
  provider::ChatReply reply(const std::string& raw) const {
    provider::ChatReply made;
    made.raw_text = raw;
    made.text = raw;
    made.tokens = tokenizer_->encode(raw).value();
    made.log_probabilities.assign(made.tokens.size(), std::log(0.5));
    made.usage.input_tokens = 5;
    made.usage.output_tokens = static_cast<std::int64_t>(made.tokens.size());
    return made;
  }

  std::optional<text::Tokenizer> tokenizer_;
  std::vector<EvalCase> cases_;
};

TEST_F(RunCases, AsksEveryCaseAndScoresIt) {
  std::vector<std::string> asked;
  const Ask ask = [&](const provider::ChatRequest& request,
                      const provider::ProgressSink& progress) -> Result<provider::ChatReply> {
    EXPECT_TRUE(request.wants_log_probabilities);
    EXPECT_FALSE(request.sliding_window);
    EXPECT_EQ(request.max_tokens, 99);
    asked.push_back(request.messages.at(0).content);
    if (request.tools.empty()) {
      progress({5, 5, 1});
      progress({5, 5, 2});
      progress({5, 5, 3});
      return reply("It is 42.");
    }
    progress({5, 0, 0});
    auto made = reply(R"(<|tool_call|>[{"name": "read", "arguments": {}}]<|/tool_call|>)");
    made.tool_calls.push_back({"", "read", OrderedJson::object()});
    return made;
  };
  CaseOptions options;
  options.max_tokens = 99;
  std::vector<std::string> told;
  options.on_case = [&](std::size_t done, const std::string& id) {
    told.push_back(std::to_string(done) + id);
  };
  const auto outcome = run_cases(ask, *tokenizer_, cases_, options, kNotCancelled);
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(asked, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(told, (std::vector<std::string>{"0call", "1text"}));
  ASSERT_EQ(outcome->cases.size(), 2u);
  EXPECT_TRUE(outcome->cases[0].score.right && outcome->cases[1].score.right);
  ASSERT_TRUE(outcome->cases[0].score.confidence);
  EXPECT_NEAR(*outcome->cases[0].score.confidence, 0.5, 1e-12);
  EXPECT_EQ(outcome->cases[1].score.confidence, std::nullopt);
  EXPECT_EQ(outcome->request_ms.size(), 2u);
  EXPECT_EQ(outcome->first_token_ms.size(), 1u);
  EXPECT_EQ(outcome->step_ms.size(), 2u);
  EXPECT_EQ(outcome->prompt_tokens, 10);
}

TEST_F(RunCases, APromptThatDoesNotFitIsAWrongAnswer) {
  const Ask ask = [&](const provider::ChatRequest& request,
                      const provider::ProgressSink&) -> Result<provider::ChatReply> {
    if (!request.tools.empty()) return fail(ErrorCode::kContextTooLong, "too long");
    return reply("42");
  };
  const auto outcome = run_cases(ask, *tokenizer_, cases_, {}, kNotCancelled);
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_FALSE(outcome->cases[0].score.right);
  EXPECT_TRUE(outcome->cases[1].score.right);
}

TEST_F(RunCases, AnErrorNamesTheCase) {
  const Ask ask = [&](const provider::ChatRequest& request,
                      const provider::ProgressSink&) -> Result<provider::ChatReply> {
    if (request.tools.empty()) return fail(ErrorCode::kInternal, "broken");
    return reply("x");
  };
  const auto outcome = run_cases(ask, *tokenizer_, cases_, {}, kNotCancelled);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().message, "case text: broken");
}

TEST_F(RunCases, StoppingIsCancelled) {
  std::atomic<bool> cancelled{false};
  const Ask ask = [&](const provider::ChatRequest&,
                      const provider::ProgressSink&) -> Result<provider::ChatReply> {
    cancelled = true;
    return reply("half an ans");
  };
  const auto outcome = run_cases(ask, *tokenizer_, cases_, {}, cancelled);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, ErrorCode::kCancelled);
}

}  // namespace
}  // namespace hearth::eval
