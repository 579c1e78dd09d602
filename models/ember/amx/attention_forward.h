// Attention of one group of heads over one sequence.
#pragma once

#include <vector>

#include "buffer.h"
#include "sight.h"
#include "tiles.h"

namespace ember {

// Hides what the queries of a block do not see of the keys of another.
inline void hide(const Sight& sight, int first, int key, float* scores) {
  for (int row = 0; row < kBlock; ++row) {
    for (int at = 0; at < kBlock; at += kTile) {
      float* cell = scores + row * kBlock + at;
      _mm512_storeu_ps(
          cell, _mm512_mask_mov_ps(_mm512_set1_ps(-1e30f), sight.visible(first + at, key + row),
                                   _mm512_loadu_ps(cell)));
    }
  }
}

// One block of queries: probabilities of its keys, not normalised, in pairs of keys; the
// log-sum-exp.
inline void soften(float* scores, int keys, std::uint32_t* pairs, __m512* inverse, float* lse) {
  const __m512 scale = _mm512_set1_ps(kScale * kLog2E);
  for (int at = 0; at < kBlock; at += kTile) {
    __m512 most = _mm512_set1_ps(-1e30f), sum = _mm512_setzero_ps();
    for (int key = 0; key < keys; ++key)
      most = _mm512_max_ps(most, _mm512_loadu_ps(scores + key * kBlock + at));
    const __m512 shift = _mm512_mul_ps(most, scale);
    for (int key = 0; key < keys; key += 2) {
      const __m512 p0 =
          exp2_vector(_mm512_fmsub_ps(_mm512_loadu_ps(scores + key * kBlock + at), scale, shift));
      const __m512 p1 = exp2_vector(
          _mm512_fmsub_ps(_mm512_loadu_ps(scores + (key + 1) * kBlock + at), scale, shift));
      sum = _mm512_add_ps(sum, _mm512_add_ps(p0, p1));
      _mm512_storeu_si512(pairs + key / 2 * kBlock + at, paired(to_bf16(p0), to_bf16(p1)));
    }
    inverse[at / kTile] = _mm512_div_ps(_mm512_set1_ps(1.f), sum);
    alignas(64) float sums[kTile], shifts[kTile];
    _mm512_store_ps(sums, sum);
    _mm512_store_ps(shifts, shift);
    for (int i = 0; i < kTile; ++i) lse[at + i] = shifts[i] * kLn2 + __builtin_logf(sums[i]);
  }
}

// The memory that one thread needs.
struct ForwardSpace {
  Buffer<bf16> keys, values;
  Buffer<float> scores, mixed;
  Buffer<std::uint32_t> queries, pairs;

  explicit ForwardSpace(int length)
      : keys(kHead * length),
        values(kHead * length),
        scores(kBlock * length),
        mixed(kHead * kBlock),
        queries(kHead / 2 * kBlock),
        pairs(kBlock / 2 * length) {}
};

// q, k and v are those of the group's first head. out [length][heads * 64], lse [heads of the
// group] [length].
inline void attend(const Shape& s, const Sight& sight, const SeenBlocks& blocks_seen, const bf16* q,
                   const bf16* k, const bf16* v, ForwardSpace& space, bf16* out, float* lse) {
  auto& [keys, values, scores, mixed, queries, pairs] = space;
  std::vector<int> seen;  // first keys of the blocks that matter
  pack_head(k, s.stride, s.length, keys.data());
  for (int at = 0; at < s.length; at += kBlock)
    transposed(v + at * s.stride, s.stride, values.data() + at * kHead);
  for (int head = 0; head < s.group_heads(); ++head) {
    for (int first = 0; first < s.length; first += kBlock) {
      head_pairs(q + head * kHead + first * s.stride, s.stride, queries.data());
      seen.clear();
      for (int key = 0; key <= first; key += kBlock) {
        const Seen how = blocks_seen.of(first, key);
        if (how == Seen::kNone) continue;
        float* block = scores.data() + static_cast<long>(seen.size()) * kBlock * kBlock;
        multiply(
            block, kBlock,
            [&, &keys = keys](int step) { return &keys[key * kHead + step * kBlock]; }, kHead,
            queries.data(), kBlock, kHead / kBlock);
        if (how == Seen::kPart) hide(sight, first, key, block);
        seen.push_back(key);
      }
      const int blocks = static_cast<int>(seen.size());
      __m512 inverse[2];
      soften(scores.data(), blocks * kBlock, pairs.data(), inverse,
             lse + static_cast<long>(head) * s.length + first);
      for (int d = 0; d < kHead; d += kBlock) {
        multiply(
            mixed.data() + d * kBlock, kBlock,
            [&, &values = values](int step) { return &values[seen[step] * kHead + d * kBlock]; },
            kBlock, pairs.data(), kBlock, blocks);
      }
      store_rows(mixed.data(), inverse, out + head * kHead + first * s.out_stride(),
                 s.out_stride());
    }
  }
}

}  // namespace ember
