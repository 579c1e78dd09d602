// Error feedback against the method's definition, done step by step with an explicit inverse.
#include "onnx/gptq.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "onnx/kquant.h"
#include "onnx/second_moments.h"

namespace hearth::onnx {
namespace {

using Square = std::vector<std::vector<double>>;

/// [tokens, k] rows whose columns are correlated.
std::vector<float> correlated_inputs(std::int64_t tokens, std::int64_t k, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> rows;
  for (std::int64_t t = 0; t < tokens; ++t) {
    const float common = normal(random);
    float last = normal(random);
    for (std::int64_t i = 0; i < k; ++i) {
      last = 0.8F * last + 0.6F * normal(random);
      rows.push_back(last + common * (i % 3 == 0 ? 1.0F : 0.2F));
    }
  }
  return rows;
}

std::vector<float> moments_of(const std::vector<float>& rows, std::int64_t k) {
  SecondMoments moments(k);
  moments.add(rows);
  return std::move(moments).take();
}

InputMoments prepared(std::vector<float> moments, std::int64_t k) {
  auto made = InputMoments::make(std::move(moments), k);
  EXPECT_TRUE(made);
  const auto done = made->prepare_feedback();
  EXPECT_TRUE(done) << done.error().message;
  return std::move(*made);
}

std::vector<float> random_weights(std::int64_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0.0F, 0.05F);
  std::vector<float> weights(static_cast<std::size_t>(count));
  for (float& weight : weights) weight = normal(random);
  return weights;
}

Square inverse(Square matrix) {
  const std::size_t n = matrix.size();
  Square result(n, std::vector<double>(n, 0.0));
  for (std::size_t i = 0; i < n; ++i) result[i][i] = 1.0;
  for (std::size_t i = 0; i < n; ++i) {
    const double pivot = matrix[i][i];
    for (std::size_t j = 0; j < n; ++j) {
      matrix[i][j] /= pivot;
      result[i][j] /= pivot;
    }
    for (std::size_t row = 0; row < n; ++row) {
      const double factor = matrix[row][i];
      if (row == i || factor == 0) continue;
      for (std::size_t j = 0; j < n; ++j) {
        matrix[row][j] -= factor * matrix[i][j];
        result[row][j] -= factor * result[i][j];
      }
    }
  }
  return result;
}

/// One row, by the definition: round a column, change the others by the inverse of H, strike the
/// column from the inverse. Returns the rounded values.
std::vector<float> by_definition(const QuantFormat& format, std::vector<float> row,
                                 const std::vector<float>& moments) {
  const std::size_t k = row.size();
  Square h(k, std::vector<double>(k));
  double mean = 0;
  std::vector<float> importance;
  for (std::size_t i = 0; i < k; ++i) {
    mean += double{moments[i * k + i]} / static_cast<double>(k);
    importance.push_back(moments[i * k + i]);
    for (std::size_t j = 0; j <= i; ++j) h[i][j] = h[j][i] = moments[i * k + j];
  }
  for (std::size_t i = 0; i < k; ++i) h[i][i] = h[i][i] == 0 ? 1.0 : h[i][i] + 0.01 * mean;
  Square left = inverse(h);
  std::vector<float> rounded(k);
  BlockScale scale;
  const auto size = static_cast<std::size_t>(format.block_size);
  for (std::size_t i = 0; i < k; ++i) {
    if (i % size == 0) {
      const std::size_t count = std::min(size, k - i);
      scale = *searched_scale(format, std::span(row).subspan(i, count),
                              std::span(importance).subspan(i, count));
    }
    std::uint8_t q = 0;
    quantise_block(format, std::span(row).subspan(i, 1), scale, &q);
    rounded[i] = scale.scale * static_cast<float>(int{q} - scale.zero_point);
    const double error = (double{row[i]} - rounded[i]) / left[i][i];
    const std::vector<double> struck = left[i];
    for (std::size_t j = i; j < k; ++j) row[j] -= static_cast<float>(error * struck[j]);
    for (std::size_t a = 0; a < k; ++a) {
      for (std::size_t b = 0; b < k; ++b) left[a][b] -= struck[a] * struck[b] / struck[i];
    }
  }
  return rounded;
}

struct Quantised {
  std::vector<std::uint8_t> packed;
  std::vector<float> scales;
  std::vector<std::uint8_t> zero_points;

  Quantised(const QuantFormat& format, std::int64_t rows, std::int64_t k)
      : packed(static_cast<std::size_t>(rows * format.row_bytes(k))),
        scales(static_cast<std::size_t>(rows * format.blocks(k))),
        zero_points(static_cast<std::size_t>(
            format.asymmetric ? rows * format.zero_point_row_bytes(k) : 0)) {}

