#include "engine/log_probability.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace hearth::engine {
namespace {

constexpr float kImpossible = -std::numeric_limits<float>::infinity();

TEST(LogProbability, IsTheSoftmaxWhereThatCanBeComputedPlainly) {
  std::mt19937 random(3);
  std::normal_distribution<float> logit(0, 4);
  for (int round = 0; round < 50; ++round) {
    std::vector<float> row(1 + random() % 300);
    for (float& x : row) x = logit(random);
    long double sum = 0;
    for (const float x : row) sum += std::exp(static_cast<long double>(x));
    EXPECT_NEAR(log_sum_exp(row), static_cast<double>(std::log(sum)), 1e-12);
    const std::size_t token = random() % row.size();
    EXPECT_NEAR(log_probability(row, static_cast<TokenId>(token)),
                static_cast<double>(std::log(std::exp(static_cast<long double>(row[token])) / sum)),
                1e-12);
  }
}

TEST(LogProbability, DoesNotOverflowOrVanish) {
  // exp(3e38) and exp(-3e38) are no numbers; two equal logits share the probability.
  for (const float level : {3e38f, 1000.0f, 0.0f, -1000.0f, -3e38f}) {
    const std::vector<float> row = {level, level};
    EXPECT_NEAR(log_probability(row, 0), -std::log(2.0), 1e-15) << level;
  }
  const std::vector<float> certain = {0, 800};
  EXPECT_EQ(log_probability(certain, 0), -800);
  EXPECT_EQ(log_probability(certain, 1), 0);
  EXPECT_EQ(log_sum_exp(certain), 800);
}

TEST(LogProbability, SmallTermsAreNotRoundedAway) {
  // In float, adding 2^-25 to 1 many times changes nothing.
  std::vector<float> row(100'001, static_cast<float>(-25 * std::log(2.0)));
  row[0] = 0;
  EXPECT_NEAR(log_sum_exp(row), std::log1p(100'000 * std::exp2(-25)), 1e-8);
}

TEST(LogProbability, ForbiddenTokensHaveProbabilityZero) {
  const std::vector<float> row = {kImpossible, 1, kImpossible};
  EXPECT_EQ(log_probability(row, 0), -std::numeric_limits<double>::infinity());
  EXPECT_EQ(log_probability(row, 1), 0);
  EXPECT_TRUE(std::isnan(log_sum_exp(std::vector<float>{kImpossible, kImpossible})));
}

TEST(LogProbability, ARowThatIsNoNumberGivesNone) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const auto& row : {std::vector<float>{nan, 1, 2}, {1, nan, 2}, {1, 2, nan}}) {
    EXPECT_TRUE(std::isnan(log_sum_exp(row)));
  }
}

}  // namespace
}  // namespace hearth::engine
