#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include "kernels/registry.h"

namespace hearth::kernels {
namespace {

std::vector<const KernelSet*> available() {
  std::vector<const KernelSet*> sets;
  for (int isa = 0; isa <= static_cast<int>(best_isa()); ++isa) {
    sets.push_back(kernels_for(static_cast<Isa>(isa)).value());
  }
  return sets;
}

std::vector<float> random_values(std::size_t count, float spread, unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal(0, spread);
  std::vector<float> values(count);
  for (float& value : values) value = normal(generator);
  return values;
}

TEST(GatedSilu, IsCloseToTheFormulaInDoubles) {
  const auto up = random_values(4097, 1, 1);
  for (const float spread : {0.01F, 1.0F, 30.0F}) {
    const auto gate = random_values(up.size(), spread, 2);
    for (const KernelSet* set : available()) {
      std::vector<float> out(up.size());
      set->gated_silu(gate.data(), up.data(), out.data(), std::ssize(out));
      for (std::size_t i = 0; i < out.size(); ++i) {
        const double exact = gate[i] / (1 + std::exp(-double{gate[i]})) * up[i];
        EXPECT_NEAR(out[i], exact, 1e-6 * std::abs(exact) + 1e-34) << name_of(set->isa) << gate[i];
      }
    }
  }
}

TEST(GatedSilu, IsTheSameBitsOnEveryInstructionSetAtEveryPlace) {
  auto gate = random_values(300, 40, 3);
  const float infinity = std::numeric_limits<float>::infinity();
  const std::vector<float> edges{0.0F, -0.0F, 87.0F, -87.0F, 88.5F, -88.5F, 3e38F, -3e38F, 1e-40F};
  std::copy(edges.begin(), edges.end(), gate.begin() + 7);
  const auto up = random_values(gate.size(), 1, 4);
  for (const KernelSet* set : available()) {
    for (std::size_t i = 0; i < gate.size(); ++i) {
      float alone = 0;
      kernels_for(Isa::kPortable).value()->gated_silu(&gate[i], &up[i], &alone, 1);
      for (const std::size_t first : {std::size_t{0}, i / 2, i}) {
        std::vector<float> out(i - first + 1);
        set->gated_silu(&gate[first], &up[first], out.data(), std::ssize(out));
        ASSERT_EQ(std::bit_cast<std::uint32_t>(out.back()), std::bit_cast<std::uint32_t>(alone))
            << name_of(set->isa) << " " << i << " from " << first;
      }
    }
    const std::vector<float> strange{infinity, -infinity, std::nanf("")};
    const std::vector<float> ones(3, 1.0F);
    std::vector<float> out(3);
    set->gated_silu(strange.data(), ones.data(), out.data(), 3);
    EXPECT_EQ(out[0], infinity);
    EXPECT_LE(out[1], 0.0F);
    EXPECT_TRUE(std::isnan(out[2]));
  }
}

TEST(GatedSilu, MayWriteOverItsInput) {
  const auto gate = random_values(100, 2, 5);
  const auto up = random_values(100, 2, 6);
  for (const KernelSet* set : available()) {
    std::vector<float> apart(100);
    set->gated_silu(gate.data(), up.data(), apart.data(), 100);
    auto onto_gate = gate;
    set->gated_silu(onto_gate.data(), up.data(), onto_gate.data(), 100);
    EXPECT_EQ(onto_gate, apart);
  }
}

}  // namespace
}  // namespace hearth::kernels