  MatrixOutput out() { return {packed, scales, zero_points}; }
};

std::vector<float> with_feedback(const QuantFormat& format, std::vector<float> weights,
                                 std::int64_t rows, const InputMoments& moments) {
  Quantised quantised(format, rows, moments.k());
  const auto done =
      quantise_rows_with_feedback(format, weights, rows, moments.k(), moments, quantised.out());
  EXPECT_TRUE(done) << done.error().message;
  dequantise_rows(format, rows, moments.k(), quantised.out(), weights);
  return weights;
}

/// Relative error of the outputs.
double output_error(const InputMoments& moments, const std::vector<float>& weights,
                    const std::vector<float>& rounded, std::int64_t rows) {
  std::vector<float> off(weights.size());
  for (std::size_t i = 0; i < off.size(); ++i) off[i] = weights[i] - rounded[i];
  return std::sqrt(moments.energy(off, rows) / moments.energy(weights, rows));
}

TEST(Gptq, DoesWhatTheDefinitionSays) {
  for (const bool asymmetric : {false, true}) {
    for (const std::int64_t k : {32, 75, 200}) {
      const QuantFormat format{4, 32, asymmetric, ScaleType::kFloat32};
      const std::vector<float> moments = moments_of(correlated_inputs(400, k, 1), k);
      const InputMoments prepared_moments = prepared(moments, k);
      constexpr std::int64_t kRows = 6;
      const std::vector<float> weights = random_weights(kRows * k, 2);
      const std::vector<float> actual = with_feedback(format, weights, kRows, prepared_moments);
      std::vector<float> expected;
      for (std::int64_t row = 0; row < kRows; ++row) {
        const auto rounded = by_definition(
            format, {weights.begin() + row * k, weights.begin() + (row + 1) * k}, moments);
        expected.insert(expected.end(), rounded.begin(), rounded.end());
      }
      // Floats may fall on the other side of a half here and there, and what follows differs then.
      std::size_t alike = 0;
      for (std::size_t i = 0; i < actual.size(); ++i) {
        if (std::fabs(actual[i] - expected[i]) < 1e-5F) ++alike;
      }
      EXPECT_GE(alike, actual.size() * 9 / 10) << k;
      EXPECT_NEAR(output_error(prepared_moments, weights, actual, kRows),
                  output_error(prepared_moments, weights, expected, kRows), 0.002)
          << k;
    }
  }
}

TEST(Gptq, HalvesTheErrorOfOutputsOnCorrelatedInputs) {
  for (const int block_size : {16, 32, 128, 256}) {
    const std::int64_t k = 320;
    const QuantFormat format{4, block_size, false, ScaleType::kFloat32};
    const InputMoments moments = prepared(moments_of(correlated_inputs(2000, k, 3), k), k);
    constexpr std::int64_t kRows = 150;  // more than are done together
    const std::vector<float> weights = random_weights(kRows * k, 4);
    Quantised nearest(format, kRows, k);
    ASSERT_TRUE(quantise_rows(format, weights, kRows, k, nearest.packed, nearest.scales, {}));
    std::vector<float> rounded(weights.size());
    dequantise_rows(format, kRows, k, nearest.out(), rounded);
    EXPECT_LT(output_error(moments, weights, with_feedback(format, weights, kRows, moments), kRows),
              0.6 * output_error(moments, weights, rounded, kRows))
        << block_size;
  }
}

TEST(Gptq, IndependentInputsLeaveSearchedScales) {
  const std::int64_t k = 96;
  std::vector<float> moments(static_cast<std::size_t>(k * k), 0.0F);
  for (std::int64_t i = 0; i < k; ++i) moments[static_cast<std::size_t>(i * k + i)] = 1.0F;
  const QuantFormat format{4, 32, true, ScaleType::kFloat32};
  const std::vector<float> weights = random_weights(4 * k, 5);
  const std::vector<float> ones(static_cast<std::size_t>(k), 1.0F);
  Quantised searched(format, 4, k);
  ASSERT_TRUE(quantise_rows_searched(format, weights, 4, k, ones, searched.out()));
  std::vector<float> expected(weights.size());
  dequantise_rows(format, 4, k, searched.out(), expected);
  EXPECT_EQ(with_feedback(format, weights, 4, prepared(moments, k)), expected);
}

TEST(Gptq, ColumnsWithoutInputAndInputsAllAlikeAreFine) {
  const std::int64_t k = 64;
  const QuantFormat format{4, 32, false, ScaleType::kFloat32};
  const std::vector<float> weights = random_weights(3 * k, 6);
  std::vector<float> one_row(static_cast<std::size_t>(k));
  for (std::size_t i = 0; i < one_row.size(); ++i) one_row[i] = i % 4 == 0 ? 0.0F : 1e3F;
  for (const std::vector<float>& rows :
       {one_row, std::vector<float>(static_cast<std::size_t>(k), 0.0F)}) {
    const auto rounded = with_feedback(format, weights, 3, prepared(moments_of(rows, k), k));
    for (std::size_t i = 0; i < rounded.size(); i += 4) {
      EXPECT_NEAR(rounded[i], weights[i], 0.1F) << i;  // rounded, not dropped
    }
    for (const float value : rounded) EXPECT_TRUE(std::isfinite(value));
  }
}

TEST(Gptq, WhatIsNoNumberIsRefused) {
  std::vector<float> moments(16, 0.0F);
  moments[5] = std::numeric_limits<float>::infinity();
  const auto made = InputMoments::make(moments, 4);
  ASSERT_FALSE(made);
  EXPECT_NE(made.error().message.find("column 1"), std::string::npos) << made.error().message;

  const std::int64_t k = 64;
  const QuantFormat format{4, 32, false, ScaleType::kFloat32};
  const InputMoments sound = prepared(moments_of(correlated_inputs(100, k, 7), k), k);
  std::vector<float> weights = random_weights(2 * k, 8);
  weights[static_cast<std::size_t>(k + 40)] = std::numeric_limits<float>::quiet_NaN();
  Quantised quantised(format, 2, k);
  const auto done = quantise_rows_with_feedback(format, weights, 2, k, sound, quantised.out());
  ASSERT_FALSE(done);
  EXPECT_NE(done.error().message.find("row 1 from column 32"), std::string::npos)
      << done.error().message;
}

}  // namespace
}  // namespace hearth::onnx
