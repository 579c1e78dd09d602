#include "runtime/kv_cache.h"

#include <onnx/onnx_pb.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string>
#include <utility>

#include "base/check.h"
#include "base/file.h"
#include "runtime/kv_memory.h"

namespace hearth::runtime {
namespace {

std::uint64_t element_bytes(ONNXTensorElementDataType type) {
  return type == ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16 ? 2 : 4;
}

/// [1, kv_heads, tokens, head_dim], not initialised.
Ort::Value allocate_one(const KvShape& shape, std::int64_t tokens) {
  Ort::AllocatorWithDefaultOptions allocator;
  const std::int64_t dims[] = {1, shape.kv_heads, tokens, shape.head_dim};
  return Ort::Value::CreateTensor(allocator, dims, 4, shape.element_type);
}

std::vector<Ort::Value> allocate(const KvShape& shape, std::int64_t tokens) {
  std::vector<Ort::Value> values;
  for (std::int64_t i = 0; i < shape.layers * 2; ++i) values.push_back(allocate_one(shape, tokens));
  return values;
}

/// kResourceExhausted when `more_tokens` rows, of `tokens` in all, would not fit in memory.
Result<void> check_memory(const KvShape& shape, std::int64_t tokens, std::int64_t more_tokens) {
  const std::uint64_t needed = shape.bytes_per_token() * static_cast<std::uint64_t>(more_tokens);
  const std::uint64_t available = available_memory_bytes();
  if (needed <= available) return {};
  return fail(ErrorCode::kResourceExhausted,
              "the key-value cache of " + std::to_string(tokens) + " tokens needs " +
                  with_thousands(needed) + " bytes of memory, " + with_thousands(available) +
                  " are available: ask for fewer tokens (--max-tokens) or a shorter context");
}

}  // namespace

std::int64_t next_capacity(std::int64_t current, std::int64_t needed, std::int64_t capacity_max) {
  constexpr std::int64_t kIdleFactor = 4;
  if (needed > current) return std::max(needed, std::min(current + current / 2, capacity_max));
  return current / kIdleFactor > needed ? needed : current;
}

std::uint64_t KvShape::bytes_per_token() const {
  return static_cast<std::uint64_t>(layers * 2 * kv_heads * head_dim) * element_bytes(element_type);
}

Result<KvShape> kv_shape(const onnx::DecoderGraphInfo& graph) {
  KvShape shape{graph.layers, graph.kv_heads, graph.head_dim, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT};
  if (graph.cache_element_type == ::onnx::TensorProto::FLOAT16) {
    shape.element_type = ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16;
  } else if (graph.cache_element_type != ::onnx::TensorProto::FLOAT) {
    return fail(ErrorCode::kUnsupported, "the graph's key-value cache has element type " +
                                             std::to_string(graph.cache_element_type) +
                                             "; float32 and float16 can be run");
  }
  return shape;
}

Result<KvCache> KvCache::shared(const KvShape& shape, std::int64_t capacity_tokens) {
  HEARTH_TRY_VOID(check_memory(shape, capacity_tokens, capacity_tokens));
  KvCache cache(shape, capacity_tokens);
  cache.values_ = allocate(shape, capacity_tokens);
  return cache;
}

KvCache KvCache::growing(const KvShape& shape) {
  KvCache cache(shape, 0);
  cache.values_ = allocate(shape, 0);
  return cache;
}

const Ort::Value& KvCache::past(std::int64_t layer, int kind) const {
  return values_[static_cast<std::size_t>(layer * 2 + kind)];
}

void KvCache::replace(std::vector<Ort::Value> presents) { values_ = std::move(presents); }

Result<void> KvCache::resize(std::int64_t capacity_tokens, std::int64_t kept_tokens) {
  HEARTH_CHECK(is_shared() && capacity_tokens > 0);
  const std::int64_t more = std::max<std::int64_t>(0, capacity_tokens - capacity_tokens_);
  HEARTH_TRY_VOID(check_memory(shape_, capacity_tokens, more));
  copy_into(capacity_tokens, kept_tokens);
  capacity_tokens_ = capacity_tokens;
  return {};
}

void KvCache::truncate(std::int64_t kept_tokens) {
  if (!is_shared()) copy_into(kept_tokens, kept_tokens);
}

/// Replaces every buffer by one of `tokens` rows a head that begins with the old one's first.
void KvCache::copy_into(std::int64_t tokens, std::int64_t kept_tokens) {
  const auto row_bytes =
      static_cast<std::size_t>(shape_.head_dim) * element_bytes(shape_.element_type);
  for (Ort::Value& value : values_) {
    const std::int64_t held_tokens = value.GetTensorTypeAndShapeInfo().GetShape().at(2);
    HEARTH_CHECK(kept_tokens <= held_tokens && kept_tokens <= tokens);
    Ort::Value made = allocate_one(shape_, tokens);
    if (kept_tokens > 0) {
      const auto* from = static_cast<const std::byte*>(value.GetTensorRawData());
      auto* to = static_cast<std::byte*>(made.GetTensorMutableRawData());
      for (std::int64_t head = 0; head < shape_.kv_heads; ++head) {
        std::memcpy(to + static_cast<std::size_t>(head * tokens) * row_bytes,
                    from + static_cast<std::size_t>(head * held_tokens) * row_bytes,
                    static_cast<std::size_t>(kept_tokens) * row_bytes);
      }
    }
    value = std::move(made);
  }
}

}  // namespace hearth::runtime
