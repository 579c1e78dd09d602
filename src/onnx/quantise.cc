// Blockwise round-to-nearest quantisation. Throughput matters here: the true-shape model has 3.8e9
// weights.
#include "onnx/quantise.h"

#include <algorithm>
#include <array>
#include <string>

#include "base/check.h"
#include "onnx/half.h"
#include "onnx/quant_block.h"

namespace hearth::onnx {
namespace {

/// Quantises one row; returns the column of the first block that cannot be, or -1.
std::int64_t quantise_row(const QuantFormat& format, const float* row, std::int64_t k,
                          const RowOutput& out) {
  std::array<float, kBlockSizeMax> rounded;
  std::array<std::uint8_t, kBlockSizeMax> q;
  for (std::int64_t block = 0; block < format.blocks(k); ++block) {
    const std::int64_t start = block * format.block_size;
    const std::int64_t count = std::min<std::int64_t>(format.block_size, k - start);
    std::span<const float> values(row + start, static_cast<std::size_t>(count));
    if (format.scale_type == ScaleType::kFloat16) {
      std::transform(values.begin(), values.end(), rounded.begin(),
                     [](float value) { return from_half(to_half(value)); });
      values = std::span(rounded).first(values.size());
    }
    const auto scale = nearest_scale(format, values);
    if (!scale) return start;
    if (count < format.block_size) q.fill(0);
    quantise_block(format, values, *scale, q.data());
    out.store(format, block, q.data(), *scale);
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
  HEARTH_CHECK(std::ssize(weights) == rows * k);
  const MatrixOutput out{packed, scales, zero_points};
  out.check(format, rows, k);
  for (std::int64_t row = 0; row < rows; ++row) {
    const std::int64_t bad =
        quantise_row(format, weights.data() + row * k, k, out.row(format, row, k));
    if (bad >= 0) return fail_block(row, bad);
  }
  return {};
}

}  // namespace hearth::onnx
