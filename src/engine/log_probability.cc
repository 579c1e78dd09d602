#include "engine/log_probability.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace hearth::engine {
namespace {

/// ln(sum of exp(x)) is greatest + log_sum, kept apart so that large logits do not swallow the sum.
struct Total {
  double greatest = 0;
  double log_sum = 0;
};

Total total_of(std::span<const float> logits) {
  HEARTH_CHECK(!logits.empty());
  const auto greatest = static_cast<double>(*std::max_element(logits.begin(), logits.end()));
  double sum = 0;
  for (const float logit : logits) sum += std::exp(static_cast<double>(logit) - greatest);
  return {greatest, std::log(sum)};
}

}  // namespace

double log_sum_exp(std::span<const float> logits) {
  const Total total = total_of(logits);
  return total.greatest + total.log_sum;
}

double log_probability(std::span<const float> logits, TokenId token) {
  HEARTH_CHECK(token >= 0 && static_cast<std::size_t>(token) < logits.size());
  const Total total = total_of(logits);
  return static_cast<double>(logits[static_cast<std::size_t>(token)]) - total.greatest -
         total.log_sum;
}

}  // namespace hearth::engine
