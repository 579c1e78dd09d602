// The exact recipe on AVX-512 with VNNI.
//
// A register holds one 64-byte row of a group: 4 k of each of 16 outputs, one output per lane.
// vpdpbusd multiplies it with 4 broadcast bytes of x. Per group of 32 k x 16 outputs and row of x:
// 8 vpdpbusd (two chains), 1 add, 1 convert, 1 multiply, 1 fma; for 288 bytes of weights.
// Up to 8 rows share the unpacked weights of a group in registers.
#include "kernels/avx512vnni/linear.h"

#include <immintrin.h>

#include "kernels/ahead.h"
#include "kernels/linear_units.h"

namespace hearth::kernels::avx512vnni {
namespace {

constexpr int kRowsAtOnce = 8;

template <int I>
struct Index {
  static constexpr int value = I;
};

/// f(Index<0>) ... f(Index<N - 1>), unrolled by the compiler's front end.
template <int N, class F>
[[gnu::always_inline]] inline void repeat(const F& f) {
  if constexpr (N > 0) {
    repeat<N - 1>(f);
    f(Index<N - 1>{});
  }
}

/// What differs between layouts, fixed at compile time.
template <int Bits, bool HalfBlocks, bool Wide, bool Zeros>
struct Form {
  static constexpr int kBits = Bits;
  static constexpr bool kHalfBlocks = HalfBlocks;  // blocks of 16: two scales per group
  static constexpr bool kWide = Wide;
  static constexpr bool kZeros = Zeros;
};

template <bool Wide>
inline __m512 load_scales(const std::uint8_t* p) {
  if constexpr (Wide) return _mm512_loadu_ps(p);
  return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}

/// The 8 rows of a group as unsigned bytes: q, or for 8 bits (q - 128) + 128.
template <int Bits>
inline void load_weights(const std::uint8_t* p, __m512i (&w)[8]) {
  if constexpr (Bits == 4) {
    const __m512i low = _mm512_set1_epi8(15);
    repeat<4>([&](auto j) __attribute__((always_inline)) {
      const __m512i v = _mm512_loadu_si512(p + j.value * 64);
      w[2 * j.value] = _mm512_and_si512(v, low);
      w[2 * j.value + 1] = _mm512_and_si512(_mm512_srli_epi16(v, 4), low);
    });
  } else {
    const __m512i flip = _mm512_set1_epi8(-128);
    repeat<8>([&](auto j) __attribute__((always_inline)) {
      w[j.value] = _mm512_xor_si512(_mm512_loadu_si512(p + j.value * 64), flip);
    });
  }
}

/// Pairs of int16 whose product with the pair of sums of x is what the zero point takes away.
template <class F>
inline __m512i zero_pairs(const std::int8_t* zeros) {
  constexpr int kMiddle = 1 << (F::kBits - 1);
  __m512i z = _mm512_set1_epi32(-kMiddle);
  if constexpr (F::kZeros) {
    z = _mm512_sub_epi32(
        z, _mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(zeros))));
  }
  return z;
}

inline __m512i in_low(__m512i z) { return _mm512_and_si512(z, _mm512_set1_epi32(0xffff)); }
inline __m512i in_high(__m512i z) { return _mm512_slli_epi32(z, 16); }

struct RowsView {
  const std::int8_t* q;
  const float* scale;
  const std::int32_t* sum;
  std::int64_t group_rows;  // rows from group to group
};

