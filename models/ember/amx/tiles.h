// Products of 32 x 32 blocks on AMX tiles, and the layouts of their operands: heads have 64
// dimensions, and an operand on the right holds pairs of its inner dimension side by side in one
// 32-bit word.
#pragma once

#include <immintrin.h>
#include <pmmintrin.h>

#include <cstdint>

namespace ember {

using bf16 = std::uint16_t;

constexpr int kHead = 64;
constexpr int kBlock = 32;
constexpr int kTile = 16;

struct alignas(64) TileConfig {
  std::uint8_t palette = 1, start_row = 0, reserved[14] = {};
  std::uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  std::uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};

// While it lives this thread has its tiles, and denormal numbers, of which sharp attention makes
// many, count as zero: each would cost about 150 cycles.
class Unit {
 public:
  Unit() : control_(_mm_getcsr()) {
    const TileConfig config;
    _tile_loadconfig(&config);
    _mm_setcsr(control_ | _MM_FLUSH_ZERO_ON | _MM_DENORMALS_ZERO_ON);
  }
  ~Unit() {
    _tile_release();
    _mm_setcsr(control_);
  }
  Unit(const Unit&) = delete;
  Unit& operator=(const Unit&) = delete;

 private:
  unsigned control_;
};

// Tiles 0 to 3, a block of 32 x 32: rows `stride` floats apart.
inline void load_block(const float* c, int stride) {
  _tile_loadd(0, c, stride * 4L);
  _tile_loadd(1, c + kTile, stride * 4L);
  _tile_loadd(2, c + kTile * stride, stride * 4L);
  _tile_loadd(3, c + kTile * stride + kTile, stride * 4L);
}

inline void store_block(float* c, int stride) {
  _tile_stored(0, c, stride * 4L);
  _tile_stored(1, c + kTile, stride * 4L);
  _tile_stored(2, c + kTile * stride, stride * 4L);
  _tile_stored(3, c + kTile * stride + kTile, stride * 4L);
}

inline void zero_block() {
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
}

// Tiles 0 to 3 += A[32][32] B[32][32]. A: rows of a_stride elements. B: rows of pairs, b_stride
// words apart.
inline void multiply_block(const bf16* a, int a_stride, const std::uint32_t* b, int b_stride) {
  _tile_loadd(4, a, a_stride * 2L);
  _tile_loadd(6, b, b_stride * 4L);
  _tile_loadd(7, b + kTile, b_stride * 4L);
  _tile_loadd(5, a + kTile * a_stride, a_stride * 2L);
  _tile_dpbf16ps(0, 4, 6);
  _tile_dpbf16ps(1, 4, 7);
  _tile_dpbf16ps(2, 5, 6);
  _tile_dpbf16ps(3, 5, 7);
}

// C[32][32] (rows of c_stride floats) = A[32][32 * steps] B[32 * steps][32]; the elements of a step
// at a_of(step), B as above.
template <class Left>
void multiply(float* c, int c_stride, const Left& a_of, int a_stride, const std::uint32_t* b,
              int b_stride, int steps) {
  zero_block();
  for (int step = 0; step < steps; ++step)
    multiply_block(a_of(step), a_stride, b + step * kTile * b_stride, b_stride);
  store_block(c, c_stride);
}

// C[32][32] (rows of 64 floats) += the sum of A[32][32] B[32][32] over steps; rows of A close
// together, those of B 64 words apart.
template <class Left, class Right>
void multiply_places(float* c, const Left& a_of, const Right& b_of, int steps) {
  load_block(c, kHead);
  for (int step = 0; step < steps; ++step) multiply_block(a_of(step), kBlock, b_of(step), kHead);
  store_block(c, kHead);
}

// out[column][row] = in[row][column] for 16 x 16 words.
inline void transpose16(const void* in, long in_bytes, void* out, long out_bytes) {
  __m512i r[16], t[16];
  const char* from = static_cast<const char*>(in);
  for (int i = 0; i < 16; ++i) r[i] = _mm512_loadu_si512(from + i * in_bytes);
  for (int i = 0; i < 16; i += 2) {
    t[i] = _mm512_unpacklo_epi32(r[i], r[i + 1]);
    t[i + 1] = _mm512_unpackhi_epi32(r[i], r[i + 1]);
  }
  for (int i = 0; i < 16; i += 4) {
    r[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
    r[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
    r[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
    r[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
  }
  for (int i = 0; i < 4; ++i) {
    t[i] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0x88);
    t[i + 4] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0xdd);
    t[i + 8] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0x88);
    t[i + 12] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0xdd);
  }
  char* to = static_cast<char*>(out);
  for (int i = 0; i < 8; ++i) {
    _mm512_storeu_si512(to + i * out_bytes, _mm512_shuffle_i32x4(t[i], t[i + 8], 0x88));
    _mm512_storeu_si512(to + (i + 8) * out_bytes, _mm512_shuffle_i32x4(t[i], t[i + 8], 0xdd));
  }
}

// pairs[d / 2][position] of one block of positions: the right operand whose inner dimension is the
// head's.
inline void head_pairs(const bf16* in, long stride, std::uint32_t* pairs) {
  for (int at = 0; at < kBlock; at += kTile) {
    for (int half = 0; half < 2; ++half) {
      transpose16(in + at * stride + half * 32, stride * 2, pairs + half * kTile * kBlock + at,
                  kBlock * 4L);
    }
  }
}

// pairs[position / 2][d]: the right operand whose inner dimension is the position.
inline void position_pairs(const bf16* in, long stride, int count, std::uint32_t* pairs) {
  for (int at = 0; at < count; at += 2) {
    for (int d = 0; d < kHead; d += kTile) {
      const auto even = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(in + at * stride + d));
      const auto odd =
          _mm256_loadu_si256(reinterpret_cast<const __m256i*>(in + (at + 1) * stride + d));
      _mm512_storeu_si512(pairs + at / 2 * kHead + d,
                          _mm512_or_si512(_mm512_cvtepu16_epi32(even),
                                          _mm512_slli_epi32(_mm512_cvtepu16_epi32(odd), 16)));
    }
  }
}

