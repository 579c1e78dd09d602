// Sixteen float32 lanes in three spellings, with one meaning: the same IEEE operations in the same
// order, so that what attention_core.h computes is bit-equal on all of them. Each translation unit
// gets the widest that its flags allow. bf16 values are the upper halves of float32 bits.
//
// max(a, b) is `a > b ? a : b`: with a NaN on either side, b. fma rounds once.
#pragma once

#if defined(__GNUC__) && !defined(__clang__)
// GCC 12's own AVX-512 headers initialise variables with themselves (GCC bug 105593).
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#if defined(__AVX2__)
#include <immintrin.h>
#endif

#include <cstddef>
#include <cstdint>

namespace hearth::kernels {
namespace {

inline std::uint32_t bits_of(float value) {
  std::uint32_t bits = 0;
  __builtin_memcpy(&bits, &value, 4);
  return bits;
}

inline float float_of(std::uint32_t bits) {
  float value = 0;
  __builtin_memcpy(&value, &bits, 4);
  return value;
}

/// Rounds to bf16, nearest even; NaN stays NaN. The result is in the upper half.
inline std::uint32_t round_to_bf16(float value) {
  const std::uint32_t bits = bits_of(value);
  if ((bits & 0x7fffffffU) > 0x7f800000U) return (bits | 0x400000U) & 0xffff0000U;
  return (bits + 0x7fffU + ((bits >> 16) & 1U)) & 0xffff0000U;
}

/// 1.5 * 2^23: adding it rounds to a whole number n, which is then in the lowest bits.
constexpr float kMagic = 12582912.0F;

#if defined(__AVX512F__)

struct Lanes {
  using Reg = __m512;
  // Registers: 32. Query rows per pass over keys, and over values; vectors of values at once.
  static constexpr int kRowsMax = 6;
  static constexpr int kValueVectors = 4;
  static constexpr int kValueVectorsFewRows = 8;  // up to 3 rows

  static Reg zero() { return _mm512_setzero_ps(); }
  static Reg all(float x) { return _mm512_set1_ps(x); }
  static Reg load(const float* p) { return _mm512_loadu_ps(p); }
  static void store(float* p, Reg x) { _mm512_storeu_ps(p, x); }
  static Reg add(Reg a, Reg b) { return _mm512_add_ps(a, b); }
  static Reg sub(Reg a, Reg b) { return _mm512_sub_ps(a, b); }
  static Reg mul(Reg a, Reg b) { return _mm512_mul_ps(a, b); }
  static Reg div(Reg a, Reg b) { return _mm512_div_ps(a, b); }
  static Reg fma(Reg a, Reg b, Reg c) { return _mm512_fmadd_ps(a, b, c); }
  static Reg max(Reg a, Reg b) { return _mm512_max_ps(a, b); }
  /// y, but 0 where x < limit.
  static Reg zero_where_less(Reg x, Reg limit, Reg y) {
    return _mm512_mask_mov_ps(y, _mm512_cmp_ps_mask(x, limit, _CMP_LT_OQ), _mm512_setzero_ps());
  }
  static Reg magnitude(Reg x) {
    return _mm512_castsi512_ps(
        _mm512_and_si512(_mm512_castps_si512(x), _mm512_set1_epi32(0x7fffffff)));
  }
  /// x with the sign of `sign`, for x without one.
  static Reg with_sign(Reg x, Reg sign) {
    const __m512i bit = _mm512_and_si512(_mm512_castps_si512(sign), _mm512_set1_epi32(INT32_MIN));
    return _mm512_castsi512_ps(_mm512_or_si512(_mm512_castps_si512(x), bit));
  }
  /// 2^n for x = n + 1.5 * 2^23.
  static Reg power_of_magic(Reg x) {
    return _mm512_castsi512_ps(_mm512_add_epi32(_mm512_slli_epi32(_mm512_castps_si512(x), 23),
                                                _mm512_set1_epi32(0x3f800000)));
  }
  static __m512i round_to_bf16(Reg x) {
    const __m512i bits = _mm512_castps_si512(x);
    const __m512i last = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
    const __m512i rounded =
        _mm512_add_epi32(_mm512_add_epi32(bits, _mm512_set1_epi32(0x7fff)), last);
    const __m512i kept = _mm512_mask_or_epi32(rounded, _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q), bits,
                                              _mm512_set1_epi32(0x400000));
    return _mm512_and_si512(kept, _mm512_set1_epi32(static_cast<int>(0xffff0000U)));
  }
  static void store_bf16(std::uint16_t* p, Reg x) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p),
                        _mm512_cvtepi32_epi16(_mm512_srli_epi32(round_to_bf16(x), 16)));
  }
  /// Sixteen whole numbers.
  static Reg load_bytes(const std::int8_t* p) {
    return _mm512_cvtepi32_ps(
        _mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))));
  }
  /// Rounds to nearest even, for x of -128..127.
  static void store_bytes(std::int8_t* p, Reg x) {
    const __m512i bits = _mm512_castps_si512(add(x, all(kMagic)));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtepi32_epi8(bits));
  }
  /// Rounds the lanes into their places as member `member` of a bf16 line's pairs.
  static void put_in_line(std::uint16_t* p, std::int64_t member, Reg x) {
    const __m512i rounded = round_to_bf16(x);
    const __m512i upper = _mm512_set1_epi32(static_cast<int>(0xffff0000U));
    const __m512i line = _mm512_loadu_si512(p);
    _mm512_storeu_si512(
        p, member == 0
               ? _mm512_or_si512(_mm512_and_si512(line, upper), _mm512_srli_epi32(rounded, 16))
               : _mm512_or_si512(_mm512_andnot_si512(upper, line), rounded));
  }
  static void load_line(const std::uint16_t* p, Reg& even, Reg& odd) {
    const __m512i line = _mm512_loadu_si512(p);
    even = _mm512_castsi512_ps(_mm512_slli_epi32(line, 16));
    odd = _mm512_castsi512_ps(
        _mm512_and_si512(line, _mm512_set1_epi32(static_cast<int>(0xffff0000U))));
  }
};

