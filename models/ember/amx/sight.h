// What a position sees, and where the heads of a row lie.
//
// Sight [3][length] is begin, end and start: a position sees [begin, end), and from start to
// itself. With start 0 that is plain causal attention; otherwise turns in one row can share a
// prefix and not see each other. end <= start <= position.
#pragma once

#include <immintrin.h>

#include <algorithm>
#include <vector>

#include "tiles.h"

namespace ember {

enum class Seen { kNone, kPart, kAll };

// What the positions of one row see.
struct Sight {
  const int *begin, *end, *start;

  // Whether the queries of a block see the keys of another.
  Seen of(int first, int key) const {
    int seen = 0;
    for (int i = first; i < first + kBlock; ++i) {
      seen += std::max(0, std::min(end[i], key + kBlock) - std::max(begin[i], key)) +
              std::max(0, std::min(i + 1, key + kBlock) - std::max(start[i], key));
    }
    return seen == 0 ? Seen::kNone : seen == kBlock * kBlock ? Seen::kAll : Seen::kPart;
  }

  // Which of the queries first .. first + 15 see `key`.
  __mmask16 visible(int first, int key) const {
    const __m512i j = _mm512_set1_epi32(key);
    const __m512i i =
        _mm512_add_epi32(_mm512_set1_epi32(first),
                         _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
    const __mmask16 prefix = _mm512_cmple_epi32_mask(_mm512_loadu_si512(begin + first), j) &
                             _mm512_cmplt_epi32_mask(j, _mm512_loadu_si512(end + first));
    return prefix | (_mm512_cmple_epi32_mask(_mm512_loadu_si512(start + first), j) &
                     _mm512_cmple_epi32_mask(j, i));
  }
};

constexpr float kLog2E = 1.44269504f, kLn2 = .69314718f, kScale = .125f;  // 1 / sqrt(64)

// Which blocks of keys the blocks of queries of one row see: the same for every head and layer.
class SeenBlocks {
 public:
  SeenBlocks(const Sight& sight, int length) : blocks_(length / kBlock), seen_(blocks_ * blocks_) {
    for (int query = 0; query < blocks_; ++query) {
      for (int key = 0; key <= query; ++key) {
        seen_[query * blocks_ + key] = sight.of(query * kBlock, key * kBlock);
      }
    }
  }

  // Of the queries from `first` and the keys from `key` on, both multiples of 32.
  Seen of(int first, int key) const { return seen_[first / kBlock * blocks_ + key / kBlock]; }

 private:
  int blocks_;
  std::vector<Seen> seen_;
};

// One row's attention. Queries, keys and values lie side by side in rows of `stride` elements, the
// result in rows of heads * 64.
struct Shape {
  int length, heads, kv_heads;
  long stride;

  long out_stride() const { return static_cast<long>(heads) * kHead; }
  int group_heads() const { return heads / kv_heads; }
};

// Rows of one head, closely packed: tiles of rows 1 KiB apart would share few sets of the L1.
inline void pack_head(const bf16* in, long stride, int length, bf16* out) {
  for (int i = 0; i < length; ++i) {
    _mm512_storeu_si512(out + i * kHead, _mm512_loadu_si512(in + i * stride));
    _mm512_storeu_si512(out + i * kHead + kBlock, _mm512_loadu_si512(in + i * stride + kBlock));
  }
}

}  // namespace ember
