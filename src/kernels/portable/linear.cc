// The specification of the exact recipe, in plain C++. Every other kernel gives the same bits.
//
//   x   per 32 values: scale = amax / 127, q = round(x * (127 / amax)), halves to even
//   d   sum over a block's k within a group of 32 of (w - zero point) * q, an exact integer
//   acc = fma(float(d) * w scale, x scale, acc), groups and blocks in order of k, from 0
//   y   = acc * 2^exponent, then + bias
// Bytes read per tile column of 16 outputs: linear.tile_bytes, whatever the number of rows.
#include "kernels/portable/linear.h"

#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "kernels/linear_units.h"

namespace hearth::kernels::portable {
namespace {

/// Below this a block counts as zero: no scale or reciprocal is denormal or infinite.
constexpr float kSmallestMaximum = 0x1p-110F;

float from_half(const std::uint8_t* bytes) {
  std::uint16_t half = 0;
  std::memcpy(&half, bytes, sizeof half);
  const std::uint32_t sign = (half & 0x8000U) << 16;
  const std::uint32_t exponent = (half >> 10) & 0x1fU;
  const std::uint32_t mantissa = half & 0x3ffU;
  if (exponent == 0) {
    const float magnitude = static_cast<float>(mantissa) * 0x1p-24F;
    return sign != 0 ? -magnitude : magnitude;
  }
  return std::bit_cast<float>(sign | ((exponent + 112) << 23) | (mantissa << 13));
}

float scale_at(const PackedLinear& linear, const UnitShape& shape, const Unit& unit,
               std::int32_t block, std::int32_t column) {
  const std::uint8_t* row = unit.scales + block * shape.scale_bytes;
  if (linear.wide_scales == 0) return from_half(row + 2 * column);
  float scale = 0;
  std::memcpy(&scale, row + 4 * column, sizeof scale);
  return scale;
}

/// w - 2^(bits-1) of element `k` of a group, for one of the 16 outputs.
std::int32_t weight_at(const PackedLinear& linear, const std::uint8_t* group, std::int32_t column,
                       std::int32_t k) {
  if (linear.bits == 8) {
    return static_cast<std::int8_t>(group[(k / 4) * 64 + column * 4 + k % 4]);
  }
  const std::uint8_t byte = group[(k / 8) * 64 + column * 4 + k % 4];
  return static_cast<std::int32_t>(k % 8 < 4 ? byte & 15 : byte >> 4) - 8;
}

/// One output of one row: the group loop of the file comment.
void add_group(const PackedLinear& linear, const UnitShape& shape, const Unit& unit,
               std::int32_t group, const std::int8_t* q, float x_scale, std::int32_t column,
               float& acc) {
  const std::uint8_t* weights = unit.weights + group * shape.group_bytes;
  const std::int32_t width = linear.block_size < kGroup ? linear.block_size : kGroup;
  for (std::int32_t begin = 0; begin < kGroup; begin += width) {
    const std::int32_t block = (group * kGroup + begin) / linear.block_size;
    const std::int32_t zero =
        linear.zero_points != 0 ? unit.zeros[block * kTileColumns + column] : 0;
    std::int32_t d = 0;
    for (std::int32_t k = begin; k < begin + width; ++k) {
      d += (weight_at(linear, weights, column, k) - zero) * q[k];
    }
    const float scaled = static_cast<float>(d) * scale_at(linear, shape, unit, block, column);
    acc = std::fma(scaled, x_scale, acc);
  }
}

}  // namespace

void quantise_row(const float* x, std::int32_t k, std::int32_t row, const ExactRows* out) {
  for (std::int32_t group = 0; group < out->groups; ++group) {
    const std::int32_t begin = group * kGroup;
    const std::int32_t count = k - begin < kGroup ? k - begin : kGroup;
    const std::int64_t at = static_cast<std::int64_t>(group) * out->rows_padded + row;
    std::array<float, kGroup> values{};
    std::memcpy(values.data(), x + begin, sizeof(float) * static_cast<std::size_t>(count));
    std::uint32_t largest = 0;  // of the bits without sign: ordered as the magnitudes are
    for (const float value : values) {
      const std::uint32_t magnitude = std::bit_cast<std::uint32_t>(value) & 0x7fffffffU;
      largest = magnitude > largest ? magnitude : largest;
    }
    const float maximum = std::bit_cast<float>(largest);
    const bool finite = largest < 0x7f800000U;
    const bool zero = !finite || maximum < kSmallestMaximum;
    const float reciprocal = zero ? 0.0F : 127.0F / maximum;
    out->scale[at] =
        !finite ? std::numeric_limits<float>::quiet_NaN() : (zero ? 0.0F : maximum / 127.0F);
    std::array<std::int32_t, 2> sums{};
    for (std::size_t i = 0; i < kGroup; ++i) {
      const int q = zero ? 0 : static_cast<int>(std::nearbyint(values[i] * reciprocal));
      out->q[at * kGroup + static_cast<std::int64_t>(i)] = static_cast<std::int8_t>(q);
      sums[i / 16] += q;
    }
    out->sum[at] = static_cast<std::int32_t>((static_cast<std::uint32_t>(sums[0]) & 0xffffU) |
                                             (static_cast<std::uint32_t>(sums[1]) << 16));
  }
}

void exact_product(const ExactTask* task) {
  const PackedLinear& linear = *task->linear;
  const ExactRows& x = *task->x;
  const UnitShape shape = shape_of(linear);
  float* sums = static_cast<float*>(task->scratch);  // [rows][16]
  for (std::int32_t tile = task->tile_begin; tile < task->tile_end; ++tile) {
    const std::int32_t left = linear.n - tile * kTileColumns;
    const std::int32_t columns = left < kTileColumns ? left : kTileColumns;
    for (std::int32_t i = 0; i < x.rows * kTileColumns; ++i) sums[i] = 0;
    for (std::int32_t index = 0; index < units_of(shape); ++index) {
      const Unit unit = unit_at(linear, shape, tile, index);
      *task->weight_bytes += static_cast<std::uint64_t>(unit.bytes);
      for (std::int32_t group = 0; group < unit.groups; ++group) {
        for (std::int32_t row = 0; row < x.rows; ++row) {
          const std::int64_t at =
              static_cast<std::int64_t>(unit.group_begin + group) * x.rows_padded + row;
          for (std::int32_t column = 0; column < columns; ++column) {
            add_group(linear, shape, unit, group, x.q + at * kGroup, x.scale[at], column,
                      sums[row * kTileColumns + column]);
          }
        }
      }
    }
    for (std::int32_t row = 0; row < x.rows; ++row) {
      for (std::int32_t column = 0; column < columns; ++column) {
        const std::int32_t output = tile * kTileColumns + column;
        float value = sums[row * kTileColumns + column] * linear.scale_unit;
        if (linear.bias != nullptr) value += linear.bias[output];
        task->y[row * task->y_stride + output] = value;
      }
    }
  }
}

}  // namespace hearth::kernels::portable
