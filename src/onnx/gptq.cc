#include "onnx/gptq.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>

#include <Eigen/Cholesky>
#include <Eigen/Core>

#include "base/check.h"
#include "onnx/half.h"
#include "onnx/kquant.h"

namespace hearth::onnx {
namespace {

using RowMajor = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Factor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

constexpr double kDamping = 0.01;
constexpr int kDampingTries = 5;

/// Columns whose feedback to the rest of a row is applied together, as one matrix product.
constexpr std::int64_t kLazyColumns = 128;

/// Rows done together: enough for a product, few enough to stay in the cache.
constexpr std::int64_t kRowsTogether = 128;

/// H with damping, its rows and columns in reverse order. The Cholesky factor L of the reversed
/// matrix, reversed again, is the upper triangular R with H = R R^T, so U = R^-1: one factor and no
/// inverse of H.
Factor reversed(std::span<const float> moments, std::int64_t k, double damping) {
  Factor matrix(k, k);
  for (std::int64_t i = 0; i < k; ++i) {
    for (std::int64_t j = 0; j <= i; ++j) {
      const double value = moments[static_cast<std::size_t>(i * k + j)];
      matrix(k - 1 - j, k - 1 - i) = value;  // the lower triangle again
    }
  }
  for (std::int64_t i = 0; i < k; ++i) {
    double& diagonal = matrix(i, i);
    diagonal = diagonal == 0.0 ? 1.0 : diagonal + damping;
  }
  return matrix;
}

/// L^-1 in place of the lower triangle L, by halves: of [A 0; B C] it is
/// [A^-1 0; -C^-1 B A^-1 C^-1]. A third of the operations of solving for the identity.
void invert_lower(Eigen::Ref<Factor, 0, Eigen::OuterStride<>> lower) {
  constexpr Eigen::Index kSmall = 64;
  const Eigen::Index size = lower.rows();
  if (size <= kSmall) {
    Factor inverse = Factor::Identity(size, size);
    lower.triangularView<Eigen::Lower>().solveInPlace(inverse);
    lower.triangularView<Eigen::Lower>() = inverse;
    return;
  }
  const Eigen::Index half = size / 2;
  auto a = lower.topLeftCorner(half, half);
  auto b = lower.bottomLeftCorner(size - half, half);
  auto c = lower.bottomRightCorner(size - half, size - half);
  c.triangularView<Eigen::Lower>().solveInPlace(b);
  a.triangularView<Eigen::Lower>().solveInPlace<Eigen::OnTheRight>(b);
  b = -b;
  invert_lower(a);
  invert_lower(c);
}

/// Quantises some rows; the columns of a block of the format lie within one lazy stretch or are
/// themselves a whole number of stretches.
class FeedbackRows {
 public:
  FeedbackRows(const QuantFormat& format, std::span<float> weights, std::int64_t rows,
               const InputMoments& moments)
      : format_(format),
        moments_(moments),
        rows_(rows),
        k_(moments.k()),
        weights_(weights.data(), rows, moments.k()),
        scales_(static_cast<std::size_t>(rows)),
        q_(static_cast<std::size_t>(rows * format.block_size)) {}

  /// The index of the row that failed and the column of its block, or nothing.
  struct Failure {
    std::int64_t row = 0;
    std::int64_t column = 0;
  };

  std::optional<Failure> run(const std::function<RowOutput(std::int64_t)>& out) {
    const std::int64_t stretch = std::max<std::int64_t>(kLazyColumns, format_.block_size);
    for (std::int64_t first = 0; first < k_; first += stretch) {
      const std::int64_t end = std::min(k_, first + stretch);
      errors_.setZero(rows_, end - first);
      for (std::int64_t start = first; start < end; start += format_.block_size) {
        const std::int64_t count = std::min<std::int64_t>(format_.block_size, end - start);
        if (const auto bad = choose_scales(start, count)) return Failure{*bad, start};
        for (std::int64_t i = start; i < start + count; ++i) round_column(i, start, first, end);
        store(start, out);
      }
      pass_on(first, end);
    }
    return std::nullopt;
  }

 private:
  std::optional<std::int64_t> choose_scales(std::int64_t start, std::int64_t count) {
    std::fill(q_.begin(), q_.end(), std::uint8_t{0});
    const auto importance = moments_.importance().subspan(static_cast<std::size_t>(start),
                                                          static_cast<std::size_t>(count));
    for (std::int64_t row = 0; row < rows_; ++row) {
      const std::span<const float> values(weights_.data() + row * k_ + start,
                                          static_cast<std::size_t>(count));
      const auto scale = searched_scale(format_, values, importance);
      if (!scale) return row;
      scales_[static_cast<std::size_t>(row)] = *scale;
    }
    return std::nullopt;
  }

  void round_column(std::int64_t i, std::int64_t start, std::int64_t first, std::int64_t end) {
    const auto feedback = moments_.feedback(i);
    const auto rest = static_cast<std::size_t>(end - 1 - i);
    for (std::int64_t row = 0; row < rows_; ++row) {
      const BlockScale& scale = scales_[static_cast<std::size_t>(row)];
      float* values = weights_.data() + row * k_;
      std::uint8_t& q = q_[static_cast<std::size_t>(row * format_.block_size + i - start)];
      quantise_block(format_, std::span<const float>(values + i, 1), scale, &q);
      const float error = values[i] - scale.scale * static_cast<float>(int{q} - scale.zero_point);
      errors_(row, i - first) = error;
      for (std::size_t j = 0; j < rest; ++j) {
        values[static_cast<std::size_t>(i) + 1 + j] -= error * feedback[j];
      }
    }
  }

