#include "engine/generate.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <string>
#include <vector>

namespace hearth::engine {
namespace {

constexpr std::int64_t kVocab = 16;
constexpr TokenId kStop = 15;

/// Predicts (last token + 1) mod 16 and writes down what it was asked for.
class CountingExecutor final : public Executor {
 public:
  std::int64_t vocab_size() const override { return kVocab; }

  Result<SequenceId> open_sequence(const SequenceSpec& spec) override {
    last_spec = spec;
    ++open;
    return SequenceId{1};
  }

  Result<std::int64_t> rewind_sequence(SequenceId, const SequenceSpec& spec,
                                       std::int64_t keep_tokens) override {
    last_spec = spec;
    held = keep_tokens;
    return keep_tokens;
  }

  void close_sequence(SequenceId) override { --open; }

  Result<StepResult> run(const StepPlan& plan) override {
    const Segment& segment = plan.segments.at(0);
    if (fail_after >= 0 && static_cast<int>(chunks.size()) >= fail_after) {
      return fail(ErrorCode::kInternal, "scripted failure");
    }
    chunks.push_back(segment.tokens.size());
    held += static_cast<std::int64_t>(segment.tokens.size());
    EXPECT_LE(held, last_spec.capacity_tokens);
    StepResult result;
    if (segment.wants_logits) {
      result.logits.assign(kVocab, 0.0f);
      result.logits[static_cast<std::size_t>((segment.tokens.back() + 1) % kVocab)] = 1.0f;
      if (nan) result.logits[0] = std::nanf("");
    }
    return result;
  }

  SequenceSpec last_spec;
  std::vector<std::size_t> chunks;
  std::int64_t held = 0;
  int open = 0;
  int fail_after = -1;
  bool nan = false;
};

GenerateRequest request(std::vector<TokenId> prompt, std::int64_t max_tokens) {
  GenerateRequest made;
  made.prompt = std::move(prompt);
  made.stop_ids = {kStop};
  made.max_tokens = max_tokens;
  return made;
}

/// Refuses one token, and from then on nothing.
class RefuseOnce final : public TokenFilter {
 public:
  explicit RefuseOnce(TokenId refused) : refused_(refused) {}
  bool restricts() const override { return !done_; }
  bool allows(TokenId token) const override { return token != refused_; }
  void accept(TokenId token) override {
    accepted.push_back(token);
    done_ = done_ || accepted.size() == 4;
  }

  std::vector<TokenId> accepted;

 private:
  TokenId refused_;
  bool done_ = false;
};

class GenerateTest : public ::testing::Test {
 protected:
  Result<GenerateOutcome> run(const GenerateRequest& made) {
    return generate(
        executor_, made,
        [this](TokenId token) {
          received_.push_back(token);
          return sink_limit_ == 0 || received_.size() < sink_limit_;
        },
        cancelled_);
  }

  CountingExecutor executor_;
  std::vector<TokenId> received_;
  std::size_t sink_limit_ = 0;
  std::atomic<bool> cancelled_{false};
};

TEST_F(GenerateTest, LogProbabilitiesAreTheModelsOwn) {
  GenerateRequest made = request({3}, 4);
  made.wants_log_probabilities = true;
  made.sampling.repetition_penalty = 1.5;  // changes what is chosen from, not what is reported
  const auto outcome = run(made);
  ASSERT_TRUE(outcome) << outcome.error().message;
  ASSERT_EQ(outcome->log_probabilities.size(), outcome->tokens.size());
  const double expected = 1 - std::log(std::exp(1.0) + kVocab - 1);
  for (const double found : outcome->log_probabilities) EXPECT_NEAR(found, expected, 1e-12);
  made.wants_log_probabilities = false;
  executor_.held = 0;
  EXPECT_TRUE(run(made)->log_probabilities.empty());
}

TEST_F(GenerateTest, StopsAtTheStopTokenAndKeepsItOut) {
  const auto outcome = run(request({10, 11}, 100));
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->tokens, (std::vector<TokenId>{12, 13, 14}));
  EXPECT_EQ(outcome->tokens, received_);
  EXPECT_EQ(outcome->finish, FinishReason::kStopToken);
  EXPECT_EQ(executor_.open, 0);
}

TEST_F(GenerateTest, MaxTokensNeedsNoStepForTheLastToken) {
  const auto outcome = run(request({0}, 3));
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->tokens, (std::vector<TokenId>{1, 2, 3}));
  EXPECT_EQ(outcome->finish, FinishReason::kMaxTokens);
  EXPECT_EQ(executor_.last_spec.capacity_tokens, 3);
  EXPECT_EQ(executor_.held, 3);
}

TEST_F(GenerateTest, MinTokensForbidsStopping) {
  GenerateRequest made = request({13}, 4);
  made.min_tokens = 3;
  const auto outcome = run(made);
  ASSERT_TRUE(outcome);
  ASSERT_EQ(outcome->tokens.size(), 4u);
  EXPECT_EQ(outcome->tokens[0], 14);
  EXPECT_EQ(outcome->tokens[1], 0) << "15 was forbidden, the rest are equal: the lowest id";
}

TEST_F(GenerateTest, PromptsArriveInChunksAndOnlyTheLastWantsLogits) {
  GenerateRequest made = request(std::vector<TokenId>(10, 1), 1);
  made.prefill_chunk_tokens = 4;
  const auto outcome = run(made);
  ASSERT_TRUE(outcome);
  EXPECT_EQ(executor_.chunks, (std::vector<std::size_t>{4, 4, 2}));
  EXPECT_EQ(outcome->tokens, (std::vector<TokenId>{2}));
  EXPECT_EQ(executor_.last_spec.prompt_tokens, 10);
}

