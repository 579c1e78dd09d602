// Runs the rewritten, ragged graph: the rows of all sequences of a step in one pass over packed
// weights, keys and values in a pool of blocks.
#pragma once

#include <cstdint>
#include <memory>

#include "base/result.h"
#include "engine/executor.h"
#include "onnx/passes/ragged_graph.h"
#include "runtime/model_folder.h"
#include "runtime/stock_executor.h"

namespace hearth::runtime {

/// One owner thread. With Recipe::kExact, what a sequence computes is bit for bit the same whatever
/// else is in its steps, however its prompt is cut, on every instruction set and number of threads.
///
/// LongRoPE as in the stock executor: a sequence whose prompt is longer than the threshold uses the
/// long table from its first token; one that grows beyond it is computed again, once, in chunks
/// beside the other sequences of the step.
class AcceleratedExecutor final : public engine::Executor {
 public:
  /// kUnsupported, naming the node or the reason, for models and options that the stock executor
  /// must run; other errors as of packed_weights.h.
  static Result<std::unique_ptr<AcceleratedExecutor>> load(const ModelFolder& model,
                                                           const SessionOptions& options,
                                                           const onnx::PassSwitches& switches = {});
  ~AcceleratedExecutor() override;

  /// What load() would report, or its kUnsupported, without reading a weight.
  static Result<ExecutionReport> plan(const ModelFolder& model, const SessionOptions& options);

  std::int64_t vocab_size() const override;
  Result<engine::SequenceId> open_sequence(const engine::SequenceSpec& spec) override;
  Result<std::int64_t> rewind_sequence(engine::SequenceId sequence,
                                       const engine::SequenceSpec& spec,
                                       std::int64_t keep_tokens) override;
  void close_sequence(engine::SequenceId sequence) override;
  Result<engine::StepResult> run(const engine::StepPlan& plan) override;

  const ExecutionReport& report() const;

  /// Packed weight bytes that all steps so far have read.
  std::uint64_t weight_bytes_read() const;

  /// Size of the packed weight file.
  std::uint64_t packed_bytes() const;

  /// Packed weights will stay where they are from now on (weight_mover.h).
  bool weights_settled() const;

 private:
  struct State;
  explicit AcceleratedExecutor(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

}  // namespace hearth::runtime
