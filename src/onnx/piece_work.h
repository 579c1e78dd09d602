// Threads that take pieces of work as they come, with progress, cancelling and the first error.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "base/result.h"
#include "onnx/decoder_builder.h"

namespace hearth::onnx {

/// Does one piece; returns the bytes it wrote, if any. Called by one thread.
using PieceFn = std::function<Result<std::uint64_t>(std::size_t piece)>;

/// How many of `total_bytes` are written; goes on over several calls of run_pieces().
struct WrittenBytes {
  std::uint64_t done = 0;
  std::uint64_t total = 0;
};

/// Does pieces 0 to count - 1 on `threads` threads, each with what `make_worker` gives it. The
/// first error ends all; kCancelled when `progress` returns false.
Result<void> run_pieces(std::size_t count, int threads, WrittenBytes& written,
                        const ProgressFn& progress, const std::function<PieceFn()>& make_worker);

}  // namespace hearth::onnx
