// The exact recipe on AVX2 with FMA and F16C.
//
// As on AVX-512, but a 64-byte row of a group takes two registers of 8 outputs, and products come
// from vpmaddubsw, which saturates at 16 bits. It cannot here:
//   4 bits  15 * 127 * 2 * 8 rows = 30480, so a group is summed in 16 bits
//   8 bits  |q - 128| * 127 * 2 <= 32512, with the sign of the weight moved to x
#include "kernels/avx2/linear.h"

#include <immintrin.h>

#include "kernels/linear_units.h"

namespace hearth::kernels::avx2 {
namespace {

constexpr int kPrefetchBytes = 4 * 1024;
constexpr int kHalf = 8;  // outputs per register

inline __m256 load_scales(const std::uint8_t* p, bool wide) {
  if (wide) return _mm256_loadu_ps(reinterpret_cast<const float*>(p));
  return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}

/// The rows of half a group's outputs: unsigned for 4 bits, signed for 8.
template <int Bits>
inline void load_weights(const std::uint8_t* p, __m256i (&w)[8]) {
  for (int j = 0; j < (Bits == 4 ? 4 : 8); ++j) {
    const __m256i v = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p + j * 64));
    if constexpr (Bits == 4) {
      const __m256i low = _mm256_set1_epi8(15);
      w[2 * j] = _mm256_and_si256(v, low);
      w[2 * j + 1] = _mm256_and_si256(_mm256_srli_epi16(v, 4), low);
    } else {
      w[j] = v;
    }
  }
}

/// Sum over rows [Begin, End) of w * x, per output.
template <int Bits, int Begin, int End>
inline __m256i dot(const __m256i (&w)[8], const std::int8_t* q) {
  const __m256i ones = _mm256_set1_epi16(1);
  const auto* dwords = reinterpret_cast<const std::int32_t*>(q);
  __m256i sum = _mm256_setzero_si256();
  for (int j = Begin; j < End; ++j) {
    const __m256i x = _mm256_set1_epi32(dwords[j]);
    if constexpr (Bits == 4) {
      sum = _mm256_add_epi16(sum, _mm256_maddubs_epi16(w[j], x));
    } else {
      const __m256i pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(w[j]), _mm256_sign_epi8(x, w[j]));
      sum = _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, ones));
    }
  }
  if constexpr (Bits == 4) sum = _mm256_madd_epi16(sum, ones);
  return sum;
}

/// What is taken away per sum of x: the zero point, as int16 in the low half of each lane.
template <int Bits>
inline __m256i zero_points(const PackedLinear& linear, const std::int8_t* zeros) {
  __m256i z = _mm256_set1_epi32(Bits == 4 ? -8 : 0);
  if (linear.zero_points != 0) {
    const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(zeros));
    z = _mm256_sub_epi32(z, _mm256_cvtepi8_epi32(bytes));
  }
  return z;
}

inline __m256i in_low(__m256i z) { return _mm256_and_si256(z, _mm256_set1_epi32(0xffff)); }
inline __m256i in_high(__m256i z) { return _mm256_slli_epi32(z, 16); }

