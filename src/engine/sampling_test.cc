#include "engine/sampling.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <random>

#include "engine/random.h"

namespace hearth::engine {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

TokenId sample_once(std::vector<float> logits, const SamplingParams& params,
                    std::vector<TokenId> seen = {}, std::vector<TokenId> forbidden = {},
                    std::uint64_t draw = 0) {
  Sampler sampler(params, static_cast<std::int64_t>(logits.size()));
  sampler.observe(seen);
  const auto token = sampler.sample(logits, forbidden, draw);
  EXPECT_TRUE(token) << token.error().message;
  return token.value_or(-1);
}

TEST(Sampling, GreedyTakesTheHighestAndTheLowestIdAmongEquals) {
  EXPECT_EQ(sample_once({1, 3, 2}, {}), 1);
  EXPECT_EQ(sample_once({1, 3, 3}, {}), 1);
  SamplingParams top1;
  top1.temperature = 1;
  top1.top_k = 1;
  EXPECT_EQ(sample_once({1, 3, 3}, top1), 1);
}

TEST(Sampling, RepetitionPenaltyDividesPositiveAndMultipliesNegative) {
  SamplingParams params;
  params.repetition_penalty = 2;
  EXPECT_EQ(sample_once({4, 3, -1}, params, {0}), 1);
  EXPECT_EQ(sample_once({-1, -1.5f}, params, {0}), 1);
  EXPECT_EQ(sample_once({4, 1.9f}, params, {0, 0, 0}), 0) << "each token is penalised once";
}

TEST(Sampling, ForbiddenTokensNeverCome) { EXPECT_EQ(sample_once({5, 1, 0}, {}, {}, {0}), 1); }

/// Allows what a list says.
class ListFilter final : public TokenFilter {
 public:
  explicit ListFilter(std::vector<bool> allowed) : allowed_(std::move(allowed)) {}
  bool restricts() const override { return true; }
  bool allows(TokenId token) const override { return allowed_[static_cast<std::size_t>(token)]; }
  void accept(TokenId) override {}

 private:
  std::vector<bool> allowed_;
};

/// A filter is the same as forbidding all that it does not allow, for every way to choose.
TEST(Sampling, AFilterLeavesWhatItAllows) {
  std::mt19937 random(3);
  for (int round = 0; round < 500; ++round) {
    std::vector<float> logits(40);
    std::vector<bool> allowed(logits.size());
    for (float& logit : logits) logit = static_cast<float>(random() % 1000) / 100;
    const unsigned share = round % 3 == 0 ? 20 : 2;
    for (std::size_t i = 0; i < allowed.size(); ++i) allowed[i] = random() % share == 0;
    allowed[random() % allowed.size()] = true;
    std::vector<TokenId> forbidden;
    for (std::size_t i = 0; i < allowed.size(); ++i) {
      if (!allowed[i]) forbidden.push_back(static_cast<TokenId>(i));
    }
    SamplingParams params;
    params.temperature = round % 2;
    params.top_k = round % 5 == 0 ? 3 : 0;
    params.repetition_penalty = round % 7 == 0 ? 1.5 : 1;
    const auto draw = static_cast<std::uint64_t>(round);
    const TokenId expected = sample_once(logits, params, {1, 2}, forbidden, draw);
    Sampler sampler(params, static_cast<std::int64_t>(logits.size()));
    sampler.observe(std::vector<TokenId>{1, 2});
    const ListFilter filter(allowed);
    const auto token = sampler.sample(logits, {}, draw, &filter);
    ASSERT_TRUE(token) << token.error().message;
    EXPECT_EQ(*token, expected) << round;
  }
}

TEST(Sampling, BrokenLogitsAreErrors) {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), kInfinity}) {
    Sampler sampler({}, 3);
    std::vector<float> logits{0, bad, 0};
    const auto token = sampler.sample(logits, {}, 0);
    ASSERT_FALSE(token);
    EXPECT_NE(token.error().message.find("token 1"), std::string::npos);
  }
  Sampler sampler({}, 2);
  std::vector<float> none{-kInfinity, -kInfinity};
  EXPECT_FALSE(sampler.sample(none, {}, 0));
  std::vector<float> one_left{-kInfinity, 0};
  const std::vector<TokenId> forbidden{1};
  EXPECT_FALSE(sampler.sample(one_left, forbidden, 0));
}

