// What is done to each token's row by itself: RMSNorm and the rotary embedding, and their
// gradients.
#pragma once

#include <cmath>

#include "tiles.h"

namespace ember {

// out = x * rstd * weight, in bfloat16; keeps x in bfloat16 and rstd for the way back.
inline void norm_row(const float* x, const float* weight, int hidden, float epsilon, bf16* out,
                     bf16* kept, float* kept_rstd) {
  __m512 squares = _mm512_setzero_ps();
  for (int i = 0; i < hidden; i += kTile) {
    const __m512 v = _mm512_loadu_ps(x + i);
    squares = _mm512_fmadd_ps(v, v, squares);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(kept + i), to_bf16(v));
  }
  *kept_rstd =
      1.f / std::sqrt(_mm512_reduce_add_ps(squares) / static_cast<float>(hidden) + epsilon);
  const __m512 rstd = _mm512_set1_ps(*kept_rstd);
  for (int i = 0; i < hidden; i += kTile) {
    const __m512 scaled = _mm512_mul_ps(_mm512_loadu_ps(x + i), rstd);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + i),
                        to_bf16(_mm512_mul_ps(scaled, _mm512_loadu_ps(weight + i))));
  }
}

// `norm_row` again, from what was kept.
inline void norm_row_again(const bf16* kept, float kept_rstd, const float* weight, int hidden,
                           bf16* out) {
  const __m512 rstd = _mm512_set1_ps(kept_rstd);
  for (int i = 0; i < hidden; i += kTile) {
    const __m512 scaled = _mm512_mul_ps(from_bf16(kept + i), rstd);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + i),
                        to_bf16(_mm512_mul_ps(scaled, _mm512_loadu_ps(weight + i))));
  }
}

// Adds to `grad_x` and `grad_weight` what follows from the gradient of the result.
inline void norm_row_backward(const float* grad, const bf16* kept, float kept_rstd,
                              const float* weight, int hidden, float* grad_x, float* grad_weight) {
  const __m512 rstd = _mm512_set1_ps(kept_rstd);
  __m512 along = _mm512_setzero_ps();
  for (int i = 0; i < hidden; i += kTile) {
    const __m512 x = _mm512_mul_ps(from_bf16(kept + i), rstd), g = _mm512_loadu_ps(grad + i);
    _mm512_storeu_ps(grad_weight + i, _mm512_fmadd_ps(g, x, _mm512_loadu_ps(grad_weight + i)));
    along = _mm512_fmadd_ps(_mm512_mul_ps(g, _mm512_loadu_ps(weight + i)), x, along);
  }
  const __m512 mean = _mm512_set1_ps(_mm512_reduce_add_ps(along) / static_cast<float>(hidden));
  for (int i = 0; i < hidden; i += kTile) {
    const __m512 x = _mm512_mul_ps(from_bf16(kept + i), rstd);
    const __m512 g = _mm512_mul_ps(_mm512_loadu_ps(grad + i), _mm512_loadu_ps(weight + i));
    _mm512_storeu_ps(grad_x + i, _mm512_fmadd_ps(rstd, _mm512_fnmadd_ps(x, mean, g),
                                                 _mm512_loadu_ps(grad_x + i)));
  }
}

// Rotates the first 2 * half dimensions of `heads` heads in half-split pairs, in place; `sign` -1
// turns back, which is what the gradient wants.
inline void rotate_row(bf16* row, int heads, const float* cos, const float* sin, int half,
                       float sign) {
  for (int i = 0; i < half; i += kTile) {
    const auto mask = static_cast<__mmask16>((1u << std::min(kTile, half - i)) - 1);
    const __m512 c = _mm512_maskz_loadu_ps(mask, cos + i);
    const __m512 s = _mm512_mul_ps(_mm512_maskz_loadu_ps(mask, sin + i), _mm512_set1_ps(sign));
    for (int head = 0; head < heads; ++head) {
      bf16 *first = row + head * kHead + i, *second = first + half;
      const __m512 a = from_bf16(first), b = from_bf16(second);
      _mm256_mask_storeu_epi16(first, mask, to_bf16(_mm512_fmsub_ps(a, c, _mm512_mul_ps(b, s))));
      _mm256_mask_storeu_epi16(second, mask, to_bf16(_mm512_fmadd_ps(b, c, _mm512_mul_ps(a, s))));
    }
  }
}

}  // namespace ember
