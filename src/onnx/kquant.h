// Quantisation with searched scales: the format and size of quantise.h, but each block's scale (and
// zero point) is the one of many candidates with the smallest weighted squared error
//   sum over i of importance[i] * (w[i] - (q[i] - zero_point) * scale)^2.
//
// Round-to-nearest spends the whole range on the largest element; a somewhat smaller range clips
// that one and rounds all the others more finely. Each candidate range gives q by rounding, and
// then the scale that fits these q best (least squares: sum v w z / sum v z^2 with z = q -
// zero_point). The rule's own scale is among the candidates, so the error is never larger than its.
#pragma once

#include <cstdint>
#include <span>

#include "onnx/quant_block.h"

namespace hearth::onnx {

/// The best scale found for `values`; nothing where nearest_scale() gives nothing. `importance` has
/// one number >= 0 per value, or none (all alike).
std::optional<BlockScale> searched_scale(const QuantFormat& format, std::span<const float> values,
                                         std::span<const float> importance);

/// The objective above for `values` rounded under `scale`.
double block_error(const QuantFormat& format, std::span<const float> values,
                   std::span<const float> importance, const BlockScale& scale);

/// As quantise_rows(). `importance` has one number for each of the k columns, or none; the mean
/// square of a column's inputs makes the objective the error of the outputs, as far as inputs are
/// independent.
Result<void> quantise_rows_searched(const QuantFormat& format, std::span<const float> weights,
                                    std::int64_t rows, std::int64_t k,
                                    std::span<const float> importance, const MatrixOutput& out);

}  // namespace hearth::onnx
