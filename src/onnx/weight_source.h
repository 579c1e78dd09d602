// Where the decoder builder takes its weights from.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "base/result.h"

namespace hearth::onnx {

/// The weights of a decoder, in the terms of its architecture rather than of any file's names.
enum class WeightRole {
  kEmbedding,          ///< [vocab, hidden]
  kLmHead,             ///< [vocab, hidden]; asked for only when embeddings are not tied
  kFinalNorm,          ///< [hidden]
  kInputNorm,          ///< [hidden]
  kPostAttentionNorm,  ///< [hidden]
  kQuery,              ///< [heads * head_dim, hidden]
  kKey,                ///< [kv_heads * head_dim, hidden]
  kValue,              ///< [kv_heads * head_dim, hidden]
  kQueryBias,          ///< [heads * head_dim]
  kKeyBias,            ///< [kv_heads * head_dim]
  kValueBias,          ///< [kv_heads * head_dim]
  kQueryNorm,          ///< [head_dim]
  kKeyNorm,            ///< [head_dim]
  kAttentionOutput,    ///< [hidden, heads * head_dim]
  kGate,               ///< [intermediate, hidden]
  kUp,                 ///< [intermediate, hidden]
  kDown,               ///< [hidden, intermediate]
};

/// One tensor of a model. Vectors have one row.
struct WeightId {
  WeightRole role = WeightRole::kEmbedding;
  std::int64_t layer = -1;  ///< -1 for the three that belong to no layer
  std::int64_t rows = 0;
  std::int64_t columns = 0;
};

/// "layer 3 gate", for errors and for seeding.
std::string weight_name(const WeightId& id);

/// Gives weights row by row, so that no tensor need be in memory whole.
class WeightSource {
 public:
  virtual ~WeightSource() = default;

  /// Writes rows [first_row, first_row + count) of `id` to `out`, row-major [count, columns].
  /// Called from several threads at once, in no particular order. The source checks that it has the
  /// tensor in the shape `id` states.
  virtual Result<void> read_rows(const WeightId& id, std::int64_t first_row, std::int64_t count,
                                 std::span<float> out) = 0;
};

}  // namespace hearth::onnx
