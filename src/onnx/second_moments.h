// X^T X, row by row of X.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace hearth::onnx {

/// Not for concurrent use.
class SecondMoments {
 public:
  explicit SecondMoments(std::int64_t width)
      : width_(width), sum_(static_cast<std::size_t>(width * width), 0.0F) {}

  /// Adds x^T x of each row of `rows`, [any, width].
  void add(std::span<const float> rows);

  /// [width, width]; only the lower triangle is filled.
  std::vector<float> take() && { return std::move(sum_); }

 private:
  std::int64_t width_;
  std::vector<float> sum_;
};

}  // namespace hearth::onnx
