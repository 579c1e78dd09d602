#include "engine/random.h"

#include <gtest/gtest.h>

#include <cmath>

namespace hearth::engine {
namespace {

using Words4 = std::array<std::uint32_t, 4>;

// Known answers published with the Random123 library for philox4x32-10.
TEST(Philox, KnownAnswers) {
  EXPECT_EQ(philox4x32({0, 0, 0, 0}, {0, 0}),
            (Words4{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox4x32({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}),
            (Words4{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Words4{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(UniformDraw, IsUniformAndBelowOne) {
  constexpr int kDraws = 100000;
  constexpr int kBins = 10;
  std::array<int, kBins> bins{};
  for (int i = 0; i < kDraws; ++i) {
    const double u = uniform_draw(7, static_cast<std::uint64_t>(i));
    ASSERT_GE(u, 0.0);
    ASSERT_LT(u, 1.0);
    ++bins[static_cast<std::size_t>(u * kBins)];
  }
  double chi_squared = 0;
  for (const int count : bins) {
    const double expected = double{kDraws} / kBins;
    chi_squared += (count - expected) * (count - expected) / expected;
  }
  EXPECT_LT(chi_squared, 27.9);  // 9 degrees of freedom, p = 0.001
}

TEST(UniformDraw, SeedsAndIndicesGiveDifferentNumbers) {
  EXPECT_NE(uniform_draw(1, 0), uniform_draw(2, 0));
  EXPECT_NE(uniform_draw(1, 0), uniform_draw(1, 1));
  EXPECT_NE(uniform_draw(1, 0), uniform_draw(1, std::uint64_t{1} << 32));
}

}  // namespace
}  // namespace hearth::engine
