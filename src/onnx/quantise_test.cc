// The quantisation rule against a second, plain implementation written from its published
// statement, and against blocks worked out by hand.
#include "onnx/quantise.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "onnx/half.h"

namespace hearth::onnx {
namespace {

struct Quantised {
  std::vector<std::uint8_t> packed;
  std::vector<float> scales;
  std::vector<std::uint8_t> zero_points;
};

Quantised run(const QuantFormat& format, const std::vector<float>& weights, std::int64_t rows,
              std::int64_t k) {
  Quantised out;
  out.packed.assign(static_cast<std::size_t>(rows * format.row_bytes(k)), 0xcc);
  out.scales.assign(static_cast<std::size_t>(rows * format.blocks(k)), -99);
  if (format.asymmetric) {
    out.zero_points.assign(static_cast<std::size_t>(rows * format.zero_point_row_bytes(k)), 0xcc);
  }
  const auto result =
      quantise_rows(format, weights, rows, k, out.packed, out.scales, out.zero_points);
  EXPECT_TRUE(result) << result.error().message;
  return out;
}

int stored_q(const QuantFormat& format, const Quantised& out, std::int64_t row, std::int64_t k,
             std::int64_t column) {
  const auto at = row * format.row_bytes(k) + column * format.bits / 8;
  const int byte = out.packed[static_cast<std::size_t>(at)];
  return format.bits == 8 ? byte : (column % 2 == 0 ? byte & 15 : byte >> 4);
}

int stored_zero_point(const QuantFormat& format, const Quantised& out, std::int64_t row,
                      std::int64_t k, std::int64_t block) {
  if (!format.asymmetric) return 1 << (format.bits - 1);
  const auto at = row * format.zero_point_row_bytes(k) + block * format.bits / 8;
  const int byte = out.zero_points[static_cast<std::size_t>(at)];
  return format.bits == 8 ? byte : (block % 2 == 0 ? byte & 15 : byte >> 4);
}

/// The rule of the header, element by element, with roundf and no shared code.
void expect_rule(const QuantFormat& format, const std::vector<float>& weights, std::int64_t rows,
                 std::int64_t k) {
  const Quantised out = run(format, weights, rows, k);
  const int levels = 1 << format.bits;
  const float half_levels = static_cast<float>(1 << (format.bits - 1));
  for (std::int64_t row = 0; row < rows; ++row) {
    for (std::int64_t block = 0; block < format.blocks(k); ++block) {
      const std::int64_t begin = block * format.block_size;
      const std::int64_t end = std::min<std::int64_t>(begin + format.block_size, k);
      const auto weight = [&](std::int64_t column) {
        const float w = weights[static_cast<std::size_t>(row * k + column)];
        return format.scale_type == ScaleType::kFloat16 ? from_half(to_half(w)) : w;
      };
      float low = std::numeric_limits<float>::max();
      float high = -low;
      for (std::int64_t c = begin; c < end; ++c) {
        low = std::fminf(low, weight(c));
        high = std::fmaxf(high, weight(c));
      }
      float scale = 0;
      float zero_point = half_levels;
      if (format.asymmetric) {
        low = std::fminf(low, 0);
        high = std::fmaxf(high, 0);
        scale = (high - low) / static_cast<float>(levels - 1);
        zero_point = scale == 0 ? 0 : std::fminf(roundf(-low / scale), float(levels - 1));
      } else {
        scale = -(std::fabs(high) > std::fabs(low) ? high : low) / half_levels;
      }
      if (format.scale_type == ScaleType::kFloat16) scale = from_half(to_half(scale));
      const auto scale_at = static_cast<std::size_t>(row * format.blocks(k) + block);
      ASSERT_EQ(out.scales[scale_at], scale) << "row " << row << " block " << block;
      ASSERT_EQ(stored_zero_point(format, out, row, k, block), static_cast<int>(zero_point));
      for (std::int64_t c = begin; c < end; ++c) {
        const float reciprocal = scale == 0 ? 0 : 1 / scale;
        const float exact = std::isinf(reciprocal) ? weight(c) / scale : weight(c) * reciprocal;
        const float q = std::fmaxf(0, std::fminf(float(levels - 1), roundf(exact + zero_point)));
        ASSERT_EQ(stored_q(format, out, row, k, c), static_cast<int>(q))
            << "row " << row << " column " << c << " weight " << weight(c) << " scale " << scale;
      }
      for (std::int64_t c = end; c < begin + format.block_size; ++c) {
        ASSERT_EQ(stored_q(format, out, row, k, c), 0) << "padding";
      }
    }
  }
}

std::vector<QuantFormat> all_formats() {
  std::vector<QuantFormat> formats;
  for (const int bits : {4, 8}) {
    for (const int size : {16, 32, 64, 128, 256}) {
      for (const bool asymmetric : {false, true}) {
        for (const ScaleType type : {ScaleType::kFloat32, ScaleType::kFloat16}) {
          formats.push_back({bits, size, asymmetric, type});
        }
      }
    }
  }
  return formats;
}

TEST(Quantise, FollowsTheRuleOnRandomRows) {
  std::mt19937 random(1);
  std::normal_distribution<float> gauss(0, 0.02F);
  for (const QuantFormat& format : all_formats()) {
    for (const std::int64_t k : {512, 16, 100, 257}) {
      std::vector<float> weights(static_cast<std::size_t>(8 * k));
      for (float& w : weights) w = gauss(random);
      expect_rule(format, weights, 8, k);
    }
  }
}

TEST(Quantise, FollowsTheRuleOnAdversarialBlocks) {
  constexpr float kTiny = std::numeric_limits<float>::denorm_min();
  const std::vector<std::vector<float>> patterns = {
      {0.0F},                                                      // all zero
      {-0.0F, 0.0F},                                               // both zeros
      {1.0F, 0, 0, 0, 0, 0, 0, 0},                                 // one outlier
      {-1000.0F, 0.001F, -0.001F, 0},                              // negative maximum
      {1.0F, -1.0F, 0.5F, -0.5F},                                  // equal magnitudes
      {8.0F, 0.5F, -0.5F, 1.5F, -1.5F, 2.5F, -2.5F, 3.5F, -3.5F},  // every half
      {-8.0F, 0.5F, -0.5F, 1.5F, -1.5F, 2.5F, -2.5F, 7.5F, 7.49999F},
      {128.0F, 0.5F, -0.5F, 126.5F, -127.5F, -128.0F},
      {kTiny, -kTiny, 0, 3 * kTiny},  // denormals
      {1e-40F, -2e-40F, 3e-39F, 0},
      {1e-37F, -1e-38F, 5e-38F, 0},
      {3.5F},                 // constant
      {1.0F, 2.0F, 3.0F},     // no negative
      {-1.0F, -2.0F, -3.0F},  // no positive
      {0.49999997F, 8.0F, 1.0F},
  };
  for (const QuantFormat& format : all_formats()) {
    for (const auto& pattern : patterns) {
      std::vector<float> weights(300);
      for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = pattern[i % pattern.size()];
      expect_rule(format, weights, 1, 300);
    }
  }
}

TEST(Quantise, BlockWorkedOutByHand) {
  // m = 4 (largest magnitude), scale = -4 / 8 = -0.5, q = round(w / -0.5) + 8.
  std::vector<float> weights(16, 0.0F);
  weights[0] = 4.0F;    // -8 + 8 = 0
  weights[1] = -4.0F;   // 8 + 8 = 16, clamped to 15
  weights[2] = 1.0F;    // -2 + 8 = 6
  weights[3] = -0.25F;  // 0.5 + 8 = 8.5, rounded away from zero: 9
  const Quantised out = run({4, 16, false, ScaleType::kFloat32}, weights, 1, 16);
  // Of two equal magnitudes the negative one counts, so the signs are the other way round.
  EXPECT_EQ(out.scales[0], 0.5F);
  EXPECT_EQ(out.packed[0], 0x0f);           // 4 -> 16 -> 15 (low), -4 -> 0 (high)
  EXPECT_EQ(out.packed[1], (8 << 4) | 10);  // 1 -> 10, -0.25 -> 7.5 -> 8
  EXPECT_EQ(out.packed[2], 0x88);
}

TEST(Quantise, RefusesWhatIsNotFinite) {
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
        -std::numeric_limits<float>::infinity()}) {
    for (const std::size_t at : {0U, 31U, 40U, 63U}) {
      std::vector<float> weights(128, 0.5F);
      weights[64 + at] = bad;
      std::vector<std::uint8_t> packed(64);
      std::vector<float> scales(4);
      const auto result = quantise_rows({}, weights, 2, 64, packed, scales, {});
      ASSERT_FALSE(result) << bad << " at " << at;
      EXPECT_EQ(result.error().code, ErrorCode::kInvalidArgument);
      EXPECT_NE(result.error().message.find("row 1 from column " + std::to_string(at / 32 * 32)),
                std::string::npos)
          << result.error().message;
    }
  }
}