  void store(std::int64_t start, const std::function<RowOutput(std::int64_t)>& out) const {
    for (std::int64_t row = 0; row < rows_; ++row) {
      out(row).store(format_, start / format_.block_size, q_.data() + row * format_.block_size,
                     scales_[static_cast<std::size_t>(row)]);
    }
  }

  /// The errors of columns [first, end) change all columns behind them.
  void pass_on(std::int64_t first, std::int64_t end) {
    if (end == k_) return;
    RowMajor factors(end - first, k_ - end);
    for (std::int64_t i = first; i < end; ++i) {
      const auto feedback = moments_.feedback(i);
      std::copy(feedback.end() - (k_ - end), feedback.end(), factors.row(i - first).data());
    }
    weights_.rightCols(k_ - end).noalias() -= errors_ * factors;
  }

  const QuantFormat& format_;
  const InputMoments& moments_;
  std::int64_t rows_;
  std::int64_t k_;
  Eigen::Map<RowMajor> weights_;
  RowMajor errors_;  ///< of the stretch's columns
  std::vector<BlockScale> scales_;
  std::vector<std::uint8_t> q_;
};

}  // namespace

Result<InputMoments> InputMoments::make(std::vector<float> moments, std::int64_t k) {
  HEARTH_CHECK(k > 0 && std::ssize(moments) == k * k);
  InputMoments made;
  made.k_ = k;
  made.moments_ = std::move(moments);
  for (std::int64_t i = 0; i < k; ++i) {
    for (std::int64_t j = 0; j <= i; ++j) {
      const float value = made.moments_[static_cast<std::size_t>(i * k + j)];
      if (!std::isfinite(value)) {
        return fail(ErrorCode::kInvalidArgument,
                    "the inputs of column " + std::to_string(i) +
                        " are not finite numbers on the calibration text");
      }
      made.moments_[static_cast<std::size_t>(j * k + i)] = value;
    }
    made.importance_.push_back(made.moments_[static_cast<std::size_t>(i * k + i)]);
  }
  return made;
}

Result<void> InputMoments::prepare_feedback() {
  if (!factor_.empty()) return {};
  double mean = 0;
  for (const float value : importance_) mean += double{value} / static_cast<double>(k_);
  double damping = kDamping * mean;
  for (int attempt = 0; attempt < kDampingTries; ++attempt, damping *= 10) {
    Factor matrix = reversed(moments_, k_, damping);
    const Eigen::LLT<Eigen::Ref<Factor>, Eigen::Lower> factor(matrix);
    if (factor.info() != Eigen::Success) continue;
    // Column i of L^-1 (lower), reversed, is row k - 1 - i of U's transpose.
    invert_lower(matrix);
    factor_.assign(static_cast<std::size_t>(k_ * k_), 0.0F);
    for (std::int64_t i = 0; i < k_; ++i) {
      for (std::int64_t j = i + 1; j < k_; ++j) {
        factor_[static_cast<std::size_t>(i * k_ + j)] =
            static_cast<float>(matrix(k_ - 1 - i, k_ - 1 - j) / matrix(k_ - 1 - i, k_ - 1 - i));
      }
    }
    return {};
  }
  return fail(ErrorCode::kInvalidArgument,
              "the inputs on the calibration text are too much alike to tell how errors can be "
              "made up for; use a longer and more varied text");
}

std::span<const float> InputMoments::feedback(std::int64_t i) const {
  HEARTH_CHECK(!factor_.empty());
  return std::span(factor_).subspan(static_cast<std::size_t>(i * k_ + i + 1),
                                    static_cast<std::size_t>(k_ - 1 - i));
}

double InputMoments::energy(std::span<const float> rows, std::int64_t count) const {
  HEARTH_CHECK(std::ssize(rows) == count * k_);
  const Eigen::Map<const RowMajor> matrix(moments_.data(), k_, k_);
  const Eigen::Map<const RowMajor> vectors(rows.data(), count, k_);
  const RowMajor product = vectors * matrix;
  return product.cwiseProduct(vectors).cast<double>().sum();
}

Result<void> quantise_rows_with_feedback(const QuantFormat& format, std::span<float> weights,
                                         std::int64_t rows, std::int64_t k,
                                         const InputMoments& moments, const MatrixOutput& out) {
  HEARTH_TRY_VOID(check_format(format));
  HEARTH_CHECK(std::ssize(weights) == rows * k && moments.k() == k);
  out.check(format, rows, k);
  if (format.scale_type == ScaleType::kFloat16) {
    for (float& value : weights) value = from_half(to_half(value));
  }
  for (std::int64_t first = 0; first < rows; first += kRowsTogether) {
    const std::int64_t count = std::min(kRowsTogether, rows - first);
    FeedbackRows together(
        format,
        weights.subspan(static_cast<std::size_t>(first * k), static_cast<std::size_t>(count * k)),
        count, moments);
    const auto failure =
        together.run([&](std::int64_t row) { return out.row(format, first + row, k); });
    if (failure) return fail_block(first + failure->row, failure->column);
  }
  return {};
}

}  // namespace hearth::onnx
