// The rotary tables' arithmetic.
#include "onnx/rotary_tables.h"

#include <cmath>
#include <vector>

#include "base/check.h"

namespace hearth::onnx {
namespace {

std::vector<float> frequencies(const DecoderConfig& config, const std::vector<double>& factors) {
  const std::int64_t dim = config.rotary_dim();
  std::vector<float> result;
  for (std::int64_t j = 0; j < dim / 2; ++j) {
    const double exponent = static_cast<double>(2 * j) / static_cast<double>(dim);
    const double exact_power = std::pow(config.rope_theta, exponent);
    const auto power = static_cast<float>(exact_power);
    const auto factor =
        static_cast<float>(factors.empty() ? config.scaling.divisor(1.0 / exact_power)
                                           : factors[static_cast<std::size_t>(j)]);
    result.push_back(1.0F / (factor * power));
  }
  return result;
}

}  // namespace

std::int64_t rotary_rows(const DecoderConfig& config, RotaryTable table) {
  const std::int64_t short_rows = config.original_max_position_embeddings;
  const std::int64_t long_rows = config.max_position_embeddings;
  switch (table) {
    case RotaryTable::kShort:
      return short_rows;
    case RotaryTable::kJoined:
      return short_rows + long_rows;
    case RotaryTable::kPlain:
    case RotaryTable::kLong:
      break;
  }
  return long_rows;
}

double rotary_magnitude(const DecoderConfig& config) {
  const auto original = static_cast<double>(config.original_max_position_embeddings);
  const double growth = static_cast<double>(config.max_position_embeddings) / original;
  if (!config.has_long_rope() || growth <= 1.0 || original <= 1.0) return 1.0;
  return std::sqrt(1.0 + std::log(growth) / std::log(original));
}

void fill_rotary_rows(const DecoderConfig& config, RotaryTable table, bool sine,
                      std::int64_t first_row, std::span<float> out) {
  const auto width = static_cast<std::size_t>(config.rotary_dim() / 2);
  HEARTH_CHECK(out.size() % width == 0);
  const std::vector<float> short_frequencies = frequencies(config, config.short_factor);
  const std::vector<float> long_frequencies = frequencies(config, config.long_factor);
  const auto magnitude = static_cast<float>(rotary_magnitude(config));
  for (std::size_t i = 0; i < out.size() / width; ++i) {
    std::int64_t position = first_row + static_cast<std::int64_t>(i);
    bool use_long = table == RotaryTable::kLong;
    if (table == RotaryTable::kJoined && position >= config.original_max_position_embeddings) {
      position -= config.original_max_position_embeddings;
      use_long = true;
    }
    const auto& frequency = use_long ? long_frequencies : short_frequencies;
    for (std::size_t j = 0; j < width; ++j) {
      const double angle = static_cast<float>(position) * frequency[j];
      out[i * width + j] = static_cast<float>(sine ? std::sin(angle) : std::cos(angle)) * magnitude;
    }
  }
}

}  // namespace hearth::onnx
