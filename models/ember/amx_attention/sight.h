// What a position sees, and where the heads of a sequence lie.
#pragma once

#include <immintrin.h>

#include <algorithm>

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

struct Shape {
  int batch, length, heads, kv_heads;

  Sight sight(const int* all, int b) const {
    const int* row = all + 3L * b * length;
    return {row, row + length, row + 2L * length};
  }
  long q_stride() const { return static_cast<long>(heads) * kHead; }
  long kv_stride() const { return static_cast<long>(kv_heads) * kHead; }
  long q_at(int b, int head) const { return b * length * q_stride() + head * kHead; }
  long kv_at(int b, int group) const { return b * length * kv_stride() + group * kHead; }
};

}  // namespace ember
