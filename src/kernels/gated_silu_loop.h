// gate * sigmoid(gate) * up, written once for the compilers of all instruction sets: operations
// that can be done several at a time and that round the same way then. Included by the kernels of
// every instruction set, hence without the standard library and with internal linkage only.
#pragma once

#include <cstdint>

namespace hearth::kernels {
namespace {

/// e^x for -87 <= x <= 87: 2^n * e^r with |r| <= ln(2) / 2, e^r by Taylor's polynomial of degree 7.
inline float exp_in_range(float x) noexcept {
  constexpr float kRound = 12582912.0F;  // 1.5 * 2^23: adding it rounds to an integer
  const float shifted = x * 1.44269504F + kRound;
  const float n = shifted - kRound;
  const float r = (x - n * 0.693145752F) - n * 1.42860677e-6F;
  float sum = 1.0F / 5040;
  sum = sum * r + 1.0F / 720;
  sum = sum * r + 1.0F / 120;
  sum = sum * r + 1.0F / 24;
  sum = sum * r + 1.0F / 6;
  sum = sum * r + 0.5F;
  sum = sum * r + 1.0F;
  sum = sum * r + 1.0F;
  // The lowest bits of `shifted` are n. Of NaN they are anything, and the product is NaN all the
  // same.
  const std::uint32_t power = (__builtin_bit_cast(std::uint32_t, shifted) -
                               __builtin_bit_cast(std::uint32_t, kRound) + 127U)
                              << 23U;
  return sum * __builtin_bit_cast(float, power);
}

/// out[i] = gate[i] * sigmoid(gate[i]) * up[i]; `out` may be `gate` or `up`. Beyond +-87 the
/// sigmoid is 1 or nothing to a float's last bit.
inline void gated_silu_loop(const float* gate, const float* up, float* out,
                            std::int64_t count) noexcept {
  for (std::int64_t i = 0; i < count; ++i) {
    const float x = gate[i];
    const float bounded = x > 87.0F ? 87.0F : x < -87.0F ? -87.0F : x;
    out[i] = x * (1.0F / (1.0F + exp_in_range(-bounded))) * up[i];
  }
}

}  // namespace
}  // namespace hearth::kernels
