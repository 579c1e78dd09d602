// One block of a quantised row: its scale, its elements, its bytes. Internal to the quantisers,
// which differ only in how they choose scales and what they round.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "onnx/quantise.h"

namespace hearth::onnx {

inline constexpr int kBlockSizeMax = 256;

/// w is near (q - zero_point) * scale. Symmetric formats have the zero point 2^(bits-1).
struct BlockScale {
  float scale = 0;
  int zero_point = 0;
};

/// Largest q of a format.
inline int q_max(const QuantFormat& format) { return (1 << format.bits) - 1; }

/// The scale as it comes back from the file.
float stored_scale(float scale, ScaleType type);

/// The rule of quantise.h; nothing when a value is not finite or the scale would not be.
std::optional<BlockScale> nearest_scale(const QuantFormat& format, std::span<const float> values);

/// q of every element under `block`, rounded to the nearest, halves away from zero.
void quantise_block(const QuantFormat& format, std::span<const float> values,
                    const BlockScale& block, std::uint8_t* q);

/// Where one row's quantised form goes; zero_points is null when the format is symmetric.
struct RowOutput {
  std::uint8_t* packed;
  float* scales;
  std::uint8_t* zero_points;

  /// Stores block `block`, whose `q` has format.block_size elements. Blocks of a row are stored in
  /// ascending order, because two zero points may share a byte.
  void store(const QuantFormat& format, std::int64_t block, const std::uint8_t* q,
             const BlockScale& scale) const;
};

/// The outputs of whole matrices, as quantise_rows() takes them.
struct MatrixOutput {
  std::span<std::uint8_t> packed;
  std::span<float> scales;
  std::span<std::uint8_t> zero_points;

  /// A bug when a span has not the size that the format demands.
  void check(const QuantFormat& format, std::int64_t rows, std::int64_t k) const;
  RowOutput row(const QuantFormat& format, std::int64_t index, std::int64_t k) const;
};

/// The [rows, k] values that the outputs stand for.
void dequantise_rows(const QuantFormat& format, std::int64_t rows, std::int64_t k,
                     const MatrixOutput& quantised, std::span<float> values);

/// The error for a block without a scale.
tl::unexpected<Error> fail_block(std::int64_t row, std::int64_t column);

}  // namespace hearth::onnx
