#include "eval/text_score.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <random>
#include <set>

namespace hearth::eval {
namespace {

constexpr std::int64_t kVocab = 11;
const std::atomic<bool> kNever{false};

/// Logits that depend on every token of the sequence so far, so that a window cut wrongly shows.
class ScriptedExecutor final : public engine::Executor {
 public:
  explicit ScriptedExecutor(double salt = 1, std::int64_t vocab = kVocab)
      : salt_(salt), vocab_(vocab) {}

  std::int64_t vocab_size() const override { return vocab_; }

  Result<engine::SequenceId> open_sequence(const engine::SequenceSpec& spec) override {
    const engine::SequenceId id = next_++;
    held_[id] = {};
    longest = std::max(longest, spec.capacity_tokens);
    return id;
  }

  Result<std::int64_t> rewind_sequence(engine::SequenceId, const engine::SequenceSpec&,
                                       std::int64_t) override {
    return fail(ErrorCode::kInternal, "not scripted");
  }

  void close_sequence(engine::SequenceId id) override { held_.erase(id); }

  Result<engine::StepResult> run(const engine::StepPlan& plan) override {
    if (--steps_left == 0) return fail(ErrorCode::kInternal, "scripted failure");
    engine::StepResult result;
    for (const engine::Segment& segment : plan.segments) {
      auto& tokens = held_.at(segment.sequence);
      const auto quiet = static_cast<std::int64_t>(segment.tokens.size()) - segment.logit_rows;
      for (std::size_t i = 0; i < segment.tokens.size(); ++i) {
        tokens.push_back(segment.tokens[i]);
        if (!segment.wants_logits || static_cast<std::int64_t>(i) < quiet) continue;
        const auto row = logits_after(tokens);
        result.logits.insert(result.logits.end(), row.begin(), row.end());
        ++rows;
      }
    }
    most_floats = std::max(most_floats, result.logits.size());
    return result;
  }

  std::vector<float> logits_after(std::span<const TokenId> tokens) const {
    double state = salt_;
    for (const TokenId token : tokens) state = std::fmod(state * 1.7 + token + 0.3, 17.0);
    std::vector<float> row;
    for (std::int64_t v = 0; v < vocab_; ++v) {
      row.push_back(static_cast<float>(3 * std::sin(state * static_cast<double>(v + 1))));
    }
    return row;
  }

  std::size_t open() const { return held_.size(); }

  std::int64_t longest = 0;
  std::int64_t rows = 0;
  std::size_t most_floats = 0;
  int steps_left = -1;

