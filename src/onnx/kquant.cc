#include "onnx/kquant.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/check.h"
#include "onnx/half.h"

namespace hearth::onnx {
namespace {

float importance_of(std::span<const float> importance, std::size_t i) {
  return importance.empty() ? 1.0F : importance[i];
}

/// Follows the best candidate for one block.
class Search {
 public:
  Search(const QuantFormat& format, std::span<const float> values,
         std::span<const float> importance, const BlockScale& first)
      : format_(format), values_(values), importance_(importance), best_(first) {
    best_error_ = block_error(format, values, importance, first);
  }

  const BlockScale& best() const { return best_; }

  /// Tries a scale, and the one that fits its q best.
  void consider(BlockScale candidate) {
    candidate.scale = stored_scale(candidate.scale, format_.scale_type);
    if (!is_usable(candidate.scale)) return;
    std::array<std::uint8_t, kBlockSizeMax> q;
    quantise_block(format_, values_, candidate, q.data());
    float numerator = 0;
    float denominator = 0;
    for (std::size_t i = 0; i < values_.size(); ++i) {
      const float step = static_cast<float>(int{q[i]} - candidate.zero_point);
      const float weight = importance_of(importance_, i) * step;
      numerator += weight * values_[i];
      denominator += weight * step;
    }
    const BlockScale fitted{stored_scale(numerator / denominator, format_.scale_type),
                            candidate.zero_point};
    keep(is_usable(fitted.scale) ? fitted : candidate);
  }

 private:
  /// 0 / 0, and scales whose reciprocal overflows, are no candidates.
  static bool is_usable(float scale) { return std::isfinite(scale) && std::isfinite(1.0F / scale); }

  void keep(const BlockScale& candidate) {
    const double error = block_error(format_, values_, importance_, candidate);
    if (error >= best_error_) return;
    best_error_ = error;
    best_ = candidate;
  }

  const QuantFormat& format_;
  std::span<const float> values_;
  std::span<const float> importance_;
  BlockScale best_;
  double best_error_ = 0;
};

/// How far ranges shrink: candidates are these parts of the whole range.
constexpr int kSteps = 18;
constexpr float kStep = 0.025F;

/// The larger or the smaller end of the range lies on q = 0, whose step is the longest.
void search_symmetric(const QuantFormat& format, std::span<const float> values, Search& search) {
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  const float largest = std::max(std::fabs(*low), std::fabs(*high));
  const int half_range = 1 << (format.bits - 1);
  for (int step = -2; step < kSteps; ++step) {
    const float scale =
        largest * (1.0F - kStep * static_cast<float>(step)) / static_cast<float>(half_range);
    search.consider({scale, half_range});
    search.consider({-scale, half_range});
  }
}

void search_asymmetric(const QuantFormat& format, std::span<const float> values, Search& search) {
  const auto [smallest, largest] = std::minmax_element(values.begin(), values.end());
  const float low = std::min(*smallest, 0.0F);
  const float high = std::max(*largest, 0.0F);
  const float range = static_cast<float>(q_max(format));
  for (int step = -1; step < kSteps; ++step) {
    const float scale = (high - low) * (1.0F - kStep * static_cast<float>(step)) / range;
    const float zero = std::clamp(std::round(-low / scale), 0.0F, range);
    if (!std::isfinite(zero)) continue;
    for (int shift = -1; shift <= 1; ++shift) {
      search.consider({scale, std::clamp(static_cast<int>(zero) + shift, 0, q_max(format))});
    }
  }
}

}  // namespace

double block_error(const QuantFormat& format, std::span<const float> values,
                   std::span<const float> importance, const BlockScale& scale) {
  std::array<std::uint8_t, kBlockSizeMax> q;
  quantise_block(format, values, scale, q.data());
  double error = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double off =
        double{values[i]} - double{scale.scale} * static_cast<double>(int{q[i]} - scale.zero_point);
    error += double{importance_of(importance, i)} * off * off;
  }
  return error;
}

std::optional<BlockScale> searched_scale(const QuantFormat& format, std::span<const float> values,
                                         std::span<const float> importance) {
  HEARTH_CHECK(importance.empty() || importance.size() == values.size());
  const auto first = nearest_scale(format, values);
  if (!first) return std::nullopt;
  Search search(format, values, importance, *first);
  if (format.asymmetric) {
    search_asymmetric(format, values, search);
  } else {
    search_symmetric(format, values, search);
  }
  return search.best();
}

Result<void> quantise_rows_searched(const QuantFormat& format, std::span<const float> weights,
                                    std::int64_t rows, std::int64_t k,
                                    std::span<const float> importance, const MatrixOutput& out) {
  HEARTH_TRY_VOID(check_format(format));
  HEARTH_CHECK(std::ssize(weights) == rows * k);
  HEARTH_CHECK(importance.empty() || std::ssize(importance) == k);
  out.check(format, rows, k);
  std::array<float, kBlockSizeMax> values;
  std::array<std::uint8_t, kBlockSizeMax> q;
  for (std::int64_t row = 0; row < rows; ++row) {
    const RowOutput row_out = out.row(format, row, k);
    for (std::int64_t block = 0; block < format.blocks(k); ++block) {
      const std::int64_t start = block * format.block_size;
      const auto count =
          static_cast<std::size_t>(std::min<std::int64_t>(format.block_size, k - start));
      const float* source = weights.data() + row * k + start;
      std::transform(source, source + count, values.begin(), [&](float value) {
        return format.scale_type == ScaleType::kFloat16 ? from_half(to_half(value)) : value;
      });
      const std::span<const float> block_values(values.data(), count);
      const auto scale = searched_scale(
          format, block_values,
          importance.empty() ? importance
                             : importance.subspan(static_cast<std::size_t>(start), count));
      if (!scale) return fail_block(row, start);
      q.fill(0);
      quantise_block(format, block_values, *scale, q.data());
      row_out.store(format, block, q.data(), *scale);
    }
  }
  return {};
}

}  // namespace hearth::onnx
