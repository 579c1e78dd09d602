#include "onnx/second_moments.h"

#include <Eigen/Core>

#include "base/check.h"

namespace hearth::onnx {

void SecondMoments::add(std::span<const float> rows) {
  using RowMajor = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  HEARTH_CHECK(std::ssize(rows) % width_ == 0);
  const Eigen::Map<const RowMajor> matrix(rows.data(), std::ssize(rows) / width_, width_);
  Eigen::Map<RowMajor> sum(sum_.data(), width_, width_);
  sum.selfadjointView<Eigen::Lower>().rankUpdate(matrix.transpose());
}

}  // namespace hearth::onnx
