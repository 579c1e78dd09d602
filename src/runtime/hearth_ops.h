// Hearth's operators inside ONNX Runtime: they find weights and keys and values in the session's
// own object, and run on the session's own threads.
#pragma once

#include <onnxruntime_cxx_api.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>
#include <vector>

#include "kernels/attention.h"
#include "kernels/linear.h"
#include "kernels/registry.h"

namespace hearth::runtime {

/// Memory that grows and is never smaller than asked for; its content is not kept.
class Scratch {
 public:
  std::byte* at_least(std::size_t size);

 private:
  struct Free {
    void operator()(std::byte* bytes) const { std::free(bytes); }
  };
  std::unique_ptr<std::byte, Free> bytes_;
  std::size_t size_ = 0;
};

/// One attention layer as its operator needs it.
struct LayerState {
  kernels::AttentionShape shape;
  kernels::KvPoolView pool;
  const float* cos = nullptr;  ///< [positions, rotary_dim / 2]; null without rotary
  const float* sin = nullptr;
  const float* long_cos = nullptr;  ///< null without LongRoPE
  const float* long_sin = nullptr;
};

/// What the operators of one session share. Nodes must run one after the other
/// (ORT_SEQUENTIAL): the scratch memories are used by all.
struct OperatorState {
  const kernels::KernelSet* kernels = nullptr;
  kernels::AttentionFunction attention = nullptr;
  std::int32_t tasks = 1;  ///< threads of the session
  std::int64_t block_count = 0;
  std::vector<kernels::PackedLinear> linears;  ///< elements may change between steps
  std::vector<LayerState> layers;
  Scratch linear_scratch;
  Scratch attention_scratch;
  std::atomic<std::int64_t> columns_taken = 0;
  std::vector<std::uint64_t> task_bytes;  ///< [tasks], of the node that runs
  std::uint64_t weight_bytes = 0;         ///< packed weight bytes read since the session began
};

/// The domain with the operators, bound to `state`, which must outlive every session that uses it.
class HearthOps {
 public:
  explicit HearthOps(OperatorState& state);
  ~HearthOps();
  HearthOps(const HearthOps&) = delete;
  HearthOps& operator=(const HearthOps&) = delete;

  const Ort::CustomOpDomain& domain() const;

 private:
  struct Ops;
  std::unique_ptr<Ops> ops_;
};

}  // namespace hearth::runtime
