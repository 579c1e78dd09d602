#include "onnx/quant_block.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <string>

#include "base/check.h"
#include "onnx/half.h"

namespace hearth::onnx {
namespace {

struct Range {
  float low;
  float high;
};

/// Smallest and largest element; `finite` turns false when any is not a number or infinite.
Range range_of(std::span<const float> values, bool& finite) {
  Range range{values[0], values[0]};
  std::uint32_t not_finite = 0;
  for (const float value : values) {
    range.low = value < range.low ? value : range.low;
    range.high = value > range.high ? value : range.high;
    not_finite |= (std::bit_cast<std::uint32_t>(value) & 0x7f800000U) == 0x7f800000U ? 1U : 0U;
  }
  finite = not_finite == 0;
  return range;
}

BlockScale symmetric_scale(const Range& range, const QuantFormat& format) {
  const float extreme = std::fabs(range.high) > std::fabs(range.low) ? range.high : range.low;
  const int half_range = 1 << (format.bits - 1);
  return {stored_scale(-extreme / static_cast<float>(half_range), format.scale_type), half_range};
}

BlockScale asymmetric_scale(const Range& range, const QuantFormat& format) {
  const float low = std::min(range.low, 0.0F);
  const float high = std::max(range.high, 0.0F);
  const float full_range = static_cast<float>(q_max(format));
  const float scale = (high - low) / full_range;
  const float zero = scale != 0.0F ? std::clamp(-low / scale, 0.0F, full_range) : 0.0F;
  return {stored_scale(scale, format.scale_type), static_cast<int>(std::round(zero))};
}

/// round(value), halves away from zero, for a value already within [0, 255].
std::uint8_t round_small(float value) {
  const int whole = static_cast<int>(value);
  return static_cast<std::uint8_t>(whole + (value - static_cast<float>(whole) >= 0.5F ? 1 : 0));
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

}  // namespace

float stored_scale(float scale, ScaleType type) {
  return type == ScaleType::kFloat16 ? from_half(to_half(scale)) : scale;
}

std::optional<BlockScale> nearest_scale(const QuantFormat& format, std::span<const float> values) {
  bool finite = true;
  const Range range = range_of(values, finite);
  if (!finite) return std::nullopt;
  const BlockScale scale =
      format.asymmetric ? asymmetric_scale(range, format) : symmetric_scale(range, format);
  if (!std::isfinite(scale.scale)) return std::nullopt;
  return scale;
}

// Clamping before rounding gives the same, because the bounds are integers.
void quantise_block(const QuantFormat& format, std::span<const float> values,
                    const BlockScale& block, std::uint8_t* q) {
  const float largest = static_cast<float>(q_max(format));
  const float zero_point = static_cast<float>(block.zero_point);
  const float reciprocal = block.scale != 0.0F ? 1.0F / block.scale : 0.0F;
  if (std::isinf(reciprocal)) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      q[i] = round_small(std::clamp(values[i] / block.scale + zero_point, 0.0F, largest));
    }
    return;
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    const float scaled = values[i] * reciprocal + zero_point;
    const float low_clamped = scaled > 0.0F ? scaled : 0.0F;
    q[i] = round_small(low_clamped < largest ? low_clamped : largest);
  }
}

void RowOutput::store(const QuantFormat& format, std::int64_t block, const std::uint8_t* q,
                      const BlockScale& scale) const {
  pack(q, format, packed + block * (format.block_size * format.bits / 8));
  scales[block] = scale.scale;
  if (zero_points == nullptr) return;
  if (format.bits == 8) {
    zero_points[block] = static_cast<std::uint8_t>(scale.zero_point);
  } else if (block % 2 == 0) {
    zero_points[block / 2] = static_cast<std::uint8_t>(scale.zero_point);
  } else {
    zero_points[block / 2] |= static_cast<std::uint8_t>(scale.zero_point << 4);
  }
}

void MatrixOutput::check(const QuantFormat& format, std::int64_t rows, std::int64_t k) const {
  HEARTH_CHECK(rows >= 0 && k > 0);
  HEARTH_CHECK(std::ssize(packed) == rows * format.row_bytes(k));
  HEARTH_CHECK(std::ssize(scales) == rows * format.blocks(k));
  HEARTH_CHECK(std::ssize(zero_points) ==
               (format.asymmetric ? rows * format.zero_point_row_bytes(k) : 0));
}

RowOutput MatrixOutput::row(const QuantFormat& format, std::int64_t index, std::int64_t k) const {
  return {
      packed.data() + index * format.row_bytes(k), scales.data() + index * format.blocks(k),
      format.asymmetric ? zero_points.data() + index * format.zero_point_row_bytes(k) : nullptr};
}

void dequantise_rows(const QuantFormat& format, std::int64_t rows, std::int64_t k,
                     const MatrixOutput& quantised, std::span<float> values) {
  quantised.check(format, rows, k);
  HEARTH_CHECK(std::ssize(values) == rows * k);
  for (std::int64_t row = 0; row < rows; ++row) {
    const RowOutput from = quantised.row(format, row, k);
    float* to = values.data() + row * k;
    for (std::int64_t block = 0; block < format.blocks(k); ++block) {
      int zero_point = 1 << (format.bits - 1);
      if (from.zero_points != nullptr && format.bits == 8) zero_point = from.zero_points[block];
      if (from.zero_points != nullptr && format.bits == 4) {
        zero_point = from.zero_points[block / 2] >> (block % 2 * 4) & 15;
      }
      const std::int64_t start = block * format.block_size;
      const std::int64_t count = std::min<std::int64_t>(format.block_size, k - start);
      const std::uint8_t* q = from.packed + start * format.bits / 8;
      for (std::int64_t i = 0; i < count; ++i) {
        const int step = format.bits == 8 ? int{q[i]} : q[i / 2] >> (i % 2 * 4) & 15;
        to[start + i] = from.scales[block] * static_cast<float>(step - zero_point);
      }
    }
  }
}

tl::unexpected<Error> fail_block(std::int64_t row, std::int64_t column) {
  return fail(ErrorCode::kInvalidArgument, "the weights of row " + std::to_string(row) +
                                               " from column " + std::to_string(column) +
                                               " on cannot be quantised: a value is not a number, "
                                               "infinite, or beyond the range of the scale's type");
}

}  // namespace hearth::onnx
