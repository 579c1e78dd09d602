// The gradients of one group of heads over one sequence, from the forward pass's results.
#pragma once

#include <vector>

#include "buffer.h"
#include "sight.h"
#include "tiles.h"

namespace ember {

// What one block of keys and one of queries give: p' and ds' as left operands.
struct KeptBlock {
  alignas(64) bf16 p[kBlock * kBlock], ds[kBlock * kBlock];
};

// How it is made.
struct BlockGradient {
  alignas(64) float scores[kBlock * kBlock], grad[kBlock * kBlock];

  // Of the queries from `first` on and the keys from `key` on.
  // `ds_pairs` is ds' in pairs of keys, as right operand.
  void soften(const float* lse, const float* delta, const Sight& sight, int first, int key,
              bool part, KeptBlock& kept, std::uint32_t* ds_pairs) const {
    const __m512 scale = _mm512_set1_ps(kScale * kLog2E);
    __m512 shift[2], offset[2];
    for (int half = 0; half < 2; ++half) {
      shift[half] =
          _mm512_mul_ps(_mm512_loadu_ps(lse + first + half * kTile), _mm512_set1_ps(kLog2E));
      offset[half] = _mm512_loadu_ps(delta + first + half * kTile);
    }
    for (int row = 0; row < kBlock; row += 2) {
      __m512i ds16[2];
      for (int r = 0; r < 2; ++r) {
        __m512 value[2], slope[2];
        for (int half = 0; half < 2; ++half) {
          const int cell = (row + r) * kBlock + half * kTile;
          value[half] =
              exp2_vector(_mm512_fmsub_ps(_mm512_load_ps(scores + cell), scale, shift[half]));
          if (part) {
            value[half] = _mm512_maskz_mov_ps(sight.visible(first + half * kTile, key + row + r),
                                              value[half]);
          }
          slope[half] = _mm512_mul_ps(_mm512_mul_ps(value[half], _mm512_set1_ps(kScale)),
                                      _mm512_sub_ps(_mm512_load_ps(grad + cell), offset[half]));
        }
        ds16[r] = reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(slope[1], slope[0]));
        _mm512_store_si512(kept.p + (row + r) * kBlock,
                           reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(value[1], value[0])));
        _mm512_store_si512(kept.ds + (row + r) * kBlock, ds16[r]);
      }
      std::uint32_t* pairs = ds_pairs + row / 2 * kBlock;
      _mm512_store_si512(pairs,
                         paired(_mm512_castsi512_si256(ds16[0]), _mm512_castsi512_si256(ds16[1])));
      _mm512_store_si512(pairs + kTile, paired(_mm512_extracti64x4_epi64(ds16[0], 1),
                                               _mm512_extracti64x4_epi64(ds16[1], 1)));
    }
  }
};

// What a query head needs besides k and v, in the layouts of the products.
struct Head {
  Buffer<std::uint32_t> q_by_head, q_by_position, grad_by_head, grad_by_position;
  Buffer<float> delta;

  explicit Head(int length)
      : q_by_head(32 * length),
        q_by_position(32 * length),
        grad_by_head(32 * length),
        grad_by_position(32 * length),
        delta(length) {}

  void load(const Shape& s, const bf16* q, const bf16* out, const bf16* grad) {
    const long stride = s.out_stride();
    for (int at = 0; at < s.length; at += kBlock) {
      head_pairs(q + at * s.stride, s.stride, q_by_head.data() + at * kBlock);
      head_pairs(grad + at * stride, stride, grad_by_head.data() + at * kBlock);
    }
    position_pairs(q, s.stride, s.length, q_by_position.data());
    position_pairs(grad, stride, s.length, grad_by_position.data());
    for (int i = 0; i < s.length; ++i) {
      __m512 sum = _mm512_setzero_ps();
      for (int d = 0; d < kHead; d += kTile) {
        sum =
            _mm512_fmadd_ps(from_bf16(out + i * stride + d), from_bf16(grad + i * stride + d), sum);
      }
      delta[i] = _mm512_reduce_add_ps(sum);
    }
  }
};

inline void store_bf16(const float* in, int rows, bf16* out, long stride) {
  for (int row = 0; row < rows; ++row) {
    for (int d = 0; d < kHead; d += kTile) {
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + row * stride + d),
                          to_bf16(_mm512_loadu_ps(in + row * kHead + d)));
    }
  }
}

// A group's keys and values in the layouts of the products.
struct KeysAndValues {
  Buffer<bf16> k_rows, v_rows, k_columns;

  explicit KeysAndValues(int length)
      : k_rows(kHead * length), v_rows(kHead * length), k_columns(kHead * length) {}

  void load(const Shape& s, const bf16* k, const bf16* v) {
    pack_head(k, s.stride, s.length, k_rows.data());
    pack_head(v, s.stride, s.length, v_rows.data());
    for (int at = 0; at < s.length; at += kBlock)
      transposed(k + at * s.stride, s.stride, k_columns.data() + at * kHead);
  }
};

