#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include "kernels/registry.h"

namespace hearth::kernels {
namespace {

std::vector<float> random_row(std::int32_t k, float spread, unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal(0, spread);
  std::vector<float> values(static_cast<std::size_t>(k));
  for (float& value : values) value = normal(generator);
  return values;
}

/// A row and what one kernel makes of it.
struct Normed {
  std::vector<float> sum, out;
};

Normed norm(Isa isa, const std::vector<float>& x, const float* skip,
            const std::vector<float>& weight, float epsilon) {
  Normed made{std::vector<float>(x.size(), -1), std::vector<float>(x.size(), -1)};
  kernels_for(isa).value()->norm_row(x.data(), skip, weight.data(), epsilon,
                                     static_cast<std::int32_t>(x.size()), made.sum.data(),
                                     made.out.data());
  return made;
}

TEST(NormRow, IsCloseToTheFormulaInDoublesAndTheSameOnEveryInstructionSet) {
  for (const std::int32_t k : {1, 15, 16, 17, 96, 257, 3072}) {
    const auto x = random_row(k, 3, 1);
    const auto skip = random_row(k, 2, 2);
    const auto weight = random_row(k, 1, 3);
    for (const bool added : {false, true}) {
      double squares = 0;
      std::vector<double> total;
      for (std::size_t i = 0; i < x.size(); ++i) {
        total.push_back(added ? double{x[i] + skip[i]} : double{x[i]});
        squares += total[i] * total[i];
      }
      const double root = std::sqrt(squares / k + double{1e-5F});
      const float* with = added ? skip.data() : nullptr;
      const Normed first = norm(Isa::kPortable, x, with, weight, 1e-5F);
      for (std::size_t i = 0; i < x.size(); ++i) {
        const double expected = total[i] / root * weight[i];
        EXPECT_NEAR(first.out[i], expected, 2e-6 * std::abs(expected)) << k;
        EXPECT_EQ(first.sum[i], added ? static_cast<float>(total[i]) : -1) << k;
      }
      for (int isa = 0; isa <= static_cast<int>(best_isa()); ++isa) {
        const Normed made = norm(static_cast<Isa>(isa), x, with, weight, 1e-5F);
        for (std::size_t i = 0; i < x.size(); ++i) {
          ASSERT_EQ(std::bit_cast<std::uint32_t>(made.out[i]),
                    std::bit_cast<std::uint32_t>(first.out[i]))
              << name_of(static_cast<Isa>(isa)) << " " << k << " at " << i;
        }
        EXPECT_EQ(made.sum, first.sum);
      }
    }
  }
}

TEST(NormRow, NeedsNoPlaceForTheSum) {
  const auto x = random_row(100, 1, 4);
  const auto skip = random_row(100, 1, 5);
  const auto weight = random_row(100, 1, 6);
  for (int isa = 0; isa <= static_cast<int>(best_isa()); ++isa) {
    const Normed kept = norm(static_cast<Isa>(isa), x, skip.data(), weight, 1e-6F);
    std::vector<float> out(100);
    kernels_for(static_cast<Isa>(isa))
        .value()
        ->norm_row(x.data(), skip.data(), weight.data(), 1e-6F, 100, nullptr, out.data());
    EXPECT_EQ(out, kept.out);
  }
}

TEST(NormRow, ZerosAndStrangeValues) {
  const std::vector<float> ones(33, 1.0F);
  std::vector<float> row(33, 0.0F);
  for (int i = 0; i <= static_cast<int>(best_isa()); ++i) {
    const auto isa = static_cast<Isa>(i);
    EXPECT_EQ(norm(isa, row, nullptr, ones, 1e-5F).out, row);
    auto strange = row;
    strange[20] = std::numeric_limits<float>::quiet_NaN();
    for (const float value : norm(isa, strange, nullptr, ones, 1e-5F).out) {
      EXPECT_TRUE(std::isnan(value));
    }
    strange[20] = 3e38F;  // whose square is infinite
    for (const float value : norm(isa, strange, nullptr, ones, 1e-5F).out) EXPECT_EQ(value, 0.0F);
  }
}

}  // namespace
}  // namespace hearth::kernels