TEST_F(GenerateTest, TheSinkEndsIt) {
  sink_limit_ = 2;
  const auto outcome = run(request({0}, 10));
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->finish, FinishReason::kSinkStopped);
  EXPECT_EQ(outcome->tokens.size(), 2u);
}

TEST_F(GenerateTest, CancellationKeepsWhatWasGenerated) {
  const auto outcome = generate(
      executor_, request({0}, 10),
      [this](TokenId token) {
        received_.push_back(token);
        if (token == 3) cancelled_ = true;
        return true;
      },
      cancelled_);
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->finish, FinishReason::kCancelled);
  EXPECT_EQ(outcome->tokens, (std::vector<TokenId>{1, 2, 3}));
  EXPECT_EQ(executor_.open, 0);
}

TEST_F(GenerateTest, CancelledBeforeItBeginsRunsNothing) {
  cancelled_ = true;
  const auto outcome = run(request({0, 1, 2}, 10));
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->finish, FinishReason::kCancelled);
  EXPECT_TRUE(executor_.chunks.empty());
  EXPECT_EQ(outcome->prompt_tokens_done, 0);
}

TEST_F(GenerateTest, FailuresCloseTheSequence) {
  executor_.fail_after = 2;
  const auto outcome = run(request({0}, 10));
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().message, "scripted failure");
  EXPECT_EQ(executor_.open, 0);
}

TEST_F(GenerateTest, TheNextRequestRunsOnlyWhatIsNew) {
  KeptSequence sequence(executor_);
  std::vector<std::int64_t> progress;
  const auto ask = [&](const GenerateRequest& made) {
    executor_.chunks.clear();
    progress.clear();
    return generate(
        sequence, made, [](TokenId) { return true; }, cancelled_,
        [&](std::int64_t done) { progress.push_back(done); });
  };
  ASSERT_TRUE(ask(request({3, 4, 5}, 3)));  // holds 3 4 5 6 7; 8 was never fed back
  EXPECT_EQ(sequence.tokens(), (std::vector<TokenId>{3, 4, 5, 6, 7}));
  GenerateRequest next = request({3, 4, 5, 6, 7, 8, 1, 2}, 2);
  next.prefill_chunk_tokens = 2;
  const auto outcome = ask(next);
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->cached_tokens, 5);
  EXPECT_EQ(outcome->prompt_tokens_done, 8);
  EXPECT_EQ(executor_.chunks, (std::vector<std::size_t>{2, 1, 1}));
  EXPECT_EQ(progress, (std::vector<std::int64_t>{5, 7}));
  EXPECT_EQ(outcome->tokens, (std::vector<TokenId>{3, 4}));
  EXPECT_EQ(executor_.last_spec.prompt_tokens, 8);
  EXPECT_EQ(executor_.last_spec.capacity_tokens, 9);
  EXPECT_EQ(executor_.open, 1);
}

TEST_F(GenerateTest, ACancelledRequestLeavesTheSequenceWhole) {
  KeptSequence sequence(executor_);
  const auto outcome = generate(
      sequence, request({0, 1}, 10),
      [this](TokenId token) {
        cancelled_ = token == 3;
        return true;
      },
      cancelled_);
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->finish, FinishReason::kCancelled);
  EXPECT_EQ(static_cast<std::int64_t>(sequence.tokens().size()), executor_.held);
  cancelled_ = false;
  const auto next = generate(
      sequence, request({0, 1, 2, 3, 9}, 1), [](TokenId) { return true; }, cancelled_);
  ASSERT_TRUE(next);
  EXPECT_EQ(next->cached_tokens, 4);
  EXPECT_EQ(next->tokens, (std::vector<TokenId>{10}));
}

TEST_F(GenerateTest, AFailureKeepsNothing) {
  KeptSequence sequence(executor_);
  executor_.fail_after = 2;
  EXPECT_FALSE(generate(
      sequence, request({0}, 10), [](TokenId) { return true; }, cancelled_));
  EXPECT_TRUE(sequence.tokens().empty());
  EXPECT_EQ(executor_.open, 0);
  executor_.fail_after = -1;
  executor_.nan = true;
  EXPECT_FALSE(generate(
      sequence, request({0}, 10), [](TokenId) { return true; }, cancelled_));
  EXPECT_EQ(executor_.open, 0);
}

TEST_F(GenerateTest, BadRequestsAreRefusedBeforeAnythingOpens) {
  GenerateRequest too_eager = request({0}, 2);
  too_eager.min_tokens = 3;
  GenerateRequest hot = request({0}, 2);
  hot.sampling.temperature = -1;
  for (const auto& bad : {request({}, 5), request({0}, 0), request({0, kVocab}, 5),
                          request({-1}, 5), too_eager, hot}) {
    const auto outcome = run(bad);
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, ErrorCode::kInvalidArgument);
  }
  EXPECT_EQ(executor_.open, 0);
  EXPECT_TRUE(executor_.chunks.empty());
}

TEST_F(GenerateTest, AFilterIsAskedAndTold) {
  RefuseOnce filter(3);
  GenerateRequest made = request({0}, 7);
  made.filter = &filter;
  const auto outcome = run(made);
  ASSERT_TRUE(outcome);
  // In place of 3 comes the lowest of the rest, which are all alike; later 3 may come.
  const std::vector<TokenId> expected{1, 2, 0, 1, 2, 3, 4};
  EXPECT_EQ(outcome->tokens, expected);
  EXPECT_EQ(filter.accepted, expected);
}

TEST_F(GenerateTest, StopIdsBeyondTheVocabularyAreIgnored) {
  GenerateRequest made = request({13}, 3);
  made.stop_ids = {kStop, 200020};
  made.min_tokens = 2;
  EXPECT_TRUE(run(made));
}

}  // namespace
}  // namespace hearth::engine