// The blocks of one head, kept for the gradients of keys and values: those are summed over queries,
// which come last here, so that the gradient of a query needs no sums in memory either.
struct KeptBlocks {
  struct Place {
    int first;         // of the queries
    std::size_t slot;  // in `blocks`
  };
  Buffer<KeptBlock> blocks;
  std::vector<std::vector<Place>> of_key;  // by key block

  explicit KeptBlocks(int length)
      : blocks(static_cast<std::size_t>(length / kBlock) * (length / kBlock + 1) / 2),
        of_key(length / kBlock) {}
};

// The memory that one thread needs.
struct BackwardSpace {
  KeysAndValues kv;
  Head head;
  KeptBlocks kept;
  Buffer<std::uint32_t> ds_pairs;
  Buffer<float> grad_q, grad_k, grad_v;  // of 32 queries [64][32], of all keys [length][64]

  explicit BackwardSpace(int length)
      : kv(length),
        head(length),
        kept(length),
        ds_pairs(kBlock / 2 * length),
        grad_q(kHead * kBlock),
        grad_k(kHead * length),
        grad_v(kHead * length) {}
};

// The gradient of 32 queries of one head from `first` on, into grad_q, and their blocks, from
// `slot` on, which is moved.
inline void query_backward(const Sight& sight, const SeenBlocks& seen, int first, const float* lse,
                           BackwardSpace& space, std::size_t& slot) {
  constexpr int kPairs = kBlock / 2 * kBlock;
  const Head& head = space.head;
  const KeysAndValues& kv = space.kv;
  BlockGradient block;
  std::vector<int> keys;
  for (int key = 0; key <= first; key += kBlock) {
    const Seen how = seen.of(first, key);
    if (how == Seen::kNone) continue;
    multiply(
        block.scores, kBlock, [&](int step) { return &kv.k_rows[key * kHead + step * kBlock]; },
        kHead, head.q_by_head.data() + first * kBlock, kBlock, kHead / kBlock);
    multiply(
        block.grad, kBlock, [&](int step) { return &kv.v_rows[key * kHead + step * kBlock]; },
        kHead, head.grad_by_head.data() + first * kBlock, kBlock, kHead / kBlock);
    block.soften(lse, head.delta.data(), sight, first, key, how == Seen::kPart,
                 space.kept.blocks[slot], space.ds_pairs.data() + keys.size() * kPairs);
    space.kept.of_key[key / kBlock].push_back({first, slot++});
    keys.push_back(key);
  }
  for (int d = 0; d < kHead; d += kBlock) {
    multiply(
        space.grad_q.data() + d * kBlock, kBlock,
        [&](int step) { return &kv.k_columns[keys[step] * kHead + d * kBlock]; }, kBlock,
        space.ds_pairs.data(), kBlock, static_cast<int>(keys.size()));
  }
}

// Adds to the gradients of 32 keys and values from `key` on what the head's queries give.
inline void key_backward(int key, BackwardSpace& space) {
  const Head& head = space.head;
  const auto& places = space.kept.of_key[key / kBlock];
  const int steps = static_cast<int>(places.size());
  for (int d = 0; d < kHead; d += kBlock) {
    multiply_places(
        &space.grad_v[key * kHead + d],
        [&](int step) { return space.kept.blocks[places[step].slot].p; },
        [&](int step) { return &head.grad_by_position[places[step].first / 2 * kHead + d]; },
        steps);
    multiply_places(
        &space.grad_k[key * kHead + d],
        [&](int step) { return space.kept.blocks[places[step].slot].ds; },
        [&](int step) { return &head.q_by_position[places[step].first / 2 * kHead + d]; }, steps);
  }
}

struct AttentionGradients {
  bf16 *q, *k, *v;
};

// The gradients of one group of heads; q, k, v and their gradients are those of the group's first
// head, in rows of s.stride elements, `out` and `grad` in rows of heads * 64.
inline void attend_backward(const Shape& s, const Sight& sight, const SeenBlocks& seen,
                            const bf16* q, const bf16* k, const bf16* v, const bf16* out,
                            const bf16* grad, const float* lse, BackwardSpace& space,
                            AttentionGradients to) {
  space.kv.load(s, k, v);
  space.grad_k.zero();
  space.grad_v.zero();
  const __m512 ones[2] = {_mm512_set1_ps(1.f), _mm512_set1_ps(1.f)};
  for (int h = 0; h < s.group_heads(); ++h) {
    space.head.load(s, q + h * kHead, out + h * kHead, grad + h * kHead);
    for (auto& places : space.kept.of_key) places.clear();
    std::size_t slot = 0;
    for (int first = 0; first < s.length; first += kBlock) {
      query_backward(sight, seen, first, lse + static_cast<long>(h) * s.length, space, slot);
      store_rows(space.grad_q.data(), ones, to.q + h * kHead + first * s.stride, s.stride);
    }
    for (int key = 0; key < s.length; key += kBlock) key_backward(key, space);
  }
  store_bf16(space.grad_k.data(), s.length, to.k, s.stride);
  store_bf16(space.grad_v.data(), s.length, to.v, s.stride);
}

}  // namespace ember
