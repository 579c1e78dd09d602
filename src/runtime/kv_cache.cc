#include "runtime/kv_cache.h"

#include <onnx/onnx_pb.h>

#include <fstream>
#include <string>
#include <utility>

#include "base/file.h"

namespace hearth::runtime {
namespace {

std::uint64_t element_bytes(ONNXTensorElementDataType type) {
  return type == ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16 ? 2 : 4;
}

/// MemAvailable of /proc/meminfo: what can be had without swapping. 0 when it is not told.
std::uint64_t available_memory_bytes() {
  std::ifstream meminfo("/proc/meminfo");
  std::string key;
  std::uint64_t kibibytes = 0;
  std::string unit;
  while (meminfo >> key >> kibibytes) {
    std::getline(meminfo, unit);
    if (key == "MemAvailable:") return kibibytes * 1024;
  }
  return 0;
}

std::vector<Ort::Value> allocate(const KvShape& shape, std::int64_t tokens) {
  Ort::AllocatorWithDefaultOptions allocator;
  const std::int64_t dims[] = {1, shape.kv_heads, tokens, shape.head_dim};
  std::vector<Ort::Value> values;
  for (std::int64_t i = 0; i < shape.layers * 2; ++i) {
    values.push_back(Ort::Value::CreateTensor(allocator, dims, 4, shape.element_type));
  }
  return values;
}

}  // namespace

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
  const std::uint64_t needed =
      shape.bytes_per_token() * static_cast<std::uint64_t>(capacity_tokens);
  const std::uint64_t available = available_memory_bytes();
  if (available != 0 && needed > available) {
    return fail(ErrorCode::kResourceExhausted,
                "the key-value cache of " + std::to_string(capacity_tokens) + " tokens needs " +
                    with_thousands(needed) + " bytes of memory, " + with_thousands(available) +
                    " are available: ask for fewer tokens (--max-tokens) or a shorter context");
  }
  KvCache cache(shape, capacity_tokens);
  cache.values_ = allocate(shape, capacity_tokens);
  return cache;
}

KvCache KvCache::growing(const KvShape& shape) {
  KvCache cache(shape, 0);
  cache.clear();
  return cache;
}

const Ort::Value& KvCache::past(std::int64_t layer, int kind) const {
  return values_[static_cast<std::size_t>(layer * 2 + kind)];
}

void KvCache::replace(std::vector<Ort::Value> presents) { values_ = std::move(presents); }

void KvCache::clear() {
  if (!is_shared()) values_ = allocate(shape_, 0);
}

}  // namespace hearth::runtime
