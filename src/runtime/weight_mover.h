// Moves packed matrices, a little after each generated token, from the mapped file into memory of
// this process in large pages.
//
// Why: a token reads every weight once, so where they lie decides how fast it comes, and the pages
// of a file lie where the page cache put them: on most file systems in pages of 4 KB, on a virtual
// machine perhaps where the host has no large pages either (docs/kernels.md has figures). Copying
// all at the start would double what a short answer waits for; so the copy is made while a long one
// is written, for a share of each step that nobody notices. Until a matrix has arrived it is read
// from the file.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/abi.h"
#include "runtime/packed_weights.h"

namespace hearth::runtime {

/// When to move, and for how long. Pure.
class MovePace {
 public:
  using Duration = std::chrono::nanoseconds;

  /// Told of a step that took `step`; `generating` when each of its sequences got one token. How
  /// long to move now, zero for not at all: a short answer moves nothing, and a long one's steps
  /// take an eighth longer at most.
  Duration after_step(bool generating, Duration step);

 private:
  static constexpr int kStepsBefore = 32;
  static constexpr int kShareOfStep = 8;
  int generating_steps_ = 0;
};

/// Owns the memory that the matrices move to. One owner thread, which calls it while no operator
/// runs.
class WeightMover {
 public:
  /// `linears` are those of `weights`, in order; both must outlive the mover.
  WeightMover(const PackedWeights& weights, std::vector<kernels::PackedLinear>& linears,
              int threads);
  ~WeightMover();
  WeightMover(const WeightMover&) = delete;
  WeightMover& operator=(const WeightMover&) = delete;

  /// Copies chunks until `budget` is spent, one at least for each thread, and lets the elements of
  /// `linears` that have arrived point to their new place. The first call decides whether there is
  /// memory for it: the packed file may take half of what is free, or nothing is ever moved.
  void move_for(std::chrono::nanoseconds budget);

  /// Nothing is left to do: all was moved, or there is no memory for it.
  bool finished() const { return refused_ || moved_bytes_ == total_bytes_; }

  std::uint64_t moved_bytes() const { return moved_bytes_; }

 private:
  void reserve();
  void copy_chunks(std::chrono::steady_clock::time_point deadline);
  void point_to_arrived();

  const PackedWeights& weights_;
  std::vector<kernels::PackedLinear>& linears_;
  int threads_;
  std::uint64_t total_bytes_;
  std::uint64_t moved_bytes_ = 0;  ///< all of the file before it is copied
  std::size_t arrived_ = 0;        ///< linears that point to their new place
  bool refused_ = false;
  void* mapping_ = nullptr;
  std::size_t mapping_bytes_ = 0;
  std::byte* memory_ = nullptr;  ///< in the mapping, at a multiple of kLargePageBytes
};

}  // namespace hearth::runtime
