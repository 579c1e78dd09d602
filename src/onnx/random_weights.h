// Reproducible random weights of realistic statistics.
#pragma once

#include <cstdint>
#include <vector>

#include "onnx/weight_source.h"

namespace hearth::onnx {

/// Each value depends on the seed, the tensor's name and its place in the tensor alone, so the
/// bytes are the same whoever asks, in whatever order. Matrices are Gaussian with variance
/// 1 / columns, so that activations keep their size from layer to layer; one input channel in 128
/// is four times as large, as trained models have them. Norm weights are 1 give or take a tenth,
/// biases a tenth. Safe from any thread.
class RandomWeights : public WeightSource {
 public:
  explicit RandomWeights(std::uint64_t seed);

  Result<void> read_rows(const WeightId& id, std::int64_t first_row, std::int64_t count,
                         std::span<float> out) override;

 private:
  std::uint64_t seed_;
  std::vector<float> normal_;  ///< quantiles of the normal distribution, [65536]
};

}  // namespace hearth::onnx
