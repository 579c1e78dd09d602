// RMSNorm of one row, perhaps of a sum of two, written once for the compilers of all instruction
// sets: 16 running sums, added in a fixed tree, round the same way in scalars and in vectors.
// Included by the kernels of every instruction set, hence without the standard library and with
// internal linkage only.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hearth::kernels {
namespace {

constexpr std::int32_t kNormLanes = 16;

/// The compiler makes vectors of the instruction set out of it.
using NormLanes [[gnu::vector_size(kNormLanes * sizeof(float))]] = float;

/// The sum of the squares: lane i has the elements i, i + 16, ...; then halves are added to halves.
inline float sum_of_squares(const float* x, std::int32_t k) noexcept {
  NormLanes sums{};
  NormLanes values{};
  std::int32_t begin = 0;
  for (; begin + kNormLanes <= k; begin += kNormLanes) {
    __builtin_memcpy(&values, x + begin, sizeof values);
    sums += values * values;
  }
  values = NormLanes{};
  __builtin_memcpy(&values, x + begin, static_cast<std::size_t>(k - begin) * sizeof(float));
  sums += values * values;
  for (std::int32_t half = kNormLanes / 2; half > 0; half /= 2) {
    for (std::int32_t i = 0; i < half; ++i) sums[i] += sums[half + i];
  }
  return sums[0];
}

/// See NormRow in abi.h.
inline void norm_loop(const float* x, const float* skip, const float* weight, float epsilon,
                      std::int32_t k, float* sum, float* out) noexcept {
  const float* total = x;
  if (skip != nullptr) {
    float* to = sum != nullptr ? sum : out;
    for (std::int32_t i = 0; i < k; ++i) to[i] = x[i] + skip[i];
    total = to;
  }
  const float mean = sum_of_squares(total, k) / static_cast<float>(k);
  const float scale = 1.0F / __builtin_sqrtf(mean + epsilon);
  for (std::int32_t i = 0; i < k; ++i) out[i] = total[i] * scale * weight[i];
}

}  // namespace
}  // namespace hearth::kernels
