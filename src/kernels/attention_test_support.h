// A call of paged attention with its memory, for tests and measurements: sequences with random
// rows, blocks in random places of a pool that is filled with NaN.
#pragma once

#include <cstdint>
#include <functional>
#include <random>
#include <vector>

#include "kernels/attention.h"

namespace hearth::kernels::testing {

/// Memory at a multiple of 64 bytes.
class AlignedBytes {
 public:
  explicit AlignedBytes(std::int64_t size, unsigned char fill)
      : bytes_(static_cast<std::size_t>(size) + 64, fill) {}
  void* data() {
    const auto at = reinterpret_cast<std::uintptr_t>(bytes_.data());
    return bytes_.data() + (64 - at % 64) % 64;
  }

 private:
  std::vector<unsigned char> bytes_;
};

/// All rows a sequence will ever have, before rotary: what the model's projections would give.
struct SequenceRows {
  std::int64_t tokens = 0;
  bool fast = false;
  std::vector<float> q;  // [tokens, query_heads * head_dim]
  std::vector<float> k;  // [tokens, kv_heads * head_dim]
  std::vector<float> v;
  std::vector<float> cos;  // [tokens, rotary_dim / 2]
  std::vector<float> sin;
};

SequenceRows random_rows(const AttentionShape& shape, std::int64_t tokens, unsigned seed);

/// Some sequences that share a pool.
class PagedSequences {
 public:
  PagedSequences(const AttentionShape& shape, KvElement element, std::int64_t block_tokens,
                 std::int64_t tokens_total, unsigned seed);

  /// Adds a sequence; returns its index. Its blocks are drawn at random.
  std::size_t add(const SequenceRows& rows);

  /// Runs the next `counts[i]` tokens of sequence i in one call, and appends to out(i). Poisons the
  /// scratch memory first.
  void step(const std::vector<std::int64_t>& counts, AttentionFunction run, std::int64_t tasks);

  /// [tokens so far, query_heads * head_dim]
  const std::vector<float>& out(std::size_t sequence) const { return states_[sequence].out; }

  /// Forgets tokens behind the first `tokens`.
  void truncate(std::size_t sequence, std::int64_t tokens);

  /// Copies a sequence's blocks to free ones, byte by byte, and fills those it had with NaN.
  void move_blocks(std::size_t sequence);

  /// The bytes of the sequence's block of keys, or of values, that holds token `token`.
  const unsigned char* block(std::size_t sequence, std::int64_t token, bool of_keys);

  /// Other rows for what comes next.
  void replace_rows(std::size_t sequence, const SequenceRows& rows) {
    states_[sequence].rows = rows;
  }

 private:
  struct State {
    SequenceRows rows;
    std::int64_t past = 0;
    std::vector<std::int32_t> blocks;
    std::vector<float> out;
  };

  AttentionShape shape_;
  KvElement element_;
  std::int64_t block_tokens_;
  std::int64_t block_bytes_;  // of one side
  AlignedBytes keys_;
  AlignedBytes values_;
  std::vector<std::int32_t> free_;
  std::vector<State> states_;
};

/// The definition, in float64 and without a pool. Keys and values are rounded as the pool would.
/// [tokens, query_heads * head_dim]
std::vector<float> brute_force(const AttentionShape& shape, const SequenceRows& rows,
                               KvElement element);

}  // namespace hearth::kernels::testing
