// Counter-based random numbers: the n-th draw of a seed is a pure function of (seed, n), so a
// request's text does not depend on what else runs beside it.
#pragma once

#include <array>
#include <cstdint>

namespace hearth::engine {

/// Philox 4x32 with 10 rounds (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011).
std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter,
                                        std::array<std::uint32_t, 2> key);

/// Draw number `index` of stream `seed`, uniform in [0, 1) with 53 bits.
double uniform_draw(std::uint64_t seed, std::uint64_t index);

}  // namespace hearth::engine
