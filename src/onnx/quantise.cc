// Blockwise round-to-nearest quantisation. Throughput matters here: the true-shape model has 3.8e9
// weights.
#include "onnx/quantise.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <string>

#include "base/check.h"
#include "onnx/half.h"

namespace hearth::onnx {
namespace {

constexpr int kBlockSizeMax = 256;

struct Range {
  float low;
  float high;
};

/// Smallest and largest element; `finite` turns false when any is not a number or infinite.
Range range_of(const float* values, std::int64_t count, bool& finite) {
  Range range{values[0], values[0]};
  std::uint32_t not_finite = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    const float value = values[i];
    range.low = value < range.low ? value : range.low;
    range.high = value > range.high ? value : range.high;
    not_finite |= (std::bit_cast<std::uint32_t>(value) & 0x7f800000U) == 0x7f800000U ? 1U : 0U;
  }
  finite = finite && not_finite == 0;
  return range;
}

struct BlockScale {
  float scale = 0;
  int zero_point = 0;
};

float stored_scale(float scale, ScaleType type) {
  return type == ScaleType::kFloat16 ? from_half(to_half(scale)) : scale;
}

BlockScale symmetric_scale(const Range& range, const QuantFormat& format) {
  const float extreme = std::fabs(range.high) > std::fabs(range.low) ? range.high : range.low;
  const int half_range = 1 << (format.bits - 1);
  return {stored_scale(-extreme / static_cast<float>(half_range), format.scale_type), half_range};
}

BlockScale asymmetric_scale(const Range& range, const QuantFormat& format) {
  const float low = std::min(range.low, 0.0F);
  const float high = std::max(range.high, 0.0F);
  const float full_range = static_cast<float>((1 << format.bits) - 1);
  const float scale = (high - low) / full_range;
  const float zero = scale != 0.0F ? std::clamp(-low / scale, 0.0F, full_range) : 0.0F;
  return {stored_scale(scale, format.scale_type), static_cast<int>(std::round(zero))};
}

/// round(value), halves away from zero, for a value already within [0, 255].
std::uint8_t round_small(float value) {
  const int whole = static_cast<int>(value);
  return static_cast<std::uint8_t>(whole + (value - static_cast<float>(whole) >= 0.5F ? 1 : 0));
}

/// q of every element. Clamping before rounding gives the same, because the bounds are integers.
void quantise_block(const float* values, std::int64_t count, const BlockScale& block, float q_max,
                    std::uint8_t* q) {
  const float zero_point = static_cast<float>(block.zero_point);
  const float reciprocal = block.scale != 0.0F ? 1.0F / block.scale : 0.0F;
  if (std::isinf(reciprocal)) {
    for (std::int64_t i = 0; i < count; ++i) {
      q[i] = round_small(std::clamp(values[i] / block.scale + zero_point, 0.0F, q_max));
    }
    return;
  }
  for (std::int64_t i = 0; i < count; ++i) {
    const float scaled = values[i] * reciprocal + zero_point;
    const float low_clamped = scaled > 0.0F ? scaled : 0.0F;
    q[i] = round_small(low_clamped < q_max ? low_clamped : q_max);
  }
}

void pack(const std::uint8_t* q, const QuantFormat& format, std::uint8_t* out) {
  if (format.bits == 8) {
    std::copy_n(q, format.block_size, out);
    return;
  }
  for (int i = 0; i < format.block_size / 2; ++i) {
    out[i] = static_cast<std::uint8_t>(q[2 * i] | (q[2 * i + 1] << 4));
  }
}

/// Where one row goes.
struct RowOutput {
  std::uint8_t* packed;
  float* scales;
  std::uint8_t* zero_points;  ///< null when symmetric
};

/// Quantises one row; returns the column of the first block that cannot be, or -1.
std::int64_t quantise_row(const QuantFormat& format, const float* row, std::int64_t k,
                          const RowOutput& out) {
  std::array<float, kBlockSizeMax> rounded;
  std::array<std::uint8_t, kBlockSizeMax> q;
  const float q_max = static_cast<float>((1 << format.bits) - 1);
  const std::int64_t block_bytes = format.block_size * format.bits / 8;
  for (std::int64_t block = 0; block < format.blocks(k); ++block) {
    const std::int64_t start = block * format.block_size;
    const std::int64_t count = std::min<std::int64_t>(format.block_size, k - start);
    const float* values = row + start;
    if (format.scale_type == ScaleType::kFloat16) {
      for (std::int64_t i = 0; i < count; ++i) {
        rounded[static_cast<std::size_t>(i)] = from_half(to_half(values[i]));
      }
      values = rounded.data();
    }
    bool finite = true;
    const Range range = range_of(values, count, finite);
    if (!finite) return start;
    const BlockScale scale =
        format.asymmetric ? asymmetric_scale(range, format) : symmetric_scale(range, format);
    if (!std::isfinite(scale.scale)) return start;
    if (count < format.block_size) q.fill(0);
    quantise_block(values, count, scale, q_max, q.data());
    pack(q.data(), format, out.packed + block * block_bytes);
    out.scales[block] = scale.scale;
    if (out.zero_points == nullptr) continue;
    if (format.bits == 8) {
      out.zero_points[block] = static_cast<std::uint8_t>(scale.zero_point);
    } else if (block % 2 == 0) {
      out.zero_points[block / 2] = static_cast<std::uint8_t>(scale.zero_point);
    } else {
      out.zero_points[block / 2] |= static_cast<std::uint8_t>(scale.zero_point << 4);
    }
  }
  return -1;
}

}  // namespace

Result<void> check_format(const QuantFormat& format) {
  if (format.bits != 4 && format.bits != 8) {
    return fail(ErrorCode::kInvalidArgument,
                "bits is " + std::to_string(format.bits) + ", expected 4 or 8");
  }
  const int size = format.block_size;
  if (size < 16 || size > kBlockSizeMax || (size & (size - 1)) != 0) {
    return fail(ErrorCode::kInvalidArgument,
                "block_size is " + std::to_string(size) + ", expected 16, 32, 64, 128 or 256");
  }
  return {};
}

Result<void> quantise_rows(const QuantFormat& format, std::span<const float> weights,
                           std::int64_t rows, std::int64_t k, std::span<std::uint8_t> packed,
                           std::span<float> scales, std::span<std::uint8_t> zero_points) {
  HEARTH_TRY_VOID(check_format(format));
  const std::int64_t zero_point_bytes = format.asymmetric ? format.zero_point_row_bytes(k) : 0;
  HEARTH_CHECK(rows >= 0 && k > 0 && std::ssize(weights) == rows * k);
  HEARTH_CHECK(std::ssize(packed) == rows * format.row_bytes(k));
  HEARTH_CHECK(std::ssize(scales) == rows * format.blocks(k));
  HEARTH_CHECK(std::ssize(zero_points) == rows * zero_point_bytes);
  for (std::int64_t row = 0; row < rows; ++row) {
    const RowOutput out{packed.data() + row * format.row_bytes(k),
                        scales.data() + row * format.blocks(k),
                        format.asymmetric ? zero_points.data() + row * zero_point_bytes : nullptr};
    const std::int64_t bad = quantise_row(format, weights.data() + row * k, k, out);
    if (bad >= 0) {
      return fail(ErrorCode::kInvalidArgument,
                  "the weights of row " + std::to_string(row) + " from column " +
                      std::to_string(bad) +
                      " on cannot be quantised: a value is not a number, "
                      "infinite, or beyond the range of the scale's type");
    }
  }
  return {};
}

}  // namespace hearth::onnx