#elif defined(__AVX2__)

struct Lanes {
  struct Reg {
    __m256 lo, hi;
  };
  static constexpr int kRowsMax = 3;
  static constexpr int kValueVectors = 2;
  static constexpr int kValueVectorsFewRows = 2;

  static Reg zero() { return {_mm256_setzero_ps(), _mm256_setzero_ps()}; }
  static Reg all(float x) { return {_mm256_set1_ps(x), _mm256_set1_ps(x)}; }
  static Reg load(const float* p) { return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
  static void store(float* p, Reg x) {
    _mm256_storeu_ps(p, x.lo);
    _mm256_storeu_ps(p + 8, x.hi);
  }
  static Reg add(Reg a, Reg b) { return {_mm256_add_ps(a.lo, b.lo), _mm256_add_ps(a.hi, b.hi)}; }
  static Reg sub(Reg a, Reg b) { return {_mm256_sub_ps(a.lo, b.lo), _mm256_sub_ps(a.hi, b.hi)}; }
  static Reg mul(Reg a, Reg b) { return {_mm256_mul_ps(a.lo, b.lo), _mm256_mul_ps(a.hi, b.hi)}; }
  static Reg div(Reg a, Reg b) { return {_mm256_div_ps(a.lo, b.lo), _mm256_div_ps(a.hi, b.hi)}; }
  static Reg fma(Reg a, Reg b, Reg c) {
    return {_mm256_fmadd_ps(a.lo, b.lo, c.lo), _mm256_fmadd_ps(a.hi, b.hi, c.hi)};
  }
  static Reg max(Reg a, Reg b) { return {_mm256_max_ps(a.lo, b.lo), _mm256_max_ps(a.hi, b.hi)}; }
  static Reg zero_where_less(Reg x, Reg limit, Reg y) {
    return {_mm256_andnot_ps(_mm256_cmp_ps(x.lo, limit.lo, _CMP_LT_OQ), y.lo),
            _mm256_andnot_ps(_mm256_cmp_ps(x.hi, limit.hi, _CMP_LT_OQ), y.hi)};
  }
  static Reg magnitude(Reg x) {
    const __m256 sign = _mm256_set1_ps(-0.0F);
    return {_mm256_andnot_ps(sign, x.lo), _mm256_andnot_ps(sign, x.hi)};
  }
  static Reg with_sign(Reg x, Reg sign) {
    const __m256 bit = _mm256_set1_ps(-0.0F);
    return {_mm256_or_ps(x.lo, _mm256_and_ps(bit, sign.lo)),
            _mm256_or_ps(x.hi, _mm256_and_ps(bit, sign.hi))};
  }
  static Reg power_of_magic(Reg x) {
    const __m256i one = _mm256_set1_epi32(0x3f800000);
    return {_mm256_castsi256_ps(
                _mm256_add_epi32(_mm256_slli_epi32(_mm256_castps_si256(x.lo), 23), one)),
            _mm256_castsi256_ps(
                _mm256_add_epi32(_mm256_slli_epi32(_mm256_castps_si256(x.hi), 23), one))};
  }
  static __m256i round_to_bf16(__m256 x) {
    const __m256i bits = _mm256_castps_si256(x);
    const __m256i last = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
    const __m256i rounded =
        _mm256_add_epi32(_mm256_add_epi32(bits, _mm256_set1_epi32(0x7fff)), last);
    const __m256i quiet = _mm256_or_si256(bits, _mm256_set1_epi32(0x400000));
    const __m256i nan = _mm256_castps_si256(_mm256_cmp_ps(x, x, _CMP_UNORD_Q));
    return _mm256_and_si256(_mm256_blendv_epi8(rounded, quiet, nan),
                            _mm256_set1_epi32(static_cast<int>(0xffff0000U)));
  }
  static void store_bf16(std::uint16_t* p, Reg x) {
    const __m256i packed = _mm256_packus_epi32(_mm256_srli_epi32(round_to_bf16(x.lo), 16),
                                               _mm256_srli_epi32(round_to_bf16(x.hi), 16));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm256_permute4x64_epi64(packed, 0xd8));
  }
  static Reg load_bytes(const std::int8_t* p) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    return {_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes)),
            _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_unpackhi_epi64(bytes, bytes)))};
  }
  static void store_bytes(std::int8_t* p, Reg x) {
    const Reg rounded = add(x, all(kMagic));
    const __m256i low_byte = _mm256_set1_epi32(0xff);
    const __m256i halves = _mm256_permute4x64_epi64(
        _mm256_packus_epi32(_mm256_and_si256(_mm256_castps_si256(rounded.lo), low_byte),
                            _mm256_and_si256(_mm256_castps_si256(rounded.hi), low_byte)),
        0xd8);
    _mm_storeu_si128(
        reinterpret_cast<__m128i*>(p),
        _mm_packus_epi16(_mm256_castsi256_si128(halves), _mm256_extracti128_si256(halves, 1)));
  }
  static void put_half(std::uint16_t* p, std::int64_t member, __m256 x) {
    const __m256i rounded = round_to_bf16(x);
    const __m256i upper = _mm256_set1_epi32(static_cast<int>(0xffff0000U));
    auto* place = reinterpret_cast<__m256i*>(p);
    const __m256i line = _mm256_loadu_si256(place);
    _mm256_storeu_si256(
        place, member == 0
                   ? _mm256_or_si256(_mm256_and_si256(line, upper), _mm256_srli_epi32(rounded, 16))
                   : _mm256_or_si256(_mm256_andnot_si256(upper, line), rounded));
  }
  static void put_in_line(std::uint16_t* p, std::int64_t member, Reg x) {
    put_half(p, member, x.lo);
    put_half(p + 16, member, x.hi);
  }
  static void load_line(const std::uint16_t* p, Reg& even, Reg& odd) {
    const __m256i lo = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
    const __m256i hi = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p + 16));
    const __m256i mask = _mm256_set1_epi32(static_cast<int>(0xffff0000U));
    even = {_mm256_castsi256_ps(_mm256_slli_epi32(lo, 16)),
            _mm256_castsi256_ps(_mm256_slli_epi32(hi, 16))};
    odd = {_mm256_castsi256_ps(_mm256_and_si256(lo, mask)),
           _mm256_castsi256_ps(_mm256_and_si256(hi, mask))};
  }
};

