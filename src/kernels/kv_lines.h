// How the tokens of a granule lie in memory, for each element type of a pool: attention_abi.h has
// the layout, this is putting keys and values into it and reading its lines.
//
// int8: a key (after norm and rotary) or value of one token and head is a row of its own with
//   scale = greatest magnitude / 127,  q[i] = x[i] * (127 / greatest magnitude), to nearest even.
// A row whose greatest magnitude is below 2^-100, zeros too, is zeros with the scale 0; one with an
// infinity or NaN is zeros with the scale NaN, so that what it reaches is NaN as with wider
// elements. q[i] is a whole number of -127..127, exact in float32 and in bf16; products are made
// with it, and the scale is multiplied in once per key: into the score, into the value's weight.
#pragma once

#include "kernels/attention_abi.h"
#include "kernels/attention_lanes.h"

namespace hearth::kernels {
namespace {

constexpr std::int64_t kHeadDimMax = 256;

/// Whether scales lie behind a granule's lines.
template <class E>
constexpr bool kHasScales = false;
template <>
constexpr bool kHasScales<std::int8_t> = true;

/// Bytes of a token's key, or value, of one head.
template <class E>
constexpr std::int64_t token_bytes(std::int64_t dim) {
  return dim * static_cast<std::int64_t>(sizeof(E)) + (kHasScales<E> ? kKvScaleBytes : 0);
}

/// [kKvGranuleTokens] scales of a granule.
inline const float* scales_of(const std::int8_t* granule, std::int64_t dim) {
  return reinterpret_cast<const float*>(granule + kKvGranuleTokens * dim);
}

inline void fetch_scales(const std::int8_t* granule, std::int64_t dim) {
  __builtin_prefetch(granule + kKvGranuleTokens * dim);
  __builtin_prefetch(granule + kKvGranuleTokens * dim + 64);
}

/// A line of float32: sixteen first members of the pairs, then sixteen second ones.
inline void load_line(const float* line, Lanes::Reg& even, Lanes::Reg& odd) {
  even = Lanes::load(line);
  odd = Lanes::load(line + 16);
}

/// bf16: pair by pair.
inline void load_line(const std::uint16_t* line, Lanes::Reg& even, Lanes::Reg& odd) {
  Lanes::load_line(line, even, odd);
}

/// int8: as float32. The values are not scaled.
inline void load_line(const std::int8_t* line, Lanes::Reg& even, Lanes::Reg& odd) {
  even = Lanes::load_bytes(line);
  odd = Lanes::load_bytes(line + 16);
}

/// Rounds a row to whole multiples of the scale that it returns; see above.
inline float quantise(const float* row, std::int64_t dim, std::int8_t* out) {
  constexpr float kSmallestPeak = 0x1p-100F;
  Lanes::Reg greatest = Lanes::zero();
  Lanes::Reg nothing = Lanes::zero();  // as long as every element is finite
  for (std::int64_t i = 0; i < dim; i += 16) {
    const Lanes::Reg x = Lanes::load(row + i);
    greatest = Lanes::max(Lanes::magnitude(x), greatest);
    nothing = Lanes::fma(x, Lanes::zero(), nothing);
  }
  const float peak = max_of(greatest);
  const bool finite = sum_of(nothing) == 0.0F;
  if (!finite || peak < kSmallestPeak) {
    __builtin_memset(out, 0, static_cast<std::size_t>(dim));
    return finite ? 0.0F : __builtin_nanf("");
  }
  const Lanes::Reg inverse = Lanes::all(127.0F / peak);
  for (std::int64_t i = 0; i < dim; i += 16) {
    Lanes::store_bytes(out + i, Lanes::mul(Lanes::load(row + i), inverse));
  }
  return peak / 127.0F;
}

inline void put_scale(std::int8_t* granule, std::int64_t token, std::int64_t dim, float scale) {
  __builtin_memcpy(granule + kKvGranuleTokens * dim + token * kKvScaleBytes, &scale, sizeof(scale));
}

/// Puts the key of a granule's token, `dim` floats, into its lane of its lines.
inline void put_key(std::uint16_t* granule, std::int64_t token, const float* key,
                    std::int64_t dim) {
  std::uint16_t* lines = granule + token / 16 * 16 * dim;
  alignas(64) std::uint16_t rounded[kHeadDimMax];
  for (std::int64_t i = 0; i < dim; i += 16) Lanes::store_bf16(rounded + i, Lanes::load(key + i));
  for (std::int64_t i = 0; i < dim; i += 2) {
    __builtin_memcpy(lines + i * 16 + token % 16 * 2, rounded + i, 4);
  }
}

inline void put_key(float* granule, std::int64_t token, const float* key, std::int64_t dim) {
  float* lines = granule + token / 16 * 16 * dim;
  for (std::int64_t i = 0; i < dim; ++i) lines[i * 16 + token % 16] = key[i];
}

inline void put_key(std::int8_t* granule, std::int64_t token, const float* key, std::int64_t dim) {
  std::int8_t* lines = granule + token / 16 * 16 * dim;
  alignas(64) std::int8_t rounded[kHeadDimMax];
  put_scale(granule, token, dim, quantise(key, dim, rounded));
  for (std::int64_t i = 0; i < dim; ++i) lines[i * 16 + token % 16] = rounded[i];
}

/// Puts the value of a granule's token, `dim` floats, into its places of its lines.
inline void put_value(std::uint16_t* granule, std::int64_t token, const float* value,
                      std::int64_t dim) {
  std::uint16_t* lines = granule + token / 2 * 2 * dim;
  for (std::int64_t i = 0; i < dim; i += 16) {
    Lanes::put_in_line(lines + i * 2, token % 2, Lanes::load(value + i));
  }
}

inline void put_value(float* granule, std::int64_t token, const float* value, std::int64_t dim) {
  float* lines = granule + token / 2 * 2 * dim + token % 2 * 16;
  for (std::int64_t i = 0; i < dim; i += 16) Lanes::store(lines + i * 2, Lanes::load(value + i));
}

inline void put_value(std::int8_t* granule, std::int64_t token, const float* value,
                      std::int64_t dim) {
  std::int8_t* lines = granule + token / 2 * 2 * dim + token % 2 * 16;
  alignas(64) std::int8_t rounded[kHeadDimMax];
  put_scale(granule, token, dim, quantise(value, dim, rounded));
  for (std::int64_t i = 0; i < dim; i += 16) __builtin_memcpy(lines + i * 2, rounded + i, 16);
}

/// Makes the values of a granule from `token` on harmless: whatever they were before, NaN included,
/// times a weight of 0 must be 0.
template <class E>
void clear_values(E* granule, std::int64_t token, std::int64_t dim) {
  if (token % 2 == 1) {
    alignas(64) const float zeros[kHeadDimMax] = {};
    put_value(granule, token, zeros, dim);
    ++token;
  }
  const std::int64_t left = (kKvGranuleTokens - token) * dim;
  __builtin_memset(granule + token * dim, 0, static_cast<std::size_t>(left) * sizeof(E));
}

/// What int8 elements are is always finite: only scales can do harm.
inline void clear_values(std::int8_t* granule, std::int64_t token, std::int64_t dim) {
  const std::int64_t left = kKvGranuleTokens - token;
  __builtin_memset(granule + kKvGranuleTokens * dim + token * kKvScaleBytes, 0,
                   static_cast<std::size_t>(left * kKvScaleBytes));
}

/// Multiplies a row's scores or weights of granules [begin, end) by these granules' scales.
inline void apply_scales(float* row, const std::int8_t* const* granules, std::int64_t begin,
                         std::int64_t end, std::int64_t dim) {
  for (std::int64_t g = begin; g < end; ++g) {
    const float* scales = scales_of(granules[g], dim);
    float* at = row + g * kKvGranuleTokens;
    for (std::int64_t i = 0; i < kKvGranuleTokens; i += 16) {
      Lanes::store(at + i, Lanes::mul(Lanes::load(at + i), Lanes::load(scales + i)));
    }
  }
}

}  // namespace
}  // namespace hearth::kernels
