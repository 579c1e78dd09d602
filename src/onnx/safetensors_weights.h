// The weights of a published model as the decoder builder asks for them.
#pragma once

#include <map>
#include <utility>

#include "base/result.h"
#include "onnx/decoder_builder.h"
#include "onnx/safetensors_folder.h"
#include "onnx/weight_source.h"

namespace hearth::onnx {

/// Finds each weight under Hugging Face's names, in matrices of their own (q_proj, k_proj, v_proj,
/// gate_proj, up_proj) or in fused ones (qkv_proj: query rows, then key, then value; gate_up_proj:
/// gate, then up). Reads what is asked for and keeps nothing. `folder` must outlive it.
class SafetensorsWeights : public WeightSource {
 public:
  /// Finds everything that `plan` will ask for, before any of it is read. kCorrupt, naming file and
  /// tensor, when a tensor is missing or has another shape than the plan's configuration says;
  /// kUnsupported when one has a type that cannot be read, or when the folder holds a tensor that
  /// the plan does not use: the model would not be the one that was published. Tables of rotary
  /// frequencies and a head beside tied embeddings are such, and harmless.
  static Result<SafetensorsWeights> find(const SafetensorsFolder& folder, const DecoderPlan& plan);

  Result<void> read_rows(const WeightId& id, std::int64_t first_row, std::int64_t count,
                         std::span<float> out) override;

 private:
  /// A weight is `rows` rows of `columns` of a tensor, from `first_row` on.
  struct Slice {
    SafetensorsFolder::Place place;
    std::int64_t first_row;
    std::int64_t rows;
    std::int64_t columns;
  };

  explicit SafetensorsWeights(std::map<std::pair<WeightRole, std::int64_t>, Slice> slices)
      : slices_(std::move(slices)) {}

  std::map<std::pair<WeightRole, std::int64_t>, Slice> slices_;
};

}  // namespace hearth::onnx
