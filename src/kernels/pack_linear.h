// From MatMulNBits tensors to the packed layout of kernels/abi.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/result.h"
#include "kernels/abi.h"

namespace hearth::kernels {

/// The inputs of one com.microsoft MatMulNBits node.
struct QuantisedMatrix {
  std::span<const std::uint8_t> weights;  ///< [n, blocks, block_size * bits / 8], low k first
  std::span<const float> scales;          ///< [n, blocks]
  std::span<const std::uint8_t>
      zero_points;              ///< [n, ceil(blocks * bits / 8)], or empty: 2^(bits-1)
  std::span<const float> bias;  ///< [n], or empty
  std::int32_t n = 0;
  std::int32_t k = 0;
  int bits = 4;         ///< 4 or 8
  int block_size = 32;  ///< 16, 32, 64, 128 or 256
};

/// Everything that must be kept beside the packed bytes to use them again. Plain data: a packed
/// weight file may store it as it is, together with kPackedLayoutVersion.
struct LinearFormat {
  std::int32_t n = 0;
  std::int32_t k = 0;
  std::int32_t bits = 4;
  std::int32_t block_size = 32;
  std::int32_t exponent = 0;     ///< scales are stored divided by 2^exponent
  std::int32_t wide_scales = 0;  ///< 1: float32 scales, because float16 would lose more than 2^-10
  std::int32_t zero_points = 0;
  std::int32_t bias = 0;
};

/// Changes whenever the same LinearFormat would mean other bytes.
constexpr std::uint32_t kPackedLayoutVersion = 1;

/// Checks the sizes of the spans and finds how the scales are to be stored. kInvalidArgument names
/// the tensor that has the wrong size or holds a scale that is not finite.
Result<LinearFormat> choose_format(const QuantisedMatrix& matrix);

/// kCorrupt unless the numbers are ones that choose_format could have given: for formats read from
/// a file.
Result<void> check_format(const LinearFormat& format);

/// Bytes of the packed tile columns followed by the bias, a multiple of 64.
std::size_t packed_bytes(const LinearFormat& format);

/// Fills `out` (packed_bytes(format), 64-byte aligned) with share `task` of `tasks`; the shares are
/// disjoint ranges and may be packed by different threads.
void pack_linear(const QuantisedMatrix& matrix, const LinearFormat& format,
                 std::span<std::uint8_t> out, std::int32_t task = 0, std::int32_t tasks = 1);

/// A view of packed bytes, which must outlive it.
PackedLinear view_packed(const LinearFormat& format, const std::uint8_t* data);

/// The part of a linear that computes outputs [first, first + n): `first` a multiple of 16. For a
/// matrix that holds several (queries, keys, values; gate and up).
PackedLinear slice_outputs(const PackedLinear& linear, std::int32_t first, std::int32_t n);

}  // namespace hearth::kernels