#else

struct Lanes {
  struct Reg {
    float x[16];
  };
  static constexpr int kRowsMax = 1;
  static constexpr int kValueVectors = 1;
  static constexpr int kValueVectorsFewRows = 1;

  template <class F>
  static Reg each(const F& f) {
    Reg y;
    for (int i = 0; i < 16; ++i) y.x[i] = f(i);
    return y;
  }
  static Reg zero() { return all(0.0F); }
  static Reg all(float x) {
    return each([&](int) { return x; });
  }
  static Reg load(const float* p) {
    return each([&](int i) { return p[i]; });
  }
  static void store(float* p, const Reg& x) { __builtin_memcpy(p, x.x, sizeof(x.x)); }
  static Reg add(const Reg& a, const Reg& b) {
    return each([&](int i) { return a.x[i] + b.x[i]; });
  }
  static Reg sub(const Reg& a, const Reg& b) {
    return each([&](int i) { return a.x[i] - b.x[i]; });
  }
  static Reg mul(const Reg& a, const Reg& b) {
    return each([&](int i) { return a.x[i] * b.x[i]; });
  }
  static Reg div(const Reg& a, const Reg& b) {
    return each([&](int i) { return a.x[i] / b.x[i]; });
  }
  static Reg fma(const Reg& a, const Reg& b, const Reg& c) {
    return each([&](int i) { return __builtin_fmaf(a.x[i], b.x[i], c.x[i]); });
  }
  static Reg max(const Reg& a, const Reg& b) {
    return each([&](int i) { return a.x[i] > b.x[i] ? a.x[i] : b.x[i]; });
  }
  static Reg zero_where_less(const Reg& x, const Reg& limit, const Reg& y) {
    return each([&](int i) { return x.x[i] < limit.x[i] ? 0.0F : y.x[i]; });
  }
  static Reg magnitude(const Reg& x) {
    return each([&](int i) { return float_of(bits_of(x.x[i]) & 0x7fffffffU); });
  }
  static Reg with_sign(const Reg& x, const Reg& sign) {
    return each(
        [&](int i) { return float_of(bits_of(x.x[i]) | (bits_of(sign.x[i]) & 0x80000000U)); });
  }
  static Reg power_of_magic(const Reg& x) {
    return each([&](int i) { return float_of((bits_of(x.x[i]) << 23) + 0x3f800000U); });
  }
  static void store_bf16(std::uint16_t* p, const Reg& x) {
    for (int i = 0; i < 16; ++i) p[i] = static_cast<std::uint16_t>(round_to_bf16(x.x[i]) >> 16);
  }
  static Reg load_bytes(const std::int8_t* p) {
    return each([&](int i) { return static_cast<float>(p[i]); });
  }
  static void store_bytes(std::int8_t* p, const Reg& x) {
    for (int i = 0; i < 16; ++i) {
      p[i] = static_cast<std::int8_t>(bits_of(x.x[i] + kMagic) & 0xffU);
    }
  }
  static void put_in_line(std::uint16_t* p, std::int64_t member, const Reg& x) {
    for (int i = 0; i < 16; ++i) {
      p[2 * i + member] = static_cast<std::uint16_t>(round_to_bf16(x.x[i]) >> 16);
    }
  }
  static void load_line(const std::uint16_t* p, Reg& even, Reg& odd) {
    even = each([&](int i) { return float_of(static_cast<std::uint32_t>(p[2 * i]) << 16); });
    odd = each([&](int i) { return float_of(static_cast<std::uint32_t>(p[2 * i + 1]) << 16); });
  }
};