 private:
  double salt_;
  std::int64_t vocab_;
  engine::SequenceId next_ = 1;
  std::map<engine::SequenceId, std::vector<TokenId>> held_;
};

std::vector<TokenId> text_of(std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<TokenId> ids(count);
  for (TokenId& id : ids) id = static_cast<TokenId>(random() % kVocab);
  return ids;
}

std::vector<double> plain_softmax(const std::vector<float>& row) {
  std::vector<double> p;
  double sum = 0;
  for (const float x : row) sum += std::exp(static_cast<double>(x));
  for (const float x : row) p.push_back(std::exp(static_cast<double>(x)) / sum);
  return p;
}

/// The definition: every token but the first, each with the context of the first window that holds
/// it, without chunks, executors or running sums.
double perplexity_by_definition(const ScriptedExecutor& model, const std::vector<TokenId>& ids,
                                std::size_t context, std::size_t stride) {
  double surprise = 0;
  for (std::size_t t = 1; t < ids.size(); ++t) {
    std::size_t begin = 0;
    while (t >= begin + context) begin += stride;
    const auto p =
        plain_softmax(model.logits_after(std::span<const TokenId>(ids).subspan(begin, t - begin)));
    surprise -= std::log(p[static_cast<std::size_t>(ids[t])]);
  }
  return std::exp(surprise / static_cast<double>(ids.size() - 1));
}

TEST(Windows, ScoreEveryTokenButTheFirstOnce) {
  for (std::size_t tokens : {2u, 3u, 9u, 10u, 11u, 57u}) {
    for (std::size_t context : {2u, 3u, 10u, 64u}) {
      for (std::size_t stride = 1; stride < context; stride += 2) {
        std::set<std::size_t> scored;
        for (const Window& window : windows_of(tokens, context, stride)) {
          EXPECT_LE(window.end - window.begin, context);
          EXPECT_GT(window.first_scored, window.begin);
          EXPECT_GE(window.first_scored - window.begin, window.begin > 0 ? context - stride : 1);
          for (std::size_t t = window.first_scored; t < window.end; ++t) {
            EXPECT_TRUE(scored.insert(t).second) << t;
          }
        }
        EXPECT_EQ(scored.size(), tokens - 1);
      }
    }
  }
}

TEST(ScorePassages, EachBeginsAnewAndOnlyItsEndIsScored) {
  std::vector<Passage> passages;
  double surprise = 0;
  std::int64_t scored = 0;
  const ScriptedExecutor definition;
  for (unsigned seed = 0; seed < 12; ++seed) {
    Passage one{text_of(2 + seed * 7, seed), 1 + seed * 3};
    for (std::size_t t = one.first_scored; t < one.tokens.size(); ++t) {
      const auto p = plain_softmax(definition.logits_after(std::span(one.tokens).first(t)));
      surprise -= std::log(p[static_cast<std::size_t>(one.tokens[t])]);
      ++scored;
    }
    passages.push_back(std::move(one));
  }
  for (const std::size_t rows_max : {1u, 3u, 64u}) {
    ScriptedExecutor model;
    ScriptedExecutor twin;
    std::int64_t total = 0;
    TextOptions options{.rows_max = rows_max};
    options.on_progress = [&](std::int64_t, std::int64_t all) { total = all; };
    const auto outcome = score_passages(model, &twin, passages, options, kNever);
    ASSERT_TRUE(outcome) << outcome.error().message;
    EXPECT_EQ(outcome->score.tokens, scored);
    EXPECT_EQ(total, scored);
    EXPECT_EQ(model.rows, scored);
    EXPECT_NEAR(outcome->score.surprise / surprise, 1, 1e-9);
    EXPECT_EQ(outcome->divergence.rows, scored);
    EXPECT_EQ(outcome->divergence.top1_agreement(), 1);
    EXPECT_EQ(model.open() + twin.open(), 0u);
  }
}

TEST(ScorePassages, TokensBeyondTheVocabularyAreRefused) {
  ScriptedExecutor model;
  const std::vector<Passage> passages = {{{1, 2}, 1}, {{1, kVocab}, 1}};
  const auto outcome = score_passages(model, nullptr, passages, {}, kNever);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(model.rows, 0) << "checked before anything is run";
}

TEST(ScoreText, IsTheDefinitionWhateverTheChunks) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    const auto ids = text_of(2 + seed * 5, seed);
    for (const auto& [context, stride] :
         {std::pair<std::size_t, std::size_t>{200, 100}, {16, 8}, {16, 15}, {5, 1}, {2, 1}}) {
      for (const std::size_t rows_max : {1u, 3u, 64u}) {
        ScriptedExecutor model;
        TextOptions options{
            .context_tokens = context, .stride_tokens = stride, .rows_max = rows_max};
        const auto outcome = score_text(model, nullptr, ids, options, kNever);
        ASSERT_TRUE(outcome) << outcome.error().message;
        EXPECT_EQ(outcome->score.tokens, static_cast<std::int64_t>(ids.size()) - 1);
        EXPECT_EQ(model.rows, outcome->score.tokens);
        EXPECT_LE(model.most_floats, rows_max * kVocab);
        EXPECT_LE(model.longest, static_cast<std::int64_t>(context) - 1);
        const double expected = perplexity_by_definition(model, ids, context, stride);
        EXPECT_NEAR(outcome->score.perplexity() / expected, 1, 1e-9);
        EXPECT_EQ(model.open(), 0u);
      }
    }
  }
}