TEST(Quantise, RefusesScalesBeyondTheirType) {
  std::vector<float> weights(32, 3e38F);
  std::vector<std::uint8_t> packed(32);
  std::vector<float> scales(1);
  std::vector<std::uint8_t> zero_points(1);
  weights[1] = -3e38F;
  EXPECT_TRUE(quantise_rows({8, 32}, weights, 1, 32, packed, scales, {}));
  EXPECT_FALSE(quantise_rows({8, 32, true}, weights, 1, 32, packed, scales, zero_points));
  EXPECT_FALSE(
      quantise_rows({8, 32, false, ScaleType::kFloat16}, weights, 1, 32, packed, scales, {}));
}

TEST(Quantise, RefusesOtherFormats) {
  EXPECT_FALSE(check_format({3, 32}));
  EXPECT_FALSE(check_format({4, 8}));
  EXPECT_FALSE(check_format({4, 48}));
  EXPECT_FALSE(check_format({4, 512}));
  EXPECT_TRUE(check_format({8, 256}));
}

TEST(Half, EveryValueSurvivesARoundTrip) {
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    const float value = from_half(half);
    if (std::isnan(value)) {
      EXPECT_TRUE(std::isnan(from_half(to_half(value))));
    } else {
      ASSERT_EQ(to_half(value), half) << bits;
    }
  }
}

TEST(Half, RoundsToTheNearestHalvesToEven) {
  std::mt19937 random(3);
  for (int i = 0; i < 200000; ++i) {
    const float value = std::ldexp(static_cast<float>(random()) / 4294967296.0F - 0.5F,
                                   static_cast<int>(random() % 44) - 27);
    const std::uint16_t half = to_half(value);
    if ((half & 0x7c00) == 0x7c00) {
      ASSERT_GE(std::fabs(value), 65520.0F);
      continue;
    }
    const double error = std::fabs(double{from_half(half)} - value);
    for (const int step : {-1, 1}) {
      const auto neighbour = static_cast<std::uint16_t>(half + step);
      if ((half & 0x7fff) == 0 && step < 0) continue;
      const double other = std::fabs(double{from_half(neighbour)} - value);
      ASSERT_TRUE(error < other || (error == other && half % 2 == 0)) << value;
    }
  }
}

}  // namespace
}  // namespace hearth::onnx