/// acc += one group for all rows; `half` is 0 or 1: outputs 0..7 or 8..15 of the tile column.
template <int Bits>
void add_group(const PackedLinear& linear, const UnitShape& shape, const Unit& unit,
               std::int32_t group, int half, const ExactRows& x, float* acc) {
  const std::uint8_t* p = unit.weights + group * shape.group_bytes;
  for (int line = 0; line < 4 * Bits / 4; line += 1) {
    _mm_prefetch(reinterpret_cast<const char*>(p + kPrefetchBytes + line * 64), _MM_HINT_T0);
  }
  const bool halves = linear.block_size < kGroup;
  const bool wide = linear.wide_scales != 0;
  const std::int32_t block = halves ? group * 2 : group >> shape.block_shift;
  const std::uint8_t* scales =
      unit.scales + block * shape.scale_bytes + half * (shape.scale_bytes / 2);
  const std::int8_t* zeros = unit.zeros + block * kTileColumns + half * kHalf;
  __m256i w[8];
  load_weights<Bits>(p + half * 32, w);
  const __m256 s0 = load_scales(scales, wide);
  const __m256i z0 = zero_points<Bits>(linear, zeros);
  const std::int64_t at = std::int64_t{unit.group_begin + group} * x.rows_padded;
  if (halves) {
    const __m256 s1 = load_scales(scales + shape.scale_bytes, wide);
    const __m256i low = in_low(z0);
    const __m256i high = in_high(zero_points<Bits>(linear, zeros + kTileColumns));
    for (std::int32_t row = 0; row < x.rows; ++row) {
      const std::int8_t* q = x.q + (at + row) * kGroup;
      const __m256i sums = _mm256_set1_epi32(x.sum[at + row]);
      const __m256 xs = _mm256_set1_ps(x.scale[at + row]);
      const __m256i d0 = _mm256_add_epi32(dot<Bits, 0, 4>(w, q), _mm256_madd_epi16(low, sums));
      const __m256i d1 = _mm256_add_epi32(dot<Bits, 4, 8>(w, q), _mm256_madd_epi16(high, sums));
      __m256 a = _mm256_load_ps(acc + row * kTileColumns);
      a = _mm256_fmadd_ps(_mm256_mul_ps(_mm256_cvtepi32_ps(d0), s0), xs, a);
      a = _mm256_fmadd_ps(_mm256_mul_ps(_mm256_cvtepi32_ps(d1), s1), xs, a);
      _mm256_store_ps(acc + row * kTileColumns, a);
    }
    return;
  }
  const __m256i both = _mm256_or_si256(in_low(z0), in_high(z0));
  for (std::int32_t row = 0; row < x.rows; ++row) {
    const __m256i sums = _mm256_set1_epi32(x.sum[at + row]);
    const __m256i d = _mm256_add_epi32(dot<Bits, 0, 8>(w, x.q + (at + row) * kGroup),
                                       _mm256_madd_epi16(both, sums));
    const __m256 scaled = _mm256_mul_ps(_mm256_cvtepi32_ps(d), s0);
    float* out = acc + row * kTileColumns;
    _mm256_store_ps(
        out, _mm256_fmadd_ps(scaled, _mm256_set1_ps(x.scale[at + row]), _mm256_load_ps(out)));
  }
}

void write_tile(const ExactTask& task, std::int32_t tile, const float* acc) {
  const PackedLinear& linear = *task.linear;
  const std::int32_t first = tile * kTileColumns;
  const std::int32_t left = linear.n - first;
  const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  const __m256 unit = _mm256_set1_ps(linear.scale_unit);
  for (std::int32_t row = 0; row < task.x->rows; ++row) {
    for (int half = 0; half < 2; ++half) {
      const std::int32_t output = first + half * kHalf;
      __m256 value = _mm256_mul_ps(_mm256_load_ps(acc + row * kTileColumns + half * kHalf), unit);
      if (linear.bias != nullptr)
        value = _mm256_add_ps(value, _mm256_loadu_ps(linear.bias + output));
      const __m256i mask = _mm256_cmpgt_epi32(_mm256_set1_epi32(left - half * kHalf), lanes);
      _mm256_maskstore_ps(task.y + row * task.y_stride + output, mask, value);
    }
  }
}

