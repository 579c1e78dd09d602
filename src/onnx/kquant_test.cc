// Searched scales against round-to-nearest, in the objective that they are searched for.
#include "onnx/kquant.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

namespace hearth::onnx {
namespace {

std::vector<QuantFormat> formats() {
  std::vector<QuantFormat> all;
  for (const int bits : {4, 8}) {
    for (const bool asymmetric : {false, true}) {
      for (const ScaleType type : {ScaleType::kFloat32, ScaleType::kFloat16}) {
        all.push_back({bits, 32, asymmetric, type});
      }
    }
  }
  return all;
}

std::string name_of(const QuantFormat& format) {
  return std::to_string(format.bits) + (format.asymmetric ? " asymmetric" : " symmetric") +
         (format.scale_type == ScaleType::kFloat16 ? " half" : "");
}

std::vector<float> normal(std::size_t count, unsigned seed, float spread = 1.0F) {
  std::mt19937 random(seed);
  std::normal_distribution<float> values(0.0F, spread);
  std::vector<float> made(count);
  for (float& value : made) value = values(random);
  return made;
}

std::vector<std::pair<std::string, std::vector<float>>> adversarial_blocks() {
  std::vector<std::pair<std::string, std::vector<float>>> all;
  all.emplace_back("zeros", std::vector<float>(32, 0.0F));
  all.emplace_back("alike", std::vector<float>(32, -0.25F));
  std::vector<float> outlier = normal(32, 1, 0.01F);
  outlier[7] = 50.0F;
  all.emplace_back("outlier", outlier);
  outlier[7] = -50.0F;
  all.emplace_back("negative maximum", outlier);
  all.emplace_back("denormals", normal(32, 2, 1e-41F));
  all.emplace_back("smallest", std::vector<float>(32, std::numeric_limits<float>::denorm_min()));
  all.emplace_back("large", normal(32, 3, 1e4F));
  all.emplace_back("short", normal(5, 4));
  std::vector<float> positive = normal(32, 5);
  for (float& value : positive) value = std::fabs(value) + 3.0F;
  all.emplace_back("positive", positive);
  return all;
}

TEST(Kquant, IsNeverWorseThanRoundToNearest) {
  auto blocks = adversarial_blocks();
  for (unsigned seed = 10; seed < 60; ++seed) blocks.emplace_back("normal", normal(32, seed));
  for (const QuantFormat& format : formats()) {
    for (const auto& [name, values] : blocks) {
      std::vector<float> importance(values.size());
      for (std::size_t i = 0; i < values.size(); ++i) {
        importance[i] = static_cast<float>(i * 7 % 5) * 0.5F;
      }
      for (const std::span<const float> weights :
           {std::span<const float>(), std::span<const float>(importance)}) {
        const auto nearest = nearest_scale(format, values);
        const auto searched = searched_scale(format, values, weights);
        ASSERT_TRUE(nearest && searched) << name << " " << name_of(format);
        const double error = block_error(format, values, weights, *searched);
        EXPECT_TRUE(std::isfinite(error));
        EXPECT_LE(error, block_error(format, values, weights, *nearest))
            << name << " " << name_of(format);
        EXPECT_EQ(searched->scale, stored_scale(searched->scale, format.scale_type));
        EXPECT_GE(searched->zero_point, 0);
        EXPECT_LE(searched->zero_point, q_max(format));
      }
    }
  }
}

TEST(Kquant, FindsWhatATryOfManyScalesFinds) {
  const QuantFormat format{4, 32, false, ScaleType::kFloat32};
  for (unsigned seed = 0; seed < 20; ++seed) {
    const std::vector<float> values = normal(32, seed);
    double best = std::numeric_limits<double>::max();
    for (int i = 1; i < 20000; ++i) {
      for (const float sign : {-1.0F, 1.0F}) {
        const BlockScale scale{sign * static_cast<float>(i) * 5e-5F, 8};
        best = std::min(best, block_error(format, values, {}, scale));
      }
    }
    const auto nearest = nearest_scale(format, values);
    const auto searched = searched_scale(format, values, {});
    const double error = block_error(format, values, {}, *searched);
    EXPECT_LT(error, 1.10 * best) << seed;
    EXPECT_LT(error, block_error(format, values, {}, *nearest)) << seed;
  }
}

TEST(Kquant, ImportantColumnsAreKeptBetter) {
  const QuantFormat format{4, 32, false, ScaleType::kFloat32};
  std::vector<float> values = normal(32, 8, 0.1F);
  values[0] = 4.0F;  // worth clipping only while nothing depends on it
  std::vector<float> importance(32, 1.0F);
  importance[0] = 0.0F;
  const auto careless = searched_scale(format, values, importance);
  importance[0] = 1000.0F;
  const auto careful = searched_scale(format, values, importance);
  EXPECT_LT(block_error(format, values, importance, *careful),
            0.01 * block_error(format, values, importance, *careless));
}

TEST(Kquant, WritesWhatItMeasured) {
  for (const QuantFormat& format : formats()) {
    const std::int64_t k = 75;  // the third block is short
    const std::vector<float> weights = normal(static_cast<std::size_t>(4 * k), 9);
    std::vector<std::uint8_t> packed(static_cast<std::size_t>(4 * format.row_bytes(k)));
    std::vector<float> scales(static_cast<std::size_t>(4 * format.blocks(k)));
    std::vector<std::uint8_t> zero_points(
        static_cast<std::size_t>(format.asymmetric ? 4 * format.zero_point_row_bytes(k) : 0));
    const MatrixOutput out{packed, scales, zero_points};
    ASSERT_TRUE(quantise_rows_searched(format, weights, 4, k, {}, out));
    std::vector<float> back(weights.size());
    dequantise_rows(format, 4, k, out, back);
    double error = 0;
    double energy = 0;
    for (std::size_t i = 0; i < weights.size(); ++i) {
      error += std::pow(double{weights[i]} - back[i], 2);
      energy += std::pow(double{weights[i]}, 2);
    }
    EXPECT_LT(std::sqrt(error / energy), format.bits == 4 ? 0.12 : 0.01) << name_of(format);
  }
}

TEST(Kquant, WhatIsNoNumberIsRefusedByPlace) {
  const QuantFormat format{4, 32, false, ScaleType::kFloat32};
  std::vector<float> weights(128, 0.5F);
  weights[100] = std::numeric_limits<float>::quiet_NaN();
  std::vector<std::uint8_t> packed(64);
  std::vector<float> scales(4);
  const auto done = quantise_rows_searched(format, weights, 2, 64, {}, {packed, scales, {}});
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::kInvalidArgument);
  EXPECT_NE(done.error().message.find("row 1 from column 32"), std::string::npos)
      << done.error().message;
}

}  // namespace
}  // namespace hearth::onnx
