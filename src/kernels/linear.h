// Quantised linears: y = x W^T + bias with W in 4 or 8 bits, driven from the caller's own threads.
//
// Two recipes:
//   exact  x is quantised to int8 in blocks of 32; products are exact integers, scaled and added in
//          one fixed order of float32 operations. The same bits on every instruction set, for every
//          number of rows, tasks and threads. src/kernels/portable/linear.cc is the specification.
//   fast   x and W are rounded to bf16 and multiplied by AMX tiles; where the CPU has none, or the
//          linear has wide scales, the exact recipe is used instead. A row's value depends on that
//          row alone.
// Which recipe a row takes is the caller's word (prompt rows fast, generated rows exact), never a
// matter of how many rows there are.
//
// A step is:  for all tasks prepare_rows(batch, task, tasks); barrier;
//             for all tasks run_linears(batch, task, tasks).
// Calls of different tasks may run on any threads at once. Nothing here allocates, blocks or
// throws.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "kernels/abi.h"

namespace hearth::kernels {

struct KernelSet;  // kernels/registry.h

/// One linear over the rows of a batch.
struct LinearCall {
  PackedLinear linear;
  float* y = nullptr;         ///< [rows, n]; must not overlap x
  std::int64_t y_stride = 0;  ///< floats from row to row
};

/// RMSNorm of the rows before they are prepared (NormRow in abi.h).
struct RowNorm {
  const float* skip = nullptr;    ///< null, or [rows, k] like x, which is added first
  const float* weight = nullptr;  ///< [k]
  float epsilon = 0;
  float* sum = nullptr;  ///< null, or [rows, k], becomes x + skip; rows k floats apart
};

/// Some linears over the same rows: one alone, gate and up, or queries, keys and values.
/// Rows [0, exact_rows) take the exact recipe, the fast_rows after them the fast one.
struct LinearBatch {
  const KernelSet* kernels = nullptr;
  const float* x = nullptr;  ///< [exact_rows + fast_rows, k]
  std::int64_t x_stride = 0;
  std::int32_t k = 0;
  std::int32_t exact_rows = 0;
  std::int32_t fast_rows = 0;
  std::span<const LinearCall> calls;  ///< all with this k
  /// linear_workspace_bytes(...) bytes, 64-byte aligned; the same for both phases.
  std::byte* workspace = nullptr;
  /// Null: each task has an equal share. Otherwise 0 before phase 2: the tile columns that are
  /// taken. Tasks take more while there are any, ever fewer at a time, so that a thread that is
  /// held up does not hold up the others; fast rows, which want long shares, whole blocks.
  std::atomic<std::int64_t>* taken = nullptr;
  /// Null, or [tasks] counters to which each task adds the packed weight bytes it loads.
  std::uint64_t* weight_bytes = nullptr;
  /// Without it the rows are x as it is.
  std::optional<RowNorm> norm = {};
};

/// Bytes of workspace for a batch of this size run as at most `tasks` tasks.
std::size_t linear_workspace_bytes(const KernelSet& kernels, std::int32_t k,
                                   std::int32_t exact_rows, std::int32_t fast_rows,
                                   std::int32_t tasks);

/// Phase 1: task `task` of `tasks` prepares its share of the rows.
void prepare_rows(const LinearBatch& batch, std::int32_t task, std::int32_t tasks) noexcept;

/// Phase 2, after phase 1 is complete: task `task` of `tasks` computes its share of the outputs of
/// all calls. Shares are contiguous ranges of tile columns, so each weight is read once a step.
/// Which task computes an output changes nothing about it.
void run_linears(const LinearBatch& batch, std::int32_t task, std::int32_t tasks) noexcept;

}  // namespace hearth::kernels