#endif

/// The sixteen lanes added as a tree: 8 apart, 4, 2, 1.
inline float sum_of(const Lanes::Reg& lanes) {
  float x[16];
  Lanes::store(x, lanes);
  for (int width = 8; width > 0; width /= 2) {
    for (int i = 0; i < width; ++i) x[i] += x[i + width];
  }
  return x[0];
}

inline float max_of(const Lanes::Reg& lanes) {
  float x[16];
  Lanes::store(x, lanes);
  for (int width = 8; width > 0; width /= 2) {
    for (int i = 0; i < width; ++i) x[i] = x[i] > x[i + width] ? x[i] : x[i + width];
  }
  return x[0];
}

/// 2^x for x <= 0, relative error below 2e-8 before rounding; 0 below -125.
inline Lanes::Reg exp2_lanes(const Lanes::Reg& x) {
  const Lanes::Reg magic = Lanes::all(kMagic);
  const Lanes::Reg shifted = Lanes::add(x, magic);
  const Lanes::Reg f = Lanes::sub(x, Lanes::sub(shifted, magic));
  Lanes::Reg p = Lanes::all(0.000154531634F);
  p = Lanes::fma(p, f, Lanes::all(0.00133908633F));
  p = Lanes::fma(p, f, Lanes::all(0.00961808302F));
  p = Lanes::fma(p, f, Lanes::all(0.0555035695F));
  p = Lanes::fma(p, f, Lanes::all(0.240226507F));
  p = Lanes::fma(p, f, Lanes::all(0.69314718F));
  p = Lanes::fma(p, f, Lanes::all(1.0F));
  return Lanes::zero_where_less(x, Lanes::all(-125.0F),
                                Lanes::mul(p, Lanes::power_of_magic(shifted)));
}

inline float exp2_of(float x) {
  float y[16];
  Lanes::store(y, exp2_lanes(Lanes::all(x)));
  return y[0];
}

/// tanh, absolute error below 2e-7.
inline Lanes::Reg tanh_lanes(const Lanes::Reg& x) {
  const Lanes::Reg one = Lanes::all(1.0F);
  const Lanes::Reg e =  // exp(-2 |x|)
      exp2_lanes(Lanes::mul(Lanes::magnitude(x), Lanes::all(-2.88539008F)));
  return Lanes::with_sign(Lanes::div(Lanes::sub(one, e), Lanes::add(one, e)), x);
}

}  // namespace
}  // namespace hearth::kernels
