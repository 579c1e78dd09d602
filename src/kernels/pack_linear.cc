// Packing: sizes are checked here once, so that kernels may trust every PackedLinear.
#include "kernels/pack_linear.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>

#include "base/check.h"
#include "kernels/ceil_div.h"
#include "kernels/linear_units.h"

namespace hearth::kernels {
namespace {

// Scaled so that the largest scale times the largest |q - zero point| (15, 255) is below 2^15: the
// float16 arithmetic of the panel kernels cannot overflow.
constexpr int kScaleExponent4 = 11;
constexpr int kScaleExponent8 = 7;
constexpr int kExponentLimit = 100;
constexpr float kHalfNormalMin = 0x1p-14F;

std::int64_t blocks_of(std::int64_t k, int block_size) { return ceil_div(k, block_size); }

/// Rounds a float in the normal range of float16 (or 0) to it, halves to even.
std::uint16_t to_half(float value) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  const auto sign = static_cast<std::uint16_t>((bits >> 16) & 0x8000U);
  std::uint32_t magnitude = bits & 0x7fffffffU;
  if (magnitude == 0) return sign;
  magnitude += 0xfffU + ((magnitude >> 13) & 1U);
  return static_cast<std::uint16_t>(sign | ((magnitude - 0x38000000U) >> 13));
}

Result<void> check_size(const char* what, std::size_t found, std::int64_t expected) {
  if (static_cast<std::int64_t>(found) == expected) return {};
  return fail(ErrorCode::kInvalidArgument, std::string(what) + " has " + std::to_string(found) +
                                               " elements, expected " + std::to_string(expected));
}

Result<void> check_shape(std::int64_t n, std::int64_t k, int bits, int block_size) {
  constexpr std::int64_t kLimit = std::int64_t{1} << 26;
  if (n <= 0 || k <= 0 || n > kLimit || k > kLimit) {
    return fail(ErrorCode::kInvalidArgument, "a quantised matrix of " + std::to_string(n) + " x " +
                                                 std::to_string(k) +
                                                 ", expected 1 to 2^26 each way");
  }
  if (bits != 4 && bits != 8) {
    return fail(ErrorCode::kInvalidArgument,
                "bits is " + std::to_string(bits) + ", expected 4 or 8");
  }
  if (block_size < 16 || block_size > 256 || !std::has_single_bit(unsigned(block_size))) {
    return fail(ErrorCode::kInvalidArgument, "block_size is " + std::to_string(block_size) +
                                                 ", expected 16, 32, 64, 128 or 256");
  }
  return {};
}

/// Magnitudes of the scales other than 0.
struct ScaleRange {
  float smallest = std::numeric_limits<float>::max();
  float largest = 0;
};

Result<ScaleRange> range_of(const QuantisedMatrix& matrix) {
  ScaleRange range;
  for (std::size_t i = 0; i < matrix.scales.size(); ++i) {
    const float magnitude = std::fabs(matrix.scales[i]);
    if (!std::isfinite(magnitude)) {
      return fail(ErrorCode::kInvalidArgument,
                  "scale " + std::to_string(i) + " of a quantised matrix is not a finite number");
    }
    if (magnitude == 0) continue;
    range.smallest = std::min(range.smallest, magnitude);
    range.largest = std::max(range.largest, magnitude);
  }
  return range;
}

UnitShape shape_of(const LinearFormat& format) { return shape_of(view_packed(format, nullptr)); }

struct Packer {
  const QuantisedMatrix& matrix;
  const LinearFormat& format;
  UnitShape shape;
  std::int64_t blocks;

  int element(std::int64_t output, std::int64_t k) const {
    const std::int64_t block = k / format.block_size;
    const std::int64_t within = k % format.block_size;
    const std::int64_t block_bytes = format.block_size * format.bits / 8;
    const std::uint8_t* bytes = matrix.weights.data() + (output * blocks + block) * block_bytes;
    if (format.bits == 8) return bytes[within];
    return (bytes[within / 2] >> (4 * (within % 2))) & 15;
  }