/// acc[row] += one unit's products, for R rows.
template <class F, int R>
void add_unit(const Unit& unit, const UnitShape& shape, const Ahead& ahead, const RowsView& x,
              float* acc) {
  __m512 a[R];
  repeat<R>([&](auto r) __attribute__((always_inline)) {
    a[r.value] = _mm512_load_ps(acc + r.value * 16);
  });
  const std::int8_t* q = x.q;
  const float* x_scale = x.scale;
  const std::int32_t* x_sum = x.sum;
  for (std::int32_t group = 0; group < unit.groups; ++group) {
    const std::uint8_t* p = unit.weights + group * shape.group_bytes;
    if (group % 2 == 0) ahead.fetch((unit.group_begin + group) / 2);
    __m512i w[8];
    load_weights<F::kBits>(p, w);
    const std::int32_t block = F::kHalfBlocks ? group * 2 : group >> shape.block_shift;
    const std::uint8_t* scales = unit.scales + block * shape.scale_bytes;
    const __m512 s0 = load_scales<F::kWide>(scales);
    const __m512i z0 = zero_pairs<F>(unit.zeros + block * 16);
    if constexpr (F::kHalfBlocks) {
      const __m512 s1 = load_scales<F::kWide>(scales + shape.scale_bytes);
      const __m512i low = in_low(z0);
      const __m512i high = in_high(zero_pairs<F>(unit.zeros + block * 16 + 16));
      repeat<R>([&](auto r) __attribute__((always_inline)) {
        const auto* dwords = reinterpret_cast<const std::int32_t*>(q + r.value * kGroup);
        const __m512i sums = _mm512_set1_epi32(x_sum[r.value]);
        __m512i d0 = _mm512_madd_epi16(low, sums);
        __m512i d1 = _mm512_madd_epi16(high, sums);
        repeat<4>([&](auto j) __attribute__((always_inline)) {
          d0 = _mm512_dpbusd_epi32(d0, w[j.value], _mm512_set1_epi32(dwords[j.value]));
          d1 = _mm512_dpbusd_epi32(d1, w[j.value + 4], _mm512_set1_epi32(dwords[j.value + 4]));
        });
        const __m512 xs = _mm512_set1_ps(x_scale[r.value]);
        a[r.value] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(d0), _mm512_mul_ps(xs, s0), a[r.value]);
        a[r.value] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(d1), _mm512_mul_ps(xs, s1), a[r.value]);
      });
    } else {
      const __m512i both = _mm512_or_si512(in_low(z0), in_high(z0));
      repeat<R>([&](auto r) __attribute__((always_inline)) {
        const auto* dwords = reinterpret_cast<const std::int32_t*>(q + r.value * kGroup);
        __m512i d0 = _mm512_madd_epi16(both, _mm512_set1_epi32(x_sum[r.value]));
        __m512i d1 = _mm512_setzero_si512();
        repeat<4>([&](auto j) __attribute__((always_inline)) {
          d0 = _mm512_dpbusd_epi32(d0, w[2 * j.value], _mm512_set1_epi32(dwords[2 * j.value]));
          d1 = _mm512_dpbusd_epi32(d1, w[2 * j.value + 1],
                                   _mm512_set1_epi32(dwords[2 * j.value + 1]));
        });
        const __m512 scale = _mm512_mul_ps(_mm512_set1_ps(x_scale[r.value]), s0);
        a[r.value] =
            _mm512_fmadd_ps(_mm512_cvtepi32_ps(_mm512_add_epi32(d0, d1)), scale, a[r.value]);
      });
    }
    q += x.group_rows * kGroup;
    x_scale += x.group_rows;
    x_sum += x.group_rows;
  }
  repeat<R>([&](auto r) __attribute__((always_inline)) {
    _mm512_store_ps(acc + r.value * 16, a[r.value]);
  });
}

template <class F>
void add_rows(int rows, const Unit& unit, const UnitShape& shape, const Ahead& ahead,
              const RowsView& x, float* acc) {
  switch (rows) {
    case 1:
      return add_unit<F, 1>(unit, shape, ahead, x, acc);
    case 2:
      return add_unit<F, 2>(unit, shape, ahead, x, acc);
    case 3:
      return add_unit<F, 3>(unit, shape, ahead, x, acc);
    case 4:
      return add_unit<F, 4>(unit, shape, ahead, x, acc);
    case 5:
      return add_unit<F, 5>(unit, shape, ahead, x, acc);
    case 6:
      return add_unit<F, 6>(unit, shape, ahead, x, acc);
    case 7:
      return add_unit<F, 7>(unit, shape, ahead, x, acc);
    default:
      return add_unit<F, 8>(unit, shape, ahead, x, acc);
  }
}

void write_tile(const ExactTask& task, std::int32_t tile, const float* acc) {
  const PackedLinear& linear = *task.linear;
  const std::int32_t first = tile * kTileColumns;
  const std::int32_t left = linear.n - first;
  const auto mask = static_cast<__mmask16>(
      left >= kTileColumns ? 0xffffU : (1U << static_cast<unsigned>(left)) - 1U);
  const __m512 unit = _mm512_set1_ps(linear.scale_unit);
  for (std::int32_t row = 0; row < task.x->rows; ++row) {
    __m512 value = _mm512_mul_ps(_mm512_load_ps(acc + row * 16), unit);
    if (linear.bias != nullptr) value = _mm512_add_ps(value, _mm512_loadu_ps(linear.bias + first));
    _mm512_mask_storeu_ps(task.y + row * task.y_stride + first, mask, value);
  }
}

