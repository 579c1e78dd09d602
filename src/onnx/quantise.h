// Round-to-nearest weight quantisation in blocks along K, byte for byte as ONNX Runtime's own tool
// does it.
//
// The rule (MLAS q4_dq.cpp, the default quantiser of the released models), per block of one row:
//   symmetric   m = the element of largest magnitude (the negative one of two equals)
//               scale = -m / 2^(bits-1), so it may be negative; zero point = 2^(bits-1), not stored
//   asymmetric  lo = min(0, smallest), hi = max(0, largest), scale = (hi - lo) / (2^bits - 1)
//               zero point = round(-lo / scale), clamped
//   both        q = clamp(round(w * (1 / scale) + zero point), 0, 2^bits - 1), halves away from
//   zero
// where 1 / scale counts as 0 for scale 0. Where 1 / scale would overflow (a block of denormals),
// w / scale is used instead, which the rule leaves undefined.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/result.h"

namespace hearth::onnx {

/// What scales are stored as. With kFloat16 the weights are rounded to float16 first and q is
/// computed from the rounded scale, as the tool does for a float16 model.
enum class ScaleType { kFloat32, kFloat16 };

struct QuantFormat {
  int bits = 4;         ///< 4 or 8
  int block_size = 32;  ///< a power of two from 16 to 256
  bool asymmetric = false;
  ScaleType scale_type = ScaleType::kFloat32;

  std::int64_t blocks(std::int64_t k) const { return (k + block_size - 1) / block_size; }
  /// Bytes of one row of B, [blocks, block_size * bits / 8].
  std::int64_t row_bytes(std::int64_t k) const { return blocks(k) * block_size * bits / 8; }
  /// Bytes of one row of packed zero points.
  std::int64_t zero_point_row_bytes(std::int64_t k) const { return (blocks(k) * bits + 7) / 8; }
};

/// kInvalidArgument unless bits and block size are among those above.
Result<void> check_format(const QuantFormat& format);

/// Quantises `rows` of `k` floats each (row-major [rows, k]) into
///   packed       [rows, blocks, block_size * bits / 8]; low bits hold the even k; a short last
///                block is filled up with zero bits
///   scales       [rows, blocks], values exactly representable in format.scale_type
///   zero_points  [rows, ceil(blocks * bits / 8)], low bits first; empty when symmetric
/// A NaN, an infinity, or a block whose range overflows is kInvalidArgument naming row and column.
Result<void> quantise_rows(const QuantFormat& format, std::span<const float> weights,
                           std::int64_t rows, std::int64_t k, std::span<std::uint8_t> packed,
                           std::span<float> scales, std::span<std::uint8_t> zero_points);

}  // namespace hearth::onnx