  int zero_point(std::int64_t output, std::int64_t block) const {
    if (format.zero_points == 0) return 1 << (format.bits - 1);
    if (format.bits == 8)
      return matrix.zero_points[static_cast<std::size_t>(output * blocks + block)];
    const std::int64_t row_bytes = ceil_div(blocks, 2);
    const auto at = static_cast<std::size_t>(output * row_bytes + block / 2);
    return (matrix.zero_points[at] >> (4 * (block % 2))) & 15;
  }

  /// What stands for the weight at (output, k) in the packed layout; neutral beyond the edge.
  std::uint8_t code(std::int64_t output, std::int64_t k) const {
    const bool inside = output < format.n && k < format.k;
    const int q = inside ? element(output, k) : 1 << (format.bits - 1);
    return static_cast<std::uint8_t>(format.bits == 8 ? q ^ 0x80 : q);
  }

  void pack_head(std::int64_t tile, std::int64_t first_block, std::uint8_t* out) const {
    std::fill_n(out, shape.head_bytes, std::uint8_t{0});
    for (std::int64_t b = 0; b < kUnitBlocks && first_block + b < blocks; ++b) {
      for (std::int64_t column = 0; column < kTileColumns; ++column) {
        const std::int64_t output = tile * kTileColumns + column;
        if (output >= format.n) continue;
        const float scale =
            std::ldexp(matrix.scales[static_cast<std::size_t>(output * blocks + first_block + b)],
                       -format.exponent);
        std::uint8_t* row = out + b * shape.scale_bytes;
        if (format.wide_scales != 0) {
          std::memcpy(row + 4 * column, &scale, 4);
        } else {
          const std::uint16_t half = to_half(scale);
          std::memcpy(row + 2 * column, &half, 2);
        }
        if (format.zero_points == 0) continue;
        out[kUnitBlocks * shape.scale_bytes + b * kTileColumns + column] =
            static_cast<std::uint8_t>(zero_point(output, first_block + b) -
                                      (1 << (format.bits - 1)));
      }
    }
  }

  void pack_group(std::int64_t tile, std::int64_t group, std::uint8_t* out) const {
    for (std::int64_t column = 0; column < kTileColumns; ++column) {
      const std::int64_t output = tile * kTileColumns + column;
      const std::int64_t k = group * kGroup;
      for (std::int64_t i = 0; i < kGroup; ++i) {
        if (format.bits == 8) {
          out[(i / 4) * 64 + column * 4 + i % 4] = code(output, k + i);
        } else if (i % 8 < 4) {
          out[(i / 8) * 64 + column * 4 + i % 4] =
              static_cast<std::uint8_t>(code(output, k + i) | (code(output, k + i + 4) << 4));
        }
      }
    }
  }

  void pack_tile(std::int64_t tile, std::uint8_t* out) const {
    for (std::int64_t group = 0; group < shape.groups; ++group) {
      if (group % shape.unit_groups == 0) {
        pack_head(tile, group * kGroup / format.block_size, out);
        out += shape.head_bytes;
      }
      pack_group(tile, group, out);
      out += shape.group_bytes;
    }
  }
};

}  // namespace

Result<LinearFormat> choose_format(const QuantisedMatrix& matrix) {
  HEARTH_TRY_VOID(check_shape(matrix.n, matrix.k, matrix.bits, matrix.block_size));
  const std::int64_t blocks = blocks_of(matrix.k, matrix.block_size);
  const std::int64_t block_bytes = matrix.block_size * matrix.bits / 8;
  HEARTH_TRY_VOID(
      check_size("the weight tensor", matrix.weights.size(), matrix.n * blocks * block_bytes));
  HEARTH_TRY_VOID(check_size("the scale tensor", matrix.scales.size(), matrix.n * blocks));
  if (!matrix.zero_points.empty()) {
    HEARTH_TRY_VOID(check_size("the zero point tensor", matrix.zero_points.size(),
                               matrix.n * ceil_div(blocks * matrix.bits, 8)));
  }
  if (!matrix.bias.empty()) {
    HEARTH_TRY_VOID(check_size("the bias tensor", matrix.bias.size(), matrix.n));
  }
  HEARTH_TRY(const ScaleRange range, range_of(matrix));
  LinearFormat format;
  format.n = matrix.n;
  format.k = matrix.k;
  format.bits = matrix.bits;
  format.block_size = matrix.block_size;
  format.zero_points = matrix.zero_points.empty() ? 0 : 1;
  format.bias = matrix.bias.empty() ? 0 : 1;
  if (range.largest > 0) {
    int exponent = 0;  // largest < 2^exponent
    std::frexp(range.largest, &exponent);
    exponent -= matrix.bits == 4 ? kScaleExponent4 : kScaleExponent8;
    const bool fits = std::abs(exponent) <= kExponentLimit &&
                      std::ldexp(range.smallest, -exponent) >= kHalfNormalMin;
    format.exponent = fits ? exponent : 0;
    format.wide_scales = fits ? 0 : 1;
  }
  return format;
}

