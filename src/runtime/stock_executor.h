// Runs the released graph as it is through ONNX Runtime: one sequence at a time, cache buffers
// bound as past and present at once. The reference for every faster way, and the way for graphs and
// devices without one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/executor.h"
#include "kernels/attention_abi.h"
#include "kernels/registry.h"
#include "runtime/execution_providers.h"
#include "runtime/model_folder.h"

namespace hearth::runtime {

enum class GraphOptimization { kDisabled, kBasic, kExtended, kAll };

enum class ExecutorChoice {
  kAuto,         ///< accelerated where the graph and the devices allow it, else stock
  kStock,        ///< the released graph as it is
  kAccelerated,  ///< an error where that is not possible
};

/// How the accelerated executor computes products; kernels/linear.h says what each is.
enum class Recipe {
  kExact,  ///< the same bits on every instruction set and however rows are put together
  kFast,   ///< prompt rows in bf16, generated rows exact
};

/// Options of the accelerated executor; the stock one has no use for them.
struct AcceleratedOptions {
  std::optional<kernels::Isa> isa;  ///< the best this CPU has, if none is given
  Recipe recipe = Recipe::kExact;
  bool move_weights = true;  ///< into memory of the process, see weight_mover.h
  kernels::KvElement kv_element = kernels::KvElement::kBf16;  ///< how keys and values are kept
  std::filesystem::path cache_folder;   ///< for packed weights; empty: beside the model
  std::uint64_t kv_pool_bytes_max = 0;  ///< 0: half of the memory that is free
  /// Told how far the weights of a model that is used for the first time are packed.
  std::function<void(std::uint64_t done_bytes, std::uint64_t total_bytes)> on_packing;
};

/// Options of the ONNX Runtime session, by the names users know from its bindings.
struct SessionOptions {
  /// Off: ONNX Runtime keeps one plan for every set of input shapes it has seen, and in a growing
  /// sequence every step has its own.
  bool enable_mem_pattern = false;
  bool enable_cpu_mem_arena = true;
  GraphOptimization graph_optimization_level = GraphOptimization::kAll;
  std::int64_t intra_op_num_threads = 0;  ///< 0: ONNX Runtime decides
  std::int64_t inter_op_num_threads = 0;  ///< 0: ONNX Runtime decides
  ExecutionProviderChoice execution_providers;
  bool enable_kv_cache = true;  ///< false recomputes the whole sequence in every step
  ExecutorChoice executor = ExecutorChoice::kAuto;
  AcceleratedOptions accelerated;
};

/// What a loaded model runs on.
struct ExecutionReport {
  std::vector<std::string> providers;  ///< in use, in order of preference
  std::vector<std::string> messages;   ///< why others are not
  std::string executor = "stock";      ///< or "accelerated"
  std::string isa;        ///< of the accelerated executor's kernels: "portable" to "amx"
  std::string recipe;     ///< of the accelerated executor: "exact" or "fast"
  std::string kv_cache;   ///< how the accelerated executor keeps keys and values: "bf16", ...
  std::string why_stock;  ///< with ExecutorChoice::kAuto: what keeps the model off the fast path
};

/// One owner thread. Several sequences may be open; a step runs them one after the other.
///
/// A graph that switches its rotary table with the length of the sequence (LongRoPE) gets the long
/// table for the whole sequence as soon as the prompt or the answer crosses the threshold; what was
/// cached with the short one is computed again, because keys and values of all layers but the first
/// depend on it. A sequence that is rewound to a prompt on the other side of the threshold keeps
/// nothing for the same reason, and rewind_sequence() says so.
class StockExecutor final : public engine::Executor {
 public:
  static Result<std::unique_ptr<StockExecutor>> load(const ModelFolder& model,
                                                     const SessionOptions& options);
  ~StockExecutor() override;

  std::int64_t vocab_size() const override;
  Result<engine::SequenceId> open_sequence(const engine::SequenceSpec& spec) override;
  Result<std::int64_t> rewind_sequence(engine::SequenceId sequence,
                                       const engine::SequenceSpec& spec,
                                       std::int64_t keep_tokens) override;
  void close_sequence(engine::SequenceId sequence) override;
  Result<engine::StepResult> run(const engine::StepPlan& plan) override;

  const ExecutionReport& report() const;

 private:
  struct State;
  explicit StockExecutor(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

}  // namespace hearth::runtime
