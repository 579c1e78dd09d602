// Runs the released graph as it is through ONNX Runtime: one sequence at a time, cache buffers
// bound as past and present at once. The reference for every faster way, and the way for graphs and
// devices without one.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/executor.h"
#include "runtime/execution_providers.h"
#include "runtime/model_folder.h"

namespace hearth::runtime {

enum class GraphOptimization { kDisabled, kBasic, kExtended, kAll };

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
};

/// What a loaded model runs on.
struct ExecutionReport {
  std::vector<std::string> providers;  ///< in use, in order of preference
  std::vector<std::string> messages;   ///< why others are not
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