TEST(Sampling, MinusInfinityAloneIsAllowed) {
  SamplingParams params;
  params.temperature = 1;
  for (std::uint64_t draw = 0; draw < 50; ++draw) {
    EXPECT_EQ(sample_once({-kInfinity, 0, -kInfinity}, params, {}, {}, draw), 1);
  }
}

TEST(Sampling, RangesAreChecked) {
  SamplingParams params;
  EXPECT_TRUE(validate(params));
  params.top_p = 0;
  EXPECT_FALSE(validate(params));
  params = {};
  params.temperature = std::numeric_limits<double>::quiet_NaN();
  EXPECT_FALSE(validate(params));
  params = {};
  params.top_k = -1;
  EXPECT_FALSE(validate(params));
  params = {};
  params.repetition_penalty = 0;
  EXPECT_FALSE(validate(params));
}

/// The documented order, written plainly with full sorts: probabilities of every token.
std::map<TokenId, double> reference_distribution(const std::vector<float>& logits,
                                                 const SamplingParams& params) {
  std::vector<TokenId> order(logits.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<TokenId>(i);
  const auto logit = [&](TokenId id) { return logits[static_cast<std::size_t>(id)]; };
  std::stable_sort(order.begin(), order.end(),
                   [&](TokenId a, TokenId b) { return logit(a) > logit(b); });
  if (params.top_k > 0) {
    order.resize(std::min(order.size(), static_cast<std::size_t>(params.top_k)));
  }
  double total = 0;
  for (const TokenId id : order) total += std::exp(double{logit(id)} / params.temperature);
  std::map<TokenId, double> kept;
  double nucleus = 0;
  for (const TokenId id : order) {
    if (!kept.empty() && nucleus / total >= params.top_p) break;
    kept[id] = std::exp(double{logit(id)} / params.temperature) / total;
    nucleus += std::exp(double{logit(id)} / params.temperature);
  }
  for (auto& [id, probability] : kept) probability *= total / nucleus;
  return kept;
}

TEST(Sampling, DrawsFollowTheReferenceDistribution) {
  std::mt19937 generator(3);
  std::normal_distribution<float> normal(0, 2);
  for (const auto& [temperature, top_k, top_p, vocab] :
       {std::tuple{0.7, 0, 0.9, 40}, std::tuple{1.0, 5, 1.0, 40}, std::tuple{1.3, 8, 0.8, 40},
        std::tuple{1.0, 0, 1.0, 40}, std::tuple{1.5, 0, 0.95, 3000}}) {
    std::vector<float> logits(static_cast<std::size_t>(vocab));
    for (float& value : logits) value = normal(generator);
    SamplingParams params;
    params.temperature = temperature;
    params.top_k = top_k;
    params.top_p = top_p;
    params.seed = 11;
    const auto expected = reference_distribution(logits, params);
    constexpr int kDraws = 20000;
    std::map<TokenId, int> counts;
    Sampler sampler(params, vocab);
    for (std::uint64_t draw = 0; draw < kDraws; ++draw) {
      std::vector<float> copy = logits;
      const auto token = sampler.sample(copy, {}, draw);
      ASSERT_TRUE(token);
      ASSERT_TRUE(expected.count(*token)) << "token outside the nucleus";
      ++counts[*token];
    }
    for (const auto& [id, probability] : expected) {
      const double deviation = std::sqrt(kDraws * probability * (1 - probability)) + 1;
      EXPECT_NEAR(counts[id], kDraws * probability, 5 * deviation) << "token " << id;
    }
  }
}

TEST(Sampling, OneTokenIsAlwaysLeft) {
  SamplingParams params;
  params.temperature = 1;
  params.top_p = 1e-9;
  EXPECT_EQ(sample_once({0, 5, 1}, params, {}, {}, 9), 1);
}

TEST(Sampling, TheSameSeedGivesTheSameTokens) {
  SamplingParams params;
  params.temperature = 1;
  params.seed = 5;
  const std::vector<float> logits(1000, 0.0f);
  std::vector<TokenId> first;
  std::vector<TokenId> second;
  for (std::uint64_t draw = 0; draw < 20; ++draw) {
    first.push_back(sample_once(logits, params, {}, {}, draw));
    second.push_back(sample_once(logits, params, {}, {}, draw));
  }
  EXPECT_EQ(first, second);
  params.seed = 6;
  std::vector<TokenId> other;
  for (std::uint64_t draw = 0; draw < 20; ++draw) {
    other.push_back(sample_once(logits, params, {}, {}, draw));
  }
  EXPECT_NE(first, other);
}

}  // namespace
}  // namespace hearth::engine