Result<void> check_format(const LinearFormat& format) {
  HEARTH_TRY_VOID(check_shape(format.n, format.k, format.bits, format.block_size));
  const auto flag = [](std::int32_t value) { return value == 0 || value == 1; };
  if (!flag(format.wide_scales) || !flag(format.zero_points) || !flag(format.bias) ||
      std::abs(format.exponent) > kExponentLimit) {
    return fail(ErrorCode::kCorrupt, "a packed linear is described by impossible numbers");
  }
  return {};
}

std::size_t packed_bytes(const LinearFormat& format) {
  const std::int64_t tiles = ceil_div(format.n, kTileColumns);
  const std::int64_t bias = format.bias != 0 ? tiles * kTileColumns * 4 : 0;
  return static_cast<std::size_t>(tiles * view_packed(format, nullptr).tile_bytes + bias);
}

void pack_linear(const QuantisedMatrix& matrix, const LinearFormat& format,
                 std::span<std::uint8_t> out, std::int32_t task, std::int32_t tasks) {
  HEARTH_CHECK(out.size() == packed_bytes(format) && task >= 0 && task < tasks);
  const Packer packer{matrix, format, shape_of(format), blocks_of(format.k, format.block_size)};
  const PackedLinear view = view_packed(format, out.data());
  const std::int64_t tiles = ceil_div(format.n, kTileColumns);
  for (std::int64_t tile = tiles * task / tasks; tile < tiles * (task + 1) / tasks; ++tile) {
    packer.pack_tile(tile, out.data() + tile * view.tile_bytes);
  }
  if (format.bias != 0 && task == 0) {
    std::uint8_t* bias = out.data() + tiles * view.tile_bytes;
    std::memset(bias, 0, static_cast<std::size_t>(tiles * kTileColumns * 4));
    std::memcpy(bias, matrix.bias.data(), matrix.bias.size_bytes());
  }
}

PackedLinear view_packed(const LinearFormat& format, const std::uint8_t* data) {
  PackedLinear linear{};
  linear.data = data;
  linear.n = format.n;
  linear.k = format.k;
  linear.bits = format.bits;
  linear.block_size = format.block_size;
  linear.wide_scales = format.wide_scales;
  linear.zero_points = format.zero_points;
  linear.scale_unit = std::ldexp(1.0F, format.exponent);
  const UnitShape shape = shape_of(linear);
  linear.unit_bytes = shape.head_bytes + std::int64_t{shape.unit_groups} * shape.group_bytes;
  linear.tile_bytes = std::int64_t{units_of(shape)} * shape.head_bytes +
                      std::int64_t{shape.groups} * shape.group_bytes;
  if (format.bias != 0 && data != nullptr) {
    linear.bias =
        reinterpret_cast<const float*>(data + ceil_div(format.n, kTileColumns) * linear.tile_bytes);
  }
  return linear;
}

PackedLinear slice_outputs(const PackedLinear& linear, std::int32_t first, std::int32_t n) {
  HEARTH_CHECK(first >= 0 && first % kTileColumns == 0 && n > 0 && n <= linear.n - first);
  PackedLinear slice = linear;
  slice.data += first / kTileColumns * linear.tile_bytes;
  if (slice.bias != nullptr) slice.bias += first;
  slice.n = n;
  return slice;
}

}  // namespace hearth::kernels
