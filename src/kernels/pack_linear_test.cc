// Packing: slices, what is refused, and that every byte of the output is written.
#include "kernels/pack_linear.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "kernels/linear_test_support.h"

namespace hearth::kernels {
namespace {

TEST(PackLinear, ASliceComputesItsOutputs) {
  const TestLinear linear({100, 96, 4, 32, true, true}, 3);
  const std::vector<float> x = random_rows(1, 96, 4);
  const auto whole = run_batch(Isa::kPortable, {&linear}, x, {.exact_rows = 1});
  const KernelSet& kernels = *kernels_for(Isa::kPortable).value();
  std::vector<float> y(30);
  const LinearCall call{slice_outputs(linear.packed(), 48, 30), y.data(), 30};
  std::vector<std::byte> storage(linear_workspace_bytes(kernels, 96, 1, 0, 1) + kAlignment);
  void* p = storage.data();
  std::size_t space = storage.size();
  LinearBatch batch{&kernels, x.data(), 96, 96, 1, 0, {&call, 1}, nullptr, nullptr};
  batch.workspace =
      static_cast<std::byte*>(std::align(kAlignment, storage.size() - kAlignment, p, space));
  prepare_rows(batch, 0, 1);
  run_linears(batch, 0, 1);
  for (std::size_t i = 0; i < 30; ++i) EXPECT_EQ(y[i], whole[0][48 + i]);
}

TEST(PackLinear, WritesEveryByte) {
  const TestLinear linear({33, 100, 4, 16, true, true}, 3);
  const std::size_t size = packed_bytes(linear.format());
  std::vector<std::uint8_t> a(size, 0x00);
  std::vector<std::uint8_t> b(size, 0xff);
  for (int task = 0; task < 3; ++task) pack_linear(linear.matrix(), linear.format(), a, task, 3);
  pack_linear(linear.matrix(), linear.format(), b);
  EXPECT_EQ(a, b);
}

TEST(PackLinear, ScalesKeepTenBits) {
  const TestLinear linear({16, 64, 4, 32, false, false}, 3, Scales::kAdversarial);
  const PackedLinear packed = linear.packed();
  ASSERT_EQ(packed.wide_scales, 0);
  // x = one 127 in a block of 0s is exact, so y / 127 / (q - 8) is the scale as stored.
  std::vector<float> x(64, 0.0F);
  x[5] = 127.0F;
  const auto y = run_batch(Isa::kPortable, {&linear}, x, {.exact_rows = 1});
  for (int output = 0; output < 16; ++output) {
    const double expected = linear.weight(output, 5) * 127;
    EXPECT_NEAR(y[0][static_cast<std::size_t>(output)], expected, std::fabs(expected) * 0x1p-10);
  }
}

TEST(PackLinear, RefusesWrongTensors) {
  std::vector<std::uint8_t> weights(16 * 16);
  std::vector<float> scales(16, 1.0F);
  const QuantisedMatrix good{weights, scales, {}, {}, 16, 32, 4, 32};
  ASSERT_TRUE(choose_format(good).has_value());
  const auto refused = [&](auto change, const std::string& word) {
    QuantisedMatrix bad = good;
    change(bad);
    const auto result = choose_format(bad);
    ASSERT_FALSE(result.has_value()) << word;
    EXPECT_NE(result.error().message.find(word), std::string::npos) << result.error().message;
  };
  refused([](auto& m) { m.bits = 3; }, "bits");
  refused([](auto& m) { m.block_size = 48; }, "block_size");
  refused([](auto& m) { m.n = 0; }, "0 x 32");
  refused([](auto& m) { m.k = 64; }, "weight");
  refused([](auto& m) { m.scales = m.scales.first(3); }, "scale");
  refused([&](auto& m) { m.zero_points = weights; }, "zero point");
  refused([&](auto& m) { m.bias = m.scales.first(3); }, "bias");
  scales[7] = std::numeric_limits<float>::infinity();
  refused([](auto&) {}, "scale 7");
}

TEST(PackLinear, ChecksFormatsFromFiles) {
  const TestLinear linear({16, 64, 4, 32, false, false}, 3);
  ASSERT_TRUE(check_format(linear.format()).has_value());
  for (std::int32_t LinearFormat::*field :
       {&LinearFormat::n, &LinearFormat::k, &LinearFormat::bits, &LinearFormat::block_size,
        &LinearFormat::exponent, &LinearFormat::wide_scales, &LinearFormat::zero_points,
        &LinearFormat::bias}) {
    LinearFormat bad = linear.format();
    bad.*field = 0x7fffffff;
    EXPECT_FALSE(check_format(bad).has_value());
  }
}

}  // namespace
}  // namespace hearth::kernels