// out[d][position] of one block of positions: the left operand whose inner dimension is the
// position.
inline void transposed(const bf16* in, long stride, bf16* out) {
  alignas(64) std::uint32_t words[kTile * kTile];
  for (int at = 0; at < kBlock; at += kTile) {
    for (int half = 0; half < 2; ++half) {
      transpose16(in + at * stride + half * 32, stride * 2, words, 64);
      for (int pair = 0; pair < kTile; ++pair) {
        const __m512i both = _mm512_load_si512(words + pair * kTile);
        bf16* row = out + (half * 32 + pair * 2) * kBlock + at;
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(row), _mm512_cvtepi32_epi16(both));
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(row + kBlock),
                            _mm512_cvtepi32_epi16(_mm512_srli_epi32(both, 16)));
      }
    }
  }
}

// 2^x for x <= 0, to 2e-7; 0 below -126.
inline __m512 exp2_vector(__m512 x) {
  x = _mm512_max_ps(x, _mm512_set1_ps(-127.f));
  const __m512 whole = _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  const __m512 f = _mm512_sub_ps(x, whole);
  __m512 y = _mm512_set1_ps(1.3333558e-3f);
  y = _mm512_fmadd_ps(y, f, _mm512_set1_ps(9.6181291e-3f));
  y = _mm512_fmadd_ps(y, f, _mm512_set1_ps(5.5504109e-2f));
  y = _mm512_fmadd_ps(y, f, _mm512_set1_ps(2.4022651e-1f));
  y = _mm512_fmadd_ps(y, f, _mm512_set1_ps(6.9314718e-1f));
  y = _mm512_fmadd_ps(y, f, _mm512_set1_ps(1.f));
  return _mm512_scalef_ps(y, whole);
}

inline __m256i to_bf16(__m512 x) { return reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(x)); }

inline __m512 from_bf16(const bf16* x) {
  return _mm512_castsi512_ps(_mm512_slli_epi32(
      _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(x))), 16));
}

inline __m512i paired(__m256i even, __m256i odd) {
  return _mm512_or_si512(_mm512_cvtepu16_epi32(even),
                         _mm512_slli_epi32(_mm512_cvtepu16_epi32(odd), 16));
}

// in'[64][32] times `factor` of each column, as 32 rows of bfloat16.
inline void store_rows(const float* in, const __m512* factor, bf16* out, long stride) {
  alignas(64) float block[kTile * kTile];
  for (int d = 0; d < kHead; d += kTile) {
    for (int at = 0; at < kBlock; at += kTile) {
      alignas(64) float scaled[kTile * kTile];
      for (int row = 0; row < kTile; ++row) {
        _mm512_store_ps(
            scaled + row * kTile,
            _mm512_mul_ps(_mm512_loadu_ps(in + (d + row) * kBlock + at), factor[at / kTile]));
      }
      transpose16(scaled, 64, block, 64);
      for (int row = 0; row < kTile; ++row) {
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + (at + row) * stride + d),
                            to_bf16(_mm512_load_ps(block + row * kTile)));
      }
    }
  }
}

}  // namespace ember