template <class F>
void product(const ExactTask& task) {
  const PackedLinear& linear = *task.linear;
  const ExactRows& x = *task.x;
  const UnitShape shape = shape_of(linear);
  const std::int32_t units = units_of(shape);
  auto* acc = static_cast<float*>(task.scratch);  // [rows][16]
  for (std::int32_t tile = task.tile_begin; tile < task.tile_end; ++tile) {
    for (std::int32_t row = 0; row < x.rows; ++row) {
      _mm512_store_ps(acc + row * 16, _mm512_setzero_ps());
    }
    const Ahead ahead =
        x.rows == 1 ? Ahead::near(linear, shape, tile) : Ahead::next_column(linear, shape, tile);
    for (std::int32_t index = 0; index < units; ++index) {
      const Unit unit = unit_at(linear, shape, tile, index);
      *task.weight_bytes += static_cast<std::uint64_t>(unit.bytes);
      for (std::int32_t row = 0; row < x.rows; row += kRowsAtOnce) {
        const std::int64_t at = std::int64_t{unit.group_begin} * x.rows_padded + row;
        const RowsView view{x.q + at * kGroup, x.scale + at, x.sum + at, x.rows_padded};
        add_rows<F>(x.rows - row, unit, shape, row == 0 ? ahead : Ahead(), view, acc + row * 16);
      }
    }
    write_tile(task, tile, acc);
  }
}

template <int Bits, bool HalfBlocks>
void choose(const ExactTask& task) {
  const bool wide = task.linear->wide_scales != 0;
  const bool zeros = task.linear->zero_points != 0;
  if (wide) {
    return zeros ? product<Form<Bits, HalfBlocks, true, true>>(task)
                 : product<Form<Bits, HalfBlocks, true, false>>(task);
  }
  return zeros ? product<Form<Bits, HalfBlocks, false, true>>(task)
               : product<Form<Bits, HalfBlocks, false, false>>(task);
}

}  // namespace

void exact_product(const ExactTask* task) {
  const bool half_blocks = task->linear->block_size < kGroup;
  if (task->linear->bits == 4) {
    return half_blocks ? choose<4, true>(*task) : choose<4, false>(*task);
  }
  return half_blocks ? choose<8, true>(*task) : choose<8, false>(*task);
}

void quantise_row(const float* x, std::int32_t k, std::int32_t row, const ExactRows* out) {
  const __m512i magnitude = _mm512_set1_epi32(0x7fffffff);
  for (std::int32_t group = 0; group < out->groups; ++group) {
    const std::int32_t left = k - group * kGroup;
    const std::uint32_t mask =
        left >= kGroup ? 0xffffffffU : (1U << static_cast<unsigned>(left)) - 1U;
    const float* p = x + group * kGroup;
    const __m512 v0 = _mm512_maskz_loadu_ps(static_cast<__mmask16>(mask), p);
    const __m512 v1 = _mm512_maskz_loadu_ps(static_cast<__mmask16>(mask >> 16), p + 16);
    const __m512i m = _mm512_max_epi32(_mm512_and_si512(_mm512_castps_si512(v0), magnitude),
                                       _mm512_and_si512(_mm512_castps_si512(v1), magnitude));
    const std::int32_t largest = _mm512_reduce_max_epi32(m);
    const std::int64_t at = std::int64_t{group} * out->rows_padded + row;
    auto* q = reinterpret_cast<__m128i*>(out->q + at * kGroup);
    const float maximum = _mm_cvtss_f32(_mm_castsi128_ps(_mm_cvtsi32_si128(largest)));
    const bool finite = largest < 0x7f800000;
    if (!finite || maximum < 0x1p-110F) {
      out->scale[at] =
          finite ? 0.0F : _mm_cvtss_f32(_mm_castsi128_ps(_mm_cvtsi32_si128(0x7fc00000)));
      out->sum[at] = 0;
      _mm_storeu_si128(q, _mm_setzero_si128());
      _mm_storeu_si128(q + 1, _mm_setzero_si128());
      continue;
    }
    const __m512 reciprocal = _mm512_set1_ps(127.0F / maximum);
    const __m512i q0 = _mm512_cvtps_epi32(_mm512_mul_ps(v0, reciprocal));
    const __m512i q1 = _mm512_cvtps_epi32(_mm512_mul_ps(v1, reciprocal));
    _mm_storeu_si128(q, _mm512_cvtepi32_epi8(q0));
    _mm_storeu_si128(q + 1, _mm512_cvtepi32_epi8(q1));
    const auto sum0 = static_cast<std::uint32_t>(_mm512_reduce_add_epi32(q0));
    const auto sum1 = static_cast<std::uint32_t>(_mm512_reduce_add_epi32(q1));
    out->scale[at] = maximum / 127.0F;
    out->sum[at] = static_cast<std::int32_t>((sum0 & 0xffffU) | (sum1 << 16));
  }
}

}  // namespace hearth::kernels::avx512vnni
