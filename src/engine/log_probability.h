// Logits to logarithms of probabilities. Sums are in double and relative to the greatest logit, so
// that no exponential overflows and none of the terms that matter is lost.
#pragma once

#include <span>

#include "base/token.h"

namespace hearth::engine {

/// ln(sum of exp(x)) over a row of logits. `logits` holds at least one number; -infinity is a
/// probability of 0. NaN in gives NaN out, and so do rows of nothing but -infinity.
double log_sum_exp(std::span<const float> logits);

/// ln of the softmax's probability of `token`, which must be a place in `logits`; never above 0.
double log_probability(std::span<const float> logits, TokenId token);

}  // namespace hearth::engine