TEST(ScoreText, DivergenceIsTheDefinition) {
  ScriptedExecutor model(1);
  ScriptedExecutor reference(2);
  const auto ids = text_of(40, 3);
  const auto outcome = score_text(
      model, &reference, ids, {.context_tokens = 64, .stride_tokens = 32, .rows_max = 7}, kNever);
  ASSERT_TRUE(outcome) << outcome.error().message;
  double sum = 0;
  double most = 0;
  int same = 0;
  for (std::size_t t = 1; t < ids.size(); ++t) {
    const auto before = std::span<const TokenId>(ids).first(t);
    const auto p = plain_softmax(reference.logits_after(before));
    const auto q = plain_softmax(model.logits_after(before));
    double kl = 0;
    for (std::size_t v = 0; v < p.size(); ++v) kl += p[v] * std::log(p[v] / q[v]);
    sum += kl;
    most = std::max(most, kl);
    same += std::max_element(p.begin(), p.end()) - p.begin() ==
            std::max_element(q.begin(), q.end()) - q.begin();
  }
  EXPECT_NEAR(outcome->divergence.kl_mean(), sum / 39, 1e-9);
  EXPECT_NEAR(outcome->divergence.kl_max, most, 1e-9);
  EXPECT_NEAR(outcome->divergence.top1_agreement(), same / 39.0, 1e-12);
  EXPECT_NEAR(outcome->reference_score.perplexity(),
              perplexity_by_definition(reference, ids, 64, 32), 1e-9);
  EXPECT_GT(outcome->divergence.kl_mean(), 0.01) << "two models alike show nothing";
}

TEST(ScoreText, AModelDoesNotDivergeFromItself) {
  ScriptedExecutor model;
  ScriptedExecutor same;
  const auto outcome =
      score_text(model, &same, text_of(30, 1), {.context_tokens = 64, .stride_tokens = 32}, kNever);
  ASSERT_TRUE(outcome);
  EXPECT_NEAR(outcome->divergence.kl_mean(), 0, 1e-14);
  EXPECT_EQ(outcome->divergence.top1_agreement(), 1);
}

TEST(ScoreText, RefusesWhatCannotBeScored) {
  ScriptedExecutor model;
  ScriptedExecutor wider(1, kVocab + 1);
  const TextOptions options{.context_tokens = 8, .stride_tokens = 4};
  const std::vector<TokenId> one = {1};
  const std::vector<TokenId> beyond = {1, kVocab};
  const std::vector<TokenId> fine = {1, 2, 3};
  EXPECT_EQ(score_text(model, nullptr, one, options, kNever).error().code,
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(score_text(model, nullptr, {}, options, kNever).error().code,
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(score_text(model, nullptr, beyond, options, kNever).error().code,
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(score_text(model, &wider, fine, options, kNever).error().code,
            ErrorCode::kInvalidArgument);
  const std::atomic<bool> stopped{true};
  EXPECT_EQ(score_text(model, nullptr, fine, options, stopped).error().code, ErrorCode::kCancelled);
}

TEST(ScoreText, AFailureClosesBothSequences) {
  ScriptedExecutor model;
  ScriptedExecutor reference;
  reference.steps_left = 3;
  const auto outcome =
      score_text(model, &reference, text_of(60, 1),
                 {.context_tokens = 16, .stride_tokens = 8, .rows_max = 4}, kNever);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().message, "scripted failure");
  EXPECT_EQ(model.open() + reference.open(), 0u);
}

TEST(AddRow, LogitsThatAreNoNumbersAreAnError) {
  TextScore score;
  Divergence divergence;
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_FALSE(add_row(std::vector<float>{0, nan}, 0, score));
  EXPECT_FALSE(add_rows(std::vector<float>{0, nan}, std::vector<float>{0, 1}, divergence));
  EXPECT_FALSE(add_rows(std::vector<float>{0, 1}, std::vector<float>{nan, 1}, divergence));
  EXPECT_EQ(score.tokens, 0);
  EXPECT_EQ(divergence.rows, 0);
}

TEST(AddRow, WhatTheModelHeldImpossibleIsInfinite) {
  const float never = -std::numeric_limits<float>::infinity();
  TextScore score;
  ASSERT_TRUE(add_row(std::vector<float>{0, never}, 1, score));
  EXPECT_TRUE(std::isinf(score.perplexity()));
  Divergence divergence;
  ASSERT_TRUE(add_rows(std::vector<float>{0, never}, std::vector<float>{0, 0}, divergence));
  EXPECT_TRUE(std::isinf(divergence.kl_mean()));
  Divergence other;
  ASSERT_TRUE(add_rows(std::vector<float>{0, 0}, std::vector<float>{0, never}, other));
  EXPECT_NEAR(other.kl_mean(), std::log(2.0), 1e-12);
}

}  // namespace
}  // namespace hearth::eval
