// The gradients of one group of heads over one sequence, from the forward pass's results.
#pragma once

#include <vector>

#include "sight.h"
#include "tiles.h"

namespace ember {

// What one block of keys and one of queries give: p' and ds' as left operands, ds' in pairs of keys
// as right operand.
struct BlockGradient {
  alignas(64) float scores[kBlock * kBlock], grad[kBlock * kBlock];
  alignas(64) bf16 p[kBlock * kBlock], ds[kBlock * kBlock];
  alignas(64) std::uint32_t ds_pairs[kBlock / 2 * kBlock];

  // Of the queries from `first` on and the keys from `key` on.
  void soften(const float* lse, const float* delta, const Sight& sight, int first, int key,
              bool part) {
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
        _mm512_store_si512(p + (row + r) * kBlock,
                           reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(value[1], value[0])));
        _mm512_store_si512(ds + (row + r) * kBlock, ds16[r]);
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
  std::vector<std::uint32_t> q_by_head, q_by_position, grad_by_head, grad_by_position;
  std::vector<float> delta, grad_q;  // grad_q': for each block of positions [64][32]

  explicit Head(int length)
      : q_by_head(32 * length),
        q_by_position(32 * length),
        grad_by_head(32 * length),
        grad_by_position(32 * length),
        delta(length),
        grad_q(static_cast<std::size_t>(kHead) * length) {}

  void load(const Shape& s, const bf16* q, const bf16* out, const bf16* grad) {
    const long stride = s.q_stride();
    for (int at = 0; at < s.length; at += kBlock) {
      head_pairs(q + at * stride, stride, q_by_head.data() + at * kBlock);
      head_pairs(grad + at * stride, stride, grad_by_head.data() + at * kBlock);
    }
    position_pairs(q, stride, s.length, q_by_position.data());
    position_pairs(grad, stride, s.length, grad_by_position.data());
    for (int i = 0; i < s.length; ++i) {
      __m512 sum = _mm512_setzero_ps();
      for (int d = 0; d < kHead; d += kTile) {
        sum =
            _mm512_fmadd_ps(from_bf16(out + i * stride + d), from_bf16(grad + i * stride + d), sum);
      }
      delta[i] = _mm512_reduce_add_ps(sum);
    }
    grad_q.assign(grad_q.size(), 0.f);
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

struct Gradients {
  bf16 *q, *k, *v;
};

inline void backward_group(const Shape& s, const Sight& sight, const bf16* k, const bf16* v,
                           const bf16* q, const bf16* out, const bf16* grad, const float* lse,
                           Gradients to) {
  const int heads = s.heads / s.kv_heads, length = s.length;
  const long stride = s.kv_stride();
  const int kv_stride = static_cast<int>(stride);
  std::vector<bf16> keys(static_cast<std::size_t>(kHead) * length);
  std::vector<float> grad_k(static_cast<std::size_t>(kHead) * length), grad_v(grad_k.size());
  for (int at = 0; at < length; at += kBlock)
    transposed(k + at * s.kv_stride(), kv_stride, keys.data() + at * kHead);
  Head head(length);
  BlockGradient block;
  for (int h = 0; h < heads; ++h) {
    head.load(s, q + h * kHead, out + h * kHead, grad + h * kHead);
    const float* head_lse = lse + static_cast<long>(h) * length;
    for (int key = 0; key < length; key += kBlock) {
      for (int first = key; first < length; first += kBlock) {
        const Seen how = sight.of(first, key);
        if (how == Seen::kNone) continue;
        multiply<false>(
            block.scores, kBlock, [&](int step) { return k + key * stride + step * kBlock; },
            kv_stride, head.q_by_head.data() + first * kBlock, kBlock, kHead / kBlock);
        multiply<false>(
            block.grad, kBlock, [&](int step) { return v + key * stride + step * kBlock; },
            kv_stride, head.grad_by_head.data() + first * kBlock, kBlock, kHead / kBlock);
        block.soften(head_lse, head.delta.data(), sight, first, key, how == Seen::kPart);
        for (int d = 0; d < kHead; d += kBlock) {
          multiply<true>(
              grad_v.data() + key * kHead + d, kHead, [&](int) { return block.p; }, kBlock,
              head.grad_by_position.data() + first / 2 * kHead + d, kHead, 1);
          multiply<true>(
              grad_k.data() + key * kHead + d, kHead, [&](int) { return block.ds; }, kBlock,
              head.q_by_position.data() + first / 2 * kHead + d, kHead, 1);
          multiply<true>(
              head.grad_q.data() + first * kHead + d * kBlock, kBlock,
              [&](int) { return keys.data() + key * kHead + d * kBlock; }, kBlock, block.ds_pairs,
              kBlock, 1);
        }
      }
    }
    const __m512 ones[2] = {_mm512_set1_ps(1.f), _mm512_set1_ps(1.f)};
    for (int first = 0; first < length; first += kBlock) {
      store_rows(head.grad_q.data() + first * kHead, ones, to.q + h * kHead + first * s.q_stride(),
                 s.q_stride());
    }
  }
  store_bf16(grad_k.data(), length, to.k, kv_stride);
  store_bf16(grad_v.data(), length, to.v, kv_stride);
}

}  // namespace ember
