// From a row of logits to the next token. Pure: the same logits, parameters, history and draw
// number give the same token on any machine, whatever else runs.
//
// The order is fixed and documented for users (docs/sampling.md):
//   1. refuse logits that are not numbers or leave nothing to choose from
//   2. repetition penalty, over every token of the prompt and the answer
//   3. tokens that may not come now (stop tokens before min_tokens, what a filter does not allow)
//      get -inf
//   4. greedy when temperature is 0 or top_k is 1: the highest logit, the lowest id among equals
//   5. divide by temperature; 6. keep the top_k; 7. softmax over those; 8. keep the smallest set of
//   the
//      most likely whose probabilities reach top_p; 9. draw from what is left
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "base/token.h"
#include "engine/token_filter.h"

namespace hearth::engine {

struct SamplingParams {
  double temperature = 0.0;         ///< 0 is greedy; otherwise up to temperature_max
  std::int64_t top_k = 0;           ///< 0 keeps all
  double top_p = 1.0;               ///< (0, 1]; 1 keeps all
  double repetition_penalty = 1.0;  ///< 0.001 to 100; 1 is off (Keskar et al., CTRL, 2019)
  std::uint64_t seed = 0;

  static constexpr double temperature_max = 100.0;
};

/// kInvalidArgument naming the parameter and its range.
Result<void> validate(const SamplingParams& params);

/// The sampling state of one sequence: which tokens it has seen, and scratch space. One thread.
class Sampler {
 public:
  Sampler(const SamplingParams& params, std::int64_t vocab_size);

  /// Tokens of the prompt and of the answer count for the repetition penalty.
  void observe(std::span<const TokenId> tokens);

  /// Chooses the token for draw number `draw_index`; `logits` [vocab_size] is overwritten.
  /// `filter` may be null. kInternal when logits hold NaN or +inf, or everything is -inf.
  Result<TokenId> sample(std::span<float> logits, std::span<const TokenId> forbidden,
                         std::uint64_t draw_index, const TokenFilter* filter = nullptr);

 private:
  struct Candidate {
    float logit;
    TokenId id;
  };

  void penalise_repetition(std::span<float> logits) const;
  Result<TokenId> drop_what_is_not_allowed(std::span<float> logits, TokenId best,
                                           const TokenFilter& filter) const;
  bool is_greedy() const { return params_.temperature == 0 || params_.top_k == 1; }
  TokenId draw(std::span<const float> logits, std::uint64_t draw_index);
  void keep_most_likely(std::size_t count);
  template <class Weight>
  std::size_t sort_nucleus(double total, const Weight& weight);

  SamplingParams params_;
  std::vector<bool> seen_;             // [vocab_size]
  std::vector<TokenId> seen_ids_;      // each seen token once
  std::vector<Candidate> candidates_;  // scratch, kept to avoid reallocating
};

}  // namespace hearth::engine
