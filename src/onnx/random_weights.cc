// Counter-based Gaussian weights: a mixed counter gives four indices into a table of normal
// quantiles.
#include "onnx/random_weights.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace hearth::onnx {
namespace {

constexpr std::size_t kQuantiles = 65536;
constexpr std::uint64_t kGolden = 0x9e3779b97f4a7c15ULL;
constexpr std::uint64_t kOutlierOneIn = 128;
constexpr float kOutlierGain = 4.0F;

/// The finaliser of SplitMix64 (Steele, Lea, Flood 2014): every input bit reaches every output bit.
std::uint64_t mix(std::uint64_t value) {
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9ULL;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebULL;
  return value ^ (value >> 31);
}

std::uint64_t tensor_key(std::uint64_t seed, const WeightId& id) {
  std::uint64_t key = mix(seed + kGolden);
  for (const char c : weight_name(id)) key = mix(key ^ static_cast<unsigned char>(c));
  return key;
}

double normal_cdf(double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }

/// Inverse of the normal distribution by bisection: slow, exact to the last bits, run once.
std::vector<float> normal_quantiles() {
  std::vector<float> table(kQuantiles);
  for (std::size_t i = 0; i < kQuantiles / 2; ++i) {
    const double target = (static_cast<double>(i) + 0.5) / static_cast<double>(kQuantiles);
    double low = -6;
    double high = 0;
    for (int step = 0; step < 40; ++step) {
      const double middle = 0.5 * (low + high);
      (normal_cdf(middle) < target ? low : high) = middle;
    }
    table[i] = static_cast<float>(low);
    table[kQuantiles - 1 - i] = -table[i];
  }
  return table;
}

/// Standard deviation of each column, so that a row has the norm 1 on average.
std::vector<float> column_gains(std::uint64_t key, std::int64_t columns) {
  std::vector<float> gains(static_cast<std::size_t>(columns), 1.0F);
  double power = 0;
  for (std::size_t i = 0; i < gains.size(); ++i) {
    if (mix(~key + i * kGolden) % kOutlierOneIn == 0) gains[i] = kOutlierGain;
    power += static_cast<double>(gains[i]) * static_cast<double>(gains[i]);
  }
  const auto scale = static_cast<float>(1.0 / std::sqrt(power));
  for (float& gain : gains) gain *= scale;
  return gains;
}

bool is_norm(WeightRole role) {
  return role == WeightRole::kFinalNorm || role == WeightRole::kInputNorm ||
         role == WeightRole::kPostAttentionNorm || role == WeightRole::kQueryNorm ||
         role == WeightRole::kKeyNorm;
}

bool is_bias(WeightRole role) {
  return role == WeightRole::kQueryBias || role == WeightRole::kKeyBias ||
         role == WeightRole::kValueBias;
}

}  // namespace

RandomWeights::RandomWeights(std::uint64_t seed) : seed_(seed), normal_(normal_quantiles()) {}

Result<void> RandomWeights::read_rows(const WeightId& id, std::int64_t first_row,
                                      std::int64_t count, std::span<float> out) {
  HEARTH_CHECK(first_row >= 0 && first_row + count <= id.rows);
  HEARTH_CHECK(std::ssize(out) == count * id.columns);
  constexpr float kVectorSpread = 0.1F;
  const std::uint64_t key = tensor_key(seed_, id);
  const auto columns = static_cast<std::size_t>(id.columns);
  const std::uint64_t draws_per_row = (columns + 3) / 4;
  const bool vector = is_norm(id.role) || is_bias(id.role);
  const std::vector<float> gains =
      vector ? std::vector<float>(columns, kVectorSpread) : column_gains(key, id.columns);
  const float mean = is_norm(id.role) ? 1.0F : 0.0F;
  for (std::int64_t row = 0; row < count; ++row) {
    float* values = out.data() + static_cast<std::size_t>(row) * columns;
    std::uint64_t counter =
        key + static_cast<std::uint64_t>(first_row + row) * draws_per_row * kGolden;
    for (std::size_t column = 0; column < columns; counter += kGolden) {
      std::uint64_t draw = mix(counter);
      const std::size_t end = std::min(column + 4, columns);
      for (; column < end; ++column, draw >>= 16) {
        values[column] = mean + gains[column] * normal_[draw & (kQuantiles - 1)];
      }
    }
  }
  return {};
}

}  // namespace hearth::onnx