template <int Bits>
void product(const ExactTask& task) {
  const PackedLinear& linear = *task.linear;
  const ExactRows& x = *task.x;
  const UnitShape shape = shape_of(linear);
  auto* acc = static_cast<float*>(task.scratch);  // [rows][16]
  for (std::int32_t tile = task.tile_begin; tile < task.tile_end; ++tile) {
    for (std::int32_t i = 0; i < x.rows * kTileColumns; i += kHalf) {
      _mm256_store_ps(acc + i, _mm256_setzero_ps());
    }
    for (std::int32_t index = 0; index < units_of(shape); ++index) {
      const Unit unit = unit_at(linear, shape, tile, index);
      *task.weight_bytes += static_cast<std::uint64_t>(unit.bytes);
      for (std::int32_t group = 0; group < unit.groups; ++group) {
        add_group<Bits>(linear, shape, unit, group, 0, x, acc);
        add_group<Bits>(linear, shape, unit, group, 1, x, acc + kHalf);
      }
    }
    write_tile(task, tile, acc);
  }
}

/// Eight floats of a group that may end inside them.
inline __m256 load_part(const float* p, std::int32_t left) {
  const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  return _mm256_maskload_ps(p, _mm256_cmpgt_epi32(_mm256_set1_epi32(left), lanes));
}

inline std::int32_t reduce_max(__m256i v) {
  __m128i m = _mm_max_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
  m = _mm_max_epi32(m, _mm_shuffle_epi32(m, 0x4e));
  return _mm_cvtsi128_si32(_mm_max_epi32(m, _mm_shuffle_epi32(m, 0xb1)));
}

inline std::int32_t reduce_add(__m256i v) {
  __m128i s = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
  s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4e));
  return _mm_cvtsi128_si32(_mm_add_epi32(s, _mm_shuffle_epi32(s, 0xb1)));
}

}  // namespace

void exact_product(const ExactTask* task) {
  return task->linear->bits == 4 ? product<4>(*task) : product<8>(*task);
}

void quantise_row(const float* x, std::int32_t k, std::int32_t row, const ExactRows* out) {
  const __m256i magnitude = _mm256_set1_epi32(0x7fffffff);
  for (std::int32_t group = 0; group < out->groups; ++group) {
    __m256 v[4];
    __m256i m = _mm256_setzero_si256();
    for (int i = 0; i < 4; ++i) {
      const std::int32_t begin = group * kGroup + i * 8;
      v[i] = begin < k ? load_part(x + begin, k - begin) : _mm256_setzero_ps();
      m = _mm256_max_epi32(m, _mm256_and_si256(_mm256_castps_si256(v[i]), magnitude));
    }
    const std::int32_t largest = reduce_max(m);
    const std::int64_t at = std::int64_t{group} * out->rows_padded + row;
    auto* q = reinterpret_cast<__m256i*>(out->q + at * kGroup);
    const float maximum = _mm_cvtss_f32(_mm_castsi128_ps(_mm_cvtsi32_si128(largest)));
    const bool finite = largest < 0x7f800000;
    if (!finite || maximum < 0x1p-110F) {
      out->scale[at] =
          finite ? 0.0F : _mm_cvtss_f32(_mm_castsi128_ps(_mm_cvtsi32_si128(0x7fc00000)));
      out->sum[at] = 0;
      _mm256_storeu_si256(q, _mm256_setzero_si256());
      continue;
    }
    const __m256 reciprocal = _mm256_set1_ps(127.0F / maximum);
    __m256i r[4];
    for (int i = 0; i < 4; ++i) r[i] = _mm256_cvtps_epi32(_mm256_mul_ps(v[i], reciprocal));
    const auto sum0 = static_cast<std::uint32_t>(reduce_add(_mm256_add_epi32(r[0], r[1])));
    const auto sum1 = static_cast<std::uint32_t>(reduce_add(_mm256_add_epi32(r[2], r[3])));
    const __m256i packed =
        _mm256_packs_epi16(_mm256_packs_epi32(r[0], r[1]), _mm256_packs_epi32(r[2], r[3]));
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    _mm256_storeu_si256(q, _mm256_permutevar8x32_epi32(packed, order));
    out->scale[at] = maximum / 127.0F;
    out->sum[at] = static_cast<std::int32_t>((sum0 & 0xffffU) | (sum1 << 16));
  }
}

}  // namespace hearth::kernels::avx2
