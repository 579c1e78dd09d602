/// @file
/// Comparing results bit by bit, as tests of `exact` need it.

#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <functional>
#include <vector>

namespace hearth::kernels {

/// Whether a and b are equally long and hold the same bits: NaN equals itself, 0 is not -0.
inline bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  const auto bits = [](float value) { return std::bit_cast<std::uint32_t>(value); };
  return std::ranges::equal(a, b, std::equal_to{}, bits, bits);
}

}  // namespace hearth::kernels
