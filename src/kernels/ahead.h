// Fetching weights before they are needed. Included by the kernels of several instruction sets,
// hence without the standard library and with internal linkage only.
//
// What a core has on its way from memory is its few own fetches and, for each stream of addresses
// that it sees, what the L2 fetches ahead of it. A single row computes so little that one stream
// close ahead does best; whatever computes for longer than its bytes take to come needs several
// streams, or it waits for memory after it has computed (docs/kernels.md).
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/linear_units.h"

namespace hearth::kernels {
namespace {

/// Lines to fetch into the L2 while a tile column is computed, pair of groups by pair of groups.
class Ahead {
 public:
  /// Nothing.
  Ahead() = default;

  /// The tile column after `tile`, as kStreams streams.
  static Ahead next_column(const PackedLinear& linear, const UnitShape& shape, std::int32_t tile) {
    Ahead ahead;
    ahead.data_ = linear.data + (tile + 1) * linear.tile_bytes;
    const std::int64_t pairs = (shape.groups + 1) / 2;
    const std::int64_t pair_bytes = (linear.tile_bytes + pairs - 1) / pairs;
    ahead.lines_ = static_cast<std::int32_t>((pair_bytes + 64 * kStreams - 1) / (64 * kStreams));
    ahead.step_bytes_ = ahead.lines_ * 64;
    ahead.stream_bytes_ = linear.tile_bytes / kStreams / 64 * 64;
    return ahead;
  }

  /// What lies kNearBytes further, from `tile` on: three adjacent streams are one.
  static Ahead near(const PackedLinear& linear, const UnitShape& shape, std::int32_t tile) {
    Ahead ahead = next_column(linear, shape, tile);
    ahead.data_ = linear.data + tile * linear.tile_bytes + kNearBytes;
    ahead.stream_bytes_ = ahead.lines_ * 64;
    ahead.step_bytes_ = kStreams * ahead.stream_bytes_;
    return ahead;
  }

  /// Fetches what belongs to the pair'th two groups of the column.
  [[gnu::always_inline]] void fetch(std::int32_t pair) const {
    const std::uint8_t* at = data_ + pair * step_bytes_;
    for (std::int32_t line = 0; line < lines_; ++line, at += 64) {
      for (int stream = 0; stream < kStreams; ++stream) {
        _mm_prefetch(reinterpret_cast<const char*>(at + stream * stream_bytes_), _MM_HINT_T1);
      }
    }
  }

 private:
  static constexpr int kStreams = 3;
  static constexpr int kNearBytes = 3 * 1024;

  const std::uint8_t* data_ = nullptr;
  std::int64_t step_bytes_ = 0;
  std::int64_t stream_bytes_ = 0;
  std::int32_t lines_ = 0;  ///< of each stream, for two groups
};

}  // namespace
}  // namespace hearth::kernels
