// Quantisation with error feedback (GPTQ, Frantar et al. 2022): columns are rounded one after the
// other, and what each rounding got wrong is made up for by the columns not yet rounded, as far as
// the inputs of the matrix are correlated.
//
// For the inputs' second moments H = X^T X (X: one row per token) the error of the outputs is
// sum over rows e of e H e^T. With H^-1 = U^T U, U upper triangular, the method's step for column i
// is: q_i = round(w_i); w_j -= (w_i - q_i) / U_ii * U_ij for all j > i. A block's scale is chosen
// when its first column is reached, from the weights as they then are.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "onnx/quant_block.h"

namespace hearth::onnx {

/// What the inputs of a matrix tell about rounding it; shared by all matrices with these inputs.
/// Safe to read from several threads.
class InputMoments {
 public:
  /// `moments` is X^T X, [k, k], symmetric; the lower triangle is read. Columns that no token used
  /// (a zero on the diagonal) take no part in the feedback. kInvalidArgument when a value is not
  /// finite. Needs 4 k^2 bytes, 12 more while prepare_feedback() runs, 4 of which stay.
  static Result<InputMoments> make(std::vector<float> moments, std::int64_t k);

  std::int64_t k() const { return k_; }

  /// Mean square of each column's inputs, up to a factor: the diagonal of H.
  std::span<const float> importance() const { return importance_; }

  /// Prepares feedback(): a Cholesky factor in double precision, with damping (1% of the mean of
  /// the diagonal, ten times more until the factor exists). kInvalidArgument where none does.
  Result<void> prepare_feedback();

  /// Row `i` of U divided by U_ii, elements i + 1 to k - 1.
  std::span<const float> feedback(std::int64_t i) const;

  /// e H e^T of each row of `rows` [count, k], summed.
  double energy(std::span<const float> rows, std::int64_t count) const;

 private:
  std::int64_t k_ = 0;
  std::vector<float> moments_;
  std::vector<float> importance_;
  std::vector<float> factor_;  ///< [k, k], what feedback() gives
};

/// As quantise_rows(), with scales searched (kquant.h) for the importance of the columns. Changes
/// `weights`, which end as the rounded values plus what was left over. `moments` must be prepared.
Result<void> quantise_rows_with_feedback(const QuantFormat& format, std::span<float> weights,
                                         std::int64_t rows, std::int64_t k,
                                         const InputMoments& moments, const MatrixOutput& out);

}  // namespace hearth::onnx
