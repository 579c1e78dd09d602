#include "eval/percentile.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace hearth::eval {
namespace {

/// The definition, word for word: the smallest value that at least `percent` percent do not exceed.
double by_definition(const std::vector<double>& values, double percent) {
  std::vector<double> sorted = values;
  std::sort(sorted.begin(), sorted.end());
  for (const double candidate : sorted) {
    const auto not_above = std::count_if(values.begin(), values.end(),
                                         [&](double value) { return value <= candidate; });
    if (static_cast<double>(not_above) * 100 >= percent * static_cast<double>(values.size())) {
      return candidate;
    }
  }
  return sorted.back();
}

TEST(Percentile, IsTheDefinitionOnRandomLists) {
  std::mt19937 random(7);
  for (int round = 0; round < 300; ++round) {
    std::vector<double> values(1 + random() % 120);
    for (double& value : values) value = static_cast<double>(random() % 40);
    for (const double percent : {0.5, 1.0, 25.0, 50.0, 95.0, 99.0, 100.0}) {
      EXPECT_EQ(percentile(values, percent), by_definition(values, percent)) << percent;
    }
  }
}

TEST(Percentile, OfHundredNumbersIsTheNumber) {
  std::vector<double> values;
  for (int i = 100; i >= 1; --i) values.push_back(i);
  EXPECT_EQ(percentile(values, 50), 50);
  EXPECT_EQ(percentile(values, 95), 95);
  EXPECT_EQ(percentile(values, 99), 99);
  EXPECT_EQ(percentile(values, 100), 100);
}

TEST(Distribution, OfNothingIsNothing) {
  EXPECT_EQ(distribution_of({}).count, 0u);
  EXPECT_EQ(distribution_of({}).p99, 0);
  const Distribution one = distribution_of({3.5});
  EXPECT_EQ(one.mean, 3.5);
  EXPECT_EQ(one.p50, 3.5);
  EXPECT_EQ(one.p99, 3.5);
  EXPECT_EQ(distribution_of({1, 2, 6}).mean, 3);
}

}  // namespace
}  // namespace hearth::eval
