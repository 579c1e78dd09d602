// Keys and values of one sequence for the stock graph, in buffers that ONNX Runtime reads as past
// and writes as present.
#pragma once

#include <onnxruntime_cxx_api.h>

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "onnx/decoder_graph.h"

namespace hearth::runtime {

/// Sizes of the cache that a graph asks for.
struct KvShape {
  std::int64_t layers = 0;
  std::int64_t kv_heads = 0;
  std::int64_t head_dim = 0;
  ONNXTensorElementDataType element_type = ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT;

  std::uint64_t bytes_per_token() const;
};

/// kUnsupported for cache elements other than float32 and float16.
Result<KvShape> kv_shape(const onnx::DecoderGraphInfo& graph);

/// How many tokens a shared cache of `current` should have room for when `needed` are. Growing,
/// half as much again, so that a conversation is not copied in every turn, but not beyond
/// `capacity_max`; smaller, when most of it would lie idle.
std::int64_t next_capacity(std::int64_t current, std::int64_t needed, std::int64_t capacity_max);

/// The keys and values of all layers of one sequence.
///
/// Shared: one buffer [1, kv_heads, capacity, head_dim] per layer and kind, bound as past and as
/// present, so a step writes only its own rows. Needs an attention operator that takes its length
/// from elsewhere (GroupQueryAttention). Growing: present comes out one step longer than past went
/// in, and becomes the next past; for graphs that concatenate.
class KvCache {
 public:
  static Result<KvCache> shared(const KvShape& shape, std::int64_t capacity_tokens);
  static KvCache growing(const KvShape& shape);

  bool is_shared() const { return capacity_tokens_ > 0; }
  std::int64_t capacity_tokens() const { return capacity_tokens_; }

  /// Past of layer and kind (0 key, 1 value); for a shared cache also the present.
  const Ort::Value& past(std::int64_t layer, int kind) const;

  /// Takes the presents of a finished step, [layers * 2] in order key, value of each layer.
  void replace(std::vector<Ort::Value> presents);

  /// Gives a shared cache another size; the first `kept_tokens` rows stay. One buffer after the
  /// other is replaced, so that memory for one of them is needed beside the new size.
  /// kResourceExhausted when memory is short, before anything was touched.
  Result<void> resize(std::int64_t capacity_tokens, std::int64_t kept_tokens);

  /// Forgets a growing cache's rows behind the first `kept_tokens`; a shared one needs no
  /// forgetting, its length comes with each step.
  void truncate(std::int64_t kept_tokens);

 private:
  KvCache(const KvShape& shape, std::int64_t capacity)
      : shape_(shape), capacity_tokens_(capacity) {}

  void copy_into(std::int64_t tokens, std::int64_t kept_tokens);

  KvShape shape_;
  std::int64_t capacity_tokens_ = 0;
  std::vector<Ort::Value> values_;  // [layers * 2]
};

}  // namespace hearth::runtime
