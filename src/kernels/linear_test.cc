// The linears: the portable kernel against the tensors in double, every other kernel against it bit
// by bit, the fast recipe by its error, and what must not change a row's value.
#include "kernels/linear.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <vector>

#include "kernels/linear_test_support.h"
#include "kernels/same_bits_test_support.h"

namespace hearth::kernels {
namespace {

constexpr float kGuard = -12345.0F;

std::vector<Isa> available() {
  std::vector<Isa> isas;
  for (int i = 0; i <= static_cast<int>(best_isa()); ++i) isas.push_back(static_cast<Isa>(i));
  return isas;
}

std::vector<Shape> shapes() {
  std::vector<Shape> all;
  for (const int bits : {4, 8}) {
    for (const int block_size : {16, 32, 64, 128, 256}) {
      for (const bool zero_points : {false, true}) {
        // One below, at and above the edges of columns, groups, blocks and units.
        all.push_back({33, 288, bits, block_size, zero_points, true});
        all.push_back({16, 256, bits, block_size, zero_points, false});
        all.push_back({50, 1056 + 7, bits, block_size, zero_points, true});
        all.push_back({1, 1, bits, block_size, zero_points, true});
      }
    }
  }
  return all;
}

double row_times(const TestLinear& linear, const float* x, int output, double* magnitude) {
  double sum = linear.bias(output);
  *magnitude = std::fabs(sum);
  for (int k = 0; k < linear.shape().k; ++k) {
    const double product = linear.weight(output, k) * static_cast<double>(x[k]);
    sum += product;
    *magnitude += std::fabs(product);
  }
  return sum;
}

/// Error of y against double, as a share of the sum of magnitudes: root mean square and worst.
struct Error {
  double rms = 0;
  double worst = 0;
};

Error error_of(const TestLinear& linear, const std::vector<float>& x, const std::vector<float>& y,
               int rows) {
  Error error;
  const int n = linear.shape().n;
  for (int row = 0; row < rows; ++row) {
    for (int output = 0; output < n; ++output) {
      double magnitude = 0;
      const double expected =
          row_times(linear, x.data() + row * linear.shape().k, output, &magnitude);
      const double found = y[static_cast<std::size_t>(row) * static_cast<std::size_t>(n + 1) +
                             static_cast<std::size_t>(output)];
      const double e = std::fabs(found - expected) / std::max(magnitude, 1e-300);
      error.rms += e * e;
      error.worst = std::max(error.worst, e);
    }
  }
  error.rms = std::sqrt(error.rms / (rows * n));
  return error;
}

/// The largest error of the exact recipe as a share of what it may be: half a step of int8 for each
/// value of x, 2^-11 for each scale, and some float32 additions.
double share_of_exact_bound(const TestLinear& linear, const std::vector<float>& x,
                            const std::vector<float>& y, int rows) {
  double worst = 0;
  const int n = linear.shape().n;
  const int k_end = linear.shape().k;
  for (int row = 0; row < rows; ++row) {
    const float* values = x.data() + row * k_end;
    for (int output = 0; output < n; ++output) {
      double magnitude = 0;
      const double expected = row_times(linear, values, output, &magnitude);
      double allowed = magnitude * 0x1p-10;
      for (int begin = 0; begin < k_end; begin += kGroup) {
        const int end = std::min(begin + kGroup, k_end);
        double largest = 0;
        double weights = 0;
        for (int k = begin; k < end; ++k) {
          largest = std::max(largest, std::fabs(static_cast<double>(values[k])));
          weights += std::fabs(linear.weight(output, k));
        }
        allowed += weights * largest / 254 * 1.001;
      }
      const double found = y[static_cast<std::size_t>(row) * static_cast<std::size_t>(n + 1) +
                             static_cast<std::size_t>(output)];
      worst = std::max(worst, std::fabs(found - expected) / std::max(allowed, 1e-300));
    }
  }
  return worst;
}

TEST(Linear, PortableKernelMeansWhatTheTensorsMean) {
  for (const Shape& shape : shapes()) {
    const TestLinear linear(shape, 1);
    const std::vector<float> x = random_rows(3, shape.k, 2);
    const auto y = run_batch(Isa::kPortable, {&linear}, x, {.exact_rows = 3});
    EXPECT_LE(share_of_exact_bound(linear, x, y[0], 3), 1) << describe(shape);
    for (std::size_t row = 0; row < 3; ++row) {
      EXPECT_EQ(
          y[0][row * static_cast<std::size_t>(shape.n + 1) + static_cast<std::size_t>(shape.n)],
          kGuard);
    }
  }
}

TEST(Linear, IntegersComeOutExactly) {
  // x of integers with 127 in every block is quantised without error; so is W with scale 1.
  std::vector<std::uint8_t> weights(40 * 64);
  std::iota(weights.begin(), weights.end(), std::uint8_t{3});
  const std::vector<float> scales(40 * 4, 1.0F);
  const QuantisedMatrix matrix{weights, scales, {}, {}, 40, 128, 4, 32};
  const LinearFormat format = choose_format(matrix).value();
  std::vector<std::uint8_t> storage(packed_bytes(format) + 64);
  void* p = storage.data();
  std::size_t space = storage.size();
  auto* packed = static_cast<std::uint8_t*>(std::align(64, packed_bytes(format), p, space));
  pack_linear(matrix, format, {packed, packed_bytes(format)});
  std::vector<float> x(128);
  for (std::size_t i = 0; i < 128; ++i) {
    x[i] = i % 32 == 0 ? 127.0F : static_cast<float>(i % 19) - 9.0F;
  }
  for (const Isa isa : available()) {
    const KernelSet& kernels = *kernels_for(isa).value();
    std::vector<float> y(40);
    const LinearCall call{view_packed(format, packed), y.data(), 40};
    std::vector<std::byte> workspace(linear_workspace_bytes(kernels, 128, 1, 0, 1) + 64);
    void* w = workspace.data();
    std::size_t room = workspace.size();
    LinearBatch batch{&kernels, x.data(), 128, 128, 1, 0, {&call, 1}, nullptr, nullptr};
    batch.workspace = static_cast<std::byte*>(std::align(64, workspace.size() - 64, w, room));
    prepare_rows(batch, 0, 1);
    run_linears(batch, 0, 1);
    for (std::size_t n = 0; n < 40; ++n) {
      float expected = 0;
      for (std::size_t k = 0; k < 128; ++k) {
        const int q = weights[n * 64 + k / 2] >> (k % 2 * 4) & 15;
        expected += static_cast<float>(q - 8) * x[k];
      }
      EXPECT_EQ(y[n], expected) << name_of(isa) << " output " << n;
    }
  }
}

TEST(Linear, ExactIsTheSameBitsOnEveryInstructionSetForAnyRowsAndTasks) {
  unsigned seed = 1;
  for (const Shape& shape : shapes()) {
    const TestLinear linear(shape, ++seed);
    const std::vector<float> x = random_rows(41, shape.k, ++seed);
    const auto expected = run_batch(Isa::kPortable, {&linear}, x, {.exact_rows = 41});
    for (const Isa isa : available()) {
      for (const int rows : {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 16, 17, 24, 32, 33, 41}) {
        for (const int tasks : {1, 3}) {
          const auto y = run_batch(isa, {&linear}, x, {.exact_rows = rows, .tasks = tasks});
          ASSERT_EQ(std::memcmp(y[0].data(), expected[0].data(), y[0].size() * sizeof(float)), 0)
              << name_of(isa) << " " << describe(shape) << " rows=" << rows << " tasks=" << tasks;
        }
      }
    }
  }
}

TEST(Linear, ExactIsTheSameBitsForManyRows) {
  const Shape shape{48, 160, 4, 32, false, false};
  const TestLinear linear(shape, 5);
  const std::vector<float> x = random_rows(512, shape.k, 6);
  const auto expected = run_batch(Isa::kPortable, {&linear}, x, {.exact_rows = 512});
  for (const Isa isa : available()) {
    for (const int rows : {64, 127, 255, 512}) {
      const auto y = run_batch(isa, {&linear}, x, {.exact_rows = rows});
      ASSERT_EQ(std::memcmp(y[0].data(), expected[0].data(), y[0].size() * sizeof(float)), 0)
          << name_of(isa) << " rows=" << rows;
    }
  }
}

/// `exact` of `linear` on every instruction set against the portable one, for rows on either side
/// of every number of rows at once.
void expect_same_bits(const TestLinear& linear, const std::vector<float>& x) {
  constexpr int kRows = 17;
  const auto expected = run_batch(Isa::kPortable, {&linear}, x, {.exact_rows = kRows})[0];
  EXPECT_LE(share_of_exact_bound(linear, x, expected, kRows), 1) << describe(linear.shape());
  for (const Isa isa : available()) {
    for (const int rows : {1, 2, 3, 4, 9, 12, 13, kRows}) {
      const auto y = run_batch(isa, {&linear}, x, {.exact_rows = rows})[0];
      const std::vector<float> same(expected.begin(),
                                    expected.begin() + static_cast<std::ptrdiff_t>(y.size()));
      EXPECT_TRUE(same_bits(y, same))
          << name_of(isa) << " " << describe(linear.shape()) << " rows=" << rows;
    }
  }
}

TEST(Linear, HostileScalesAreTheSameBits) {
  for (const Scales kind : {Scales::kAdversarial, Scales::kHuge, Scales::kTiny, Scales::kWide}) {
    for (const int bits : {4, 8}) {
      for (const int block_size : {16, 32}) {
        for (const bool zero_points : {false, true}) {
          const TestLinear linear({40, 320, bits, block_size, zero_points, true}, 9, kind);
          EXPECT_EQ(linear.format().wide_scales, kind == Scales::kWide ? 1 : 0);
          expect_same_bits(linear, random_rows(17, 320, 3));
        }
      }
    }
  }
}

TEST(Linear, HostileScalesInBothRecipes) {
  for (const Scales kind : {Scales::kAdversarial, Scales::kHuge, Scales::kTiny, Scales::kWide}) {
    for (const int bits : {4, 8}) {
      const TestLinear linear({40, 320, bits, 32, true, true}, 9, kind);
      const std::vector<float> x = random_rows(9, 320, 3);
      const auto expected = run_batch(Isa::kPortable, {&linear}, x, {.exact_rows = 9});
      for (const Isa isa : available()) {
        const auto mixed = run_batch(isa, {&linear}, x, {.exact_rows = 4, .fast_rows = 5});
        EXPECT_LE(share_of_exact_bound(linear, x, mixed[0], 9), 1) << name_of(isa);
        // Where the fast recipe cannot take the linear, its rows are exact ones.
        if (kind == Scales::kWide) {
          EXPECT_TRUE(same_bits(mixed[0], expected[0])) << name_of(isa);
        }
      }
    }
  }
}

TEST(Linear, TheLargestIntegersAreTheSameBits) {
  for (const int bits : {4, 8}) {
    for (const int block_size : {16, 32, 256}) {
      const TestLinear linear({33, 544, bits, block_size, true, false, true}, 9);
      std::vector<float> x(17 * 544);
      for (std::size_t i = 0; i < x.size(); ++i) x[i] = i / 544 % 2 == 0 ? 1.0F : -1.0F;
      expect_same_bits(linear, x);
    }
  }
}

TEST(Linear, NotANumberSpoilsItsRowAndNoOther) {
  const Shape shape{35, 200, 4, 64, false, true};
  const TestLinear linear(shape, 4);
  std::vector<float> x = random_rows(6, shape.k, 4);
  const auto clean = run_batch(Isa::kPortable, {&linear}, x, {.exact_rows = 6});
  x[2 * 200 + 77] = std::numeric_limits<float>::quiet_NaN();
  x[4 * 200 + 199] = -std::numeric_limits<float>::infinity();
  for (const Isa isa : available()) {
    for (const bool fast : {false, true}) {
      RunOptions options{.exact_rows = fast ? 0 : 6, .fast_rows = fast ? 6 : 0};
      const auto y = run_batch(isa, {&linear}, x, options);
      for (std::size_t row = 0; row < 6; ++row) {
        for (std::size_t output = 0; output < 35; ++output) {
          const float value = y[0][row * 36 + output];
          if (row == 2 || row == 4) {
            EXPECT_FALSE(std::isfinite(value)) << name_of(isa) << row;
          } else if (!fast) {
            EXPECT_EQ(value, clean[0][row * 36 + output]) << name_of(isa) << row;
          } else {
            EXPECT_TRUE(std::isfinite(value)) << name_of(isa) << row;
          }
        }
      }
    }
  }
}

TEST(Linear, DenormalAndZeroRowsAreZero) {
  const Shape shape{20, 64, 4, 32, false, false};
  const TestLinear linear(shape, 4);
  std::vector<float> x(64, 0.0F);
  x[3] = std::numeric_limits<float>::denorm_min();
  for (const Isa isa : available()) {
    const auto y = run_batch(isa, {&linear}, x, {.exact_rows = 1});
    for (std::size_t output = 0; output < 20; ++output) EXPECT_EQ(y[0][output], 0.0F);
  }
}

TEST(Linear, FastRowsAreCloserThanExactOnes) {
  for (const Isa isa : available()) {
    if (kernels_for(isa).value()->fast == nullptr) continue;
    for (const Shape& shape : shapes()) {
      const TestLinear linear(shape, 11);
      const std::vector<float> x = random_rows(37, shape.k, 12);
      const auto fast = run_batch(isa, {&linear}, x, {.fast_rows = 37});
      const auto exact = run_batch(isa, {&linear}, x, {.exact_rows = 37});
      const Error fast_error = error_of(linear, x, fast[0], 37);
      // Two roundings to 8 bits and one of the scale to 11: 2^-9 + 2^-9 and some.
      EXPECT_LT(fast_error.worst, 0.006) << describe(shape);
      if (shape.k > 32) {
        EXPECT_LT(fast_error.rms, error_of(linear, x, exact[0], 37).rms) << describe(shape);
      }
    }
  }
}

TEST(Linear, AFastRowDoesNotDependOnItsNeighboursOrPlace) {
  const Isa isa = best_isa();
  for (const int bits : {4, 8}) {
    const Shape shape{70, 1120, bits, 32, bits == 8, true};
    const TestLinear linear(shape, 11);
    const std::vector<float> x = random_rows(300, shape.k, 12);
    const auto all = run_batch(isa, {&linear}, x, {.fast_rows = 300});
    for (const int rows : {1, 15, 33, 150}) {
      for (const int tasks : {1, 2, 4}) {
        // The last `rows` rows alone, behind two exact ones.
        const std::vector<float> part(x.end() - (rows + 2) * shape.k, x.end());
        const auto y =
            run_batch(isa, {&linear}, part, {.exact_rows = 2, .fast_rows = rows, .tasks = tasks});
        EXPECT_EQ(std::memcmp(y[0].data() + 2 * 71, all[0].data() + (300 - rows) * 71,
                              static_cast<std::size_t>(rows * 71) * sizeof(float)),
                  0)
            << "rows=" << rows << " tasks=" << tasks;
      }
    }
  }
}

TEST(Linear, SeveralLinearsAtOnceAreEachThemselves) {
  const TestLinear query({96, 192, 4, 32, false, true}, 1);
  const TestLinear key({17, 192, 8, 64, true, false}, 2);
  const TestLinear value({40, 192, 4, 16, false, false}, 3, Scales::kWide);
  const std::vector<float> x = random_rows(20, 192, 4);
  for (const Isa isa : available()) {
    for (const int tasks : {1, 2, 3, 16}) {
      const RunOptions options{.exact_rows = 6, .fast_rows = 14, .tasks = tasks};
      const auto together = run_batch(isa, {&query, &key, &value}, x, options);
      const RunOptions one{.exact_rows = 6, .fast_rows = 14};
      EXPECT_TRUE(same_bits(together[0], run_batch(isa, {&query}, x, one)[0]));
      EXPECT_TRUE(same_bits(together[1], run_batch(isa, {&key}, x, one)[0]));
      EXPECT_TRUE(same_bits(together[2], run_batch(isa, {&value}, x, one)[0]));
    }
  }
}

TEST(Linear, WeightsAreReadOnceHoweverManyRows) {
  for (const Shape& shape : shapes()) {
    const TestLinear linear(shape, 7);
    const PackedLinear packed = linear.packed();
    const auto once = static_cast<std::uint64_t>((shape.n + 15) / 16 * packed.tile_bytes);
    const std::vector<float> x = random_rows(130, shape.k, 8);
    for (const Isa isa : available()) {
      if (isa == Isa::kPortable && shape.k > 300) continue;  // slow, and the same loop
      for (const int rows : {1, 5, 16, 130}) {
        std::uint64_t counted[2] = {0, 0};
        run_batch(isa, {&linear}, x, {.exact_rows = rows, .tasks = 2, .weight_bytes = counted});
        EXPECT_EQ(counted[0] + counted[1], once) << name_of(isa) << describe(shape);
        std::uint64_t mixed = 0;
        const auto fast = rows / 2;
        run_batch(isa, {&linear}, x,
                  {.exact_rows = rows - fast, .fast_rows = fast, .weight_bytes = &mixed});
        EXPECT_EQ(mixed, once) << name_of(isa) << describe(shape);
      }
    }
  }
}

TEST(Linear, SharesThatAreTakenAsTheyComeLeaveNothingOutAndReadNothingTwice) {
  const TestLinear wide({16 * 37 + 3, 160, 4, 32, true, false}, 8);
  const TestLinear narrow({5, 160, 8, 32, false, false}, 9);
  const std::vector<float> x = random_rows(20, 160, 10);
  const std::uint64_t once = packed_bytes(wide.format()) + packed_bytes(narrow.format());
  for (const Isa isa : available()) {
    for (const int rows : {1, 8, 20}) {
      const auto expected = run_batch(isa, {&wide, &narrow}, x, {.exact_rows = rows});
      for (const int tasks : {1, 2, 3, 16}) {
        std::vector<std::uint64_t> counted(static_cast<std::size_t>(tasks));
        const auto y = run_batch(isa, {&wide, &narrow}, x,
                                 {.exact_rows = rows,
                                  .tasks = tasks,
                                  .share_as_they_come = true,
                                  .weight_bytes = counted.data()});
        EXPECT_EQ(y, expected) << name_of(isa) << " rows=" << rows << " tasks=" << tasks;
        EXPECT_EQ(std::accumulate(counted.begin(), counted.end(), std::uint64_t{0}), once);
      }
    }
  }
}

/// Fast rows are shared out in whole blocks, and outputs that fill cache lines are streamed.
TEST(Linear, SharedFastRowsAndStreamedOutputsChangeNothing) {
  const TestLinear wide({16 * 75 + 3, 1100, 4, 32, true, true}, 8);
  const TestLinear narrow({5, 1100, 8, 32, false, false}, 9);
  const std::vector<float> x = random_rows(45, 1100, 10);
  const auto once =
      static_cast<std::uint64_t>(76 * wide.packed().tile_bytes + narrow.packed().tile_bytes);
  for (const Isa isa : available()) {
    if (kernels_for(isa).value()->fast == nullptr) continue;
    for (const int exact : {0, 3}) {
      RunOptions options{.exact_rows = exact, .fast_rows = 45 - exact};
      const auto expected = run_batch(isa, {&wide, &narrow}, x, options);
      options.share_as_they_come = true;
      for (const int tasks : {1, 2, 3, 16}) {
        std::vector<std::uint64_t> counted(static_cast<std::size_t>(tasks));
        options.tasks = tasks;
        options.whole_lines = tasks % 2 == 0;
        options.weight_bytes = counted.data();
        EXPECT_EQ(run_batch(isa, {&wide, &narrow}, x, options), expected)
            << name_of(isa) << " exact=" << exact << " tasks=" << tasks;
        EXPECT_EQ(std::accumulate(counted.begin(), counted.end(), std::uint64_t{0}), once);
      }
    }
  }
}

/// x with every row normed by the portable kernel, and the sums with `skip`.
std::vector<float> normed(const std::vector<float>& x, const RowNorm& norm, int k,
                          std::vector<float>& sum) {
  std::vector<float> out(x.size());
  sum.assign(x.size(), kGuard);
  for (std::size_t at = 0; at < x.size(); at += static_cast<std::size_t>(k)) {
    kernels_for(Isa::kPortable)
        .value()
        ->norm_row(&x[at], norm.skip == nullptr ? nullptr : norm.skip + at, norm.weight,
                   norm.epsilon, k, &sum[at], &out[at]);
  }
  return out;
}

/// Rows that are normed by the products' node against rows that were normed before.
void expect_normed_first(const std::vector<const TestLinear*>& linears, int exact, int fast) {
  const int k = linears[0]->shape().k;
  const auto weight = random_rows(1, k, 10);
  const auto x = random_rows(exact + fast, k, 11);
  const auto skip = random_rows(exact + fast, k, 12);
  for (const bool added : {false, true}) {
    RowNorm norm{added ? skip.data() : nullptr, weight.data(), 1e-5F, nullptr};
    std::vector<float> expected_sum;
    const auto rows = normed(x, norm, k, expected_sum);
    for (const Isa isa : available()) {
      SCOPED_TRACE(std::string(name_of(isa)) + " exact=" + std::to_string(exact) +
                   " fast=" + std::to_string(fast));
      RunOptions options{.exact_rows = exact, .fast_rows = fast, .tasks = 3};
      const auto expected = run_batch(isa, linears, rows, options);
      std::vector<float> sum(x.size(), kGuard);
      norm.sum = sum.data();
      options.norm = norm;
      const auto got = run_batch(isa, linears, x, options);
      for (std::size_t i = 0; i < linears.size(); ++i) {
        EXPECT_TRUE(same_bits(got[i], expected[i])) << "linear " << i;
      }
      EXPECT_EQ(sum, expected_sum);
    }
  }
}

TEST(Linear, RowsAreNormedFirstIfAskedFor) {
  const TestLinear plain({33, 288, 4, 32, true, true}, 8);
  const TestLinear wide({33, 288, 4, 32, false, true}, 9, Scales::kWide);  // never fast
  for (const int exact : {0, 1, 9}) {
    for (const int fast : {0, 1, 40}) {
      expect_normed_first({&plain}, exact, fast);
      expect_normed_first({&plain, &wide}, exact, fast);
    }
  }
}

TEST(Linear, ALongRowIsNormedInTheWorkspace) {
  const TestLinear linear({33, 9001, 4, 32, true, true}, 8);  // longer than what products need
  expect_normed_first({&linear}, 1, 0);
  expect_normed_first({&linear}, 0, 2);
}

TEST(Linear, AStepWithoutRowsDoesNothing) {
  const TestLinear linear({20, 64, 4, 32, false, false}, 4);
  for (const Isa isa : available()) EXPECT_TRUE(run_batch(isa, {&linear}, {}, {})[0].empty());
}

TEST(Linear, BlockOf32TakesFourAndAHalfBitsAWeight) {
  const TestLinear linear({256, 3072, 4, 32, false, false}, 4);
  EXPECT_EQ(packed_bytes(linear.format()) * 8, 256U * 3072U * 9 / 2);
}

TEST(Registry, RefusesWhatTheCpuLacksAndUnknownNames) {
  EXPECT_FALSE(parse_isa("sse9").has_value());
  for (const Isa isa : {Isa::kPortable, Isa::kAvx2, Isa::kAvx512Vnni, Isa::kAmx}) {
    EXPECT_EQ(parse_isa(name_of(isa)).value(), isa);
    EXPECT_EQ(kernels_for(isa).has_value(), isa <= best_isa());
  }
  EXPECT_EQ(best_kernels().isa, best_isa());
}

}  // namespace
}  // namespace hearth::kernels
