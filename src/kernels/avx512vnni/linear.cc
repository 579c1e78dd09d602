// The exact recipe on AVX-512 with VNNI.
//
// A register holds one 64-byte row of a group: 4 k of each of 16 outputs, one output per lane.
// vpdpbusd multiplies it with 4 broadcast bytes of x. Per group of 32 k x 16 outputs and row of x:
// 1 vpdpwssd for the zero point, 8 vpdpbusd, 2 fma; for 288 bytes of weights.
// Up to 12 rows share the unpacked weights: their sums and their integers are 24 of 32 registers.
//
// Integers become floats without an instruction: sums begin at the bits of kStart, 3 * 2^22, whose
// last place is 1, so they are the bits of kStart + d. d * scale is then one fma, less kStart *
// scale, which is exact for a scale that was float16 (11 bits).
#include "kernels/avx512vnni/linear.h"

#include <immintrin.h>

#include "kernels/ahead.h"
#include "kernels/linear_units.h"

namespace hearth::kernels::avx512vnni {
namespace {

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
  static constexpr int kRowsAtOnce = Wide ? 4 : 12;  // wide scales are not worth much code
};

/// Bits of 3 * 2^22: integers up to 2^22 either way may be added to them.
constexpr int kStart = 0x4b400000;
static_assert(255 * 127 * kGroup < 1 << 22, "a group's integer must not leave kStart's binade");

/// The scales of 16 outputs, times sums of products.
template <bool Wide>
struct Scales {
  explicit Scales(const std::uint8_t* p) {
    if constexpr (Wide) {
      value = _mm512_loadu_ps(p);
    } else {
      value = _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
      starts = _mm512_mul_ps(value, _mm512_castsi512_ps(_mm512_set1_epi32(kStart)));
    }
  }

  /// What sums begin at.
  static __m512i start() { return Wide ? _mm512_setzero_si512() : _mm512_set1_epi32(kStart); }

  /// (d - start()) * scale, rounded once.
  __m512 times(__m512i d) const {
    if constexpr (Wide) return _mm512_mul_ps(_mm512_cvtepi32_ps(d), value);
    return _mm512_fmsub_ps(_mm512_castsi512_ps(d), value, starts);
  }

  __m512 value;
  __m512 starts;  // start() * value; not of wide ones
};

/// Line `j` of the 8 of a group, 4 k of each output, as unsigned bytes: q, or for 8 bits
/// (q - 128) + 128.
template <int Bits>
inline __m512i load_weights(const std::uint8_t* group, int j) {
  if constexpr (Bits == 8) {
    return _mm512_xor_si512(_mm512_loadu_si512(group + j * 64), _mm512_set1_epi8(-128));
  }
  const __m512i two = _mm512_loadu_si512(group + j / 2 * 64);
  const __m512i low = _mm512_set1_epi8(15);
  return _mm512_and_si512(j % 2 == 0 ? two : _mm512_srli_epi16(two, 4), low);
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

/// One group of k as R rows meet it.
struct GroupView {
  const std::uint8_t* weights;
  const std::int8_t* q;  // [R][32]
  const float* scale;    // of each row
  const std::int32_t* sum;
};

/// sum += 4 products for each output: of `w` and of the four bytes at `x`. In assembly because GCC
/// 12 spends an instruction on the broadcast that vpdpbusd does itself: two thirds of the time.
[[gnu::always_inline]] inline void add_products(__m512i& sum, __m512i w, const std::int32_t* x) {
  __asm__("vpdpbusd %2%{1to16%}, %1, %0" : "+v"(sum) : "v"(w), "m"(*x));
}

/// a[row] += the products of lines [Begin, End) of a group, with their scales; `zeros` times the
/// pair of sums of x is taken away.
template <class F, int Begin, int End, int R>
[[gnu::always_inline]] inline void add_lines(const GroupView& group, const Scales<F::kWide>& scales,
                                             __m512i zeros, __m512 (&a)[R]) {
  // Few rows: two sums each, or their products would wait for one another.
  constexpr int kChains = R < 4 ? 2 : 1;
  __m512i d[R][kChains];
  repeat<R>([&](auto r) __attribute__((always_inline)) {
    d[r.value][kChains - 1] = _mm512_setzero_si512();
    d[r.value][0] = _mm512_dpwssd_epi32(Scales<F::kWide>::start(), zeros,
                                        _mm512_set1_epi32(group.sum[r.value]));
  });
  repeat<End - Begin>([&](auto line) __attribute__((always_inline)) {
    constexpr int j = Begin + line.value;
    const __m512i w = load_weights<F::kBits>(group.weights, j);
    repeat<R>([&](auto r) __attribute__((always_inline)) {
      const auto* dwords = reinterpret_cast<const std::int32_t*>(group.q + r.value * kGroup);
      add_products(d[r.value][j % kChains], w, dwords + j);
    });
  });
  repeat<R>([&](auto r) __attribute__((always_inline)) {
    __m512i sum = d[r.value][0];
    if constexpr (kChains == 2) sum = _mm512_add_epi32(sum, d[r.value][1]);
    a[r.value] =
        _mm512_fmadd_ps(scales.times(sum), _mm512_set1_ps(group.scale[r.value]), a[r.value]);
  });
}

/// acc[row] += one unit's products, for R rows.
template <class F, int R>
void add_unit(const Unit& unit, const UnitShape& shape, const Ahead& ahead, const RowsView& x,
              float* acc) {
  using UnitScales = Scales<F::kWide>;
  __m512 a[R];
  repeat<R>([&](auto r) __attribute__((always_inline)) {
    a[r.value] = _mm512_load_ps(acc + r.value * 16);
  });
  GroupView view{unit.weights, x.q, x.scale, x.sum};
  for (std::int32_t group = 0; group < unit.groups; ++group) {
    if (group % 2 == 0) ahead.fetch((unit.group_begin + group) / 2);
    const std::int32_t block = F::kHalfBlocks ? group * 2 : group >> shape.block_shift;
    const std::uint8_t* scales = unit.scales + block * shape.scale_bytes;
    const std::int8_t* zeros = unit.zeros + block * 16;
    const __m512i z = zero_pairs<F>(zeros);
    if constexpr (F::kHalfBlocks) {
      const __m512i second = in_high(zero_pairs<F>(zeros + 16));
      add_lines<F, 0, 4>(view, UnitScales(scales), in_low(z), a);
      add_lines<F, 4, 8>(view, UnitScales(scales + shape.scale_bytes), second, a);
    } else {
      add_lines<F, 0, 8>(view, UnitScales(scales), _mm512_or_si512(in_low(z), in_high(z)), a);
    }
    view.weights += shape.group_bytes;
    view.q += x.group_rows * kGroup;
    view.scale += x.group_rows;
    view.sum += x.group_rows;
  }
  repeat<R>([&](auto r) __attribute__((always_inline)) {
    _mm512_store_ps(acc + r.value * 16, a[r.value]);
  });
}

/// acc[row] += one unit's products, for the first F::kRowsAtOnce of `rows` rows, at least R.
template <class F, int R = 1>
[[gnu::always_inline]] inline void add_rows(int rows, const Unit& unit, const UnitShape& shape,
                                            const Ahead& ahead, const RowsView& x, float* acc) {
  if constexpr (R < F::kRowsAtOnce) {
    if (rows > R) return add_rows<F, R + 1>(rows, unit, shape, ahead, x, acc);
  }
  add_unit<F, R>(unit, shape, ahead, x, acc);
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
      for (std::int32_t row = 0; row < x.rows; row += F::kRowsAtOnce) {
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
