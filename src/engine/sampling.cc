#include "engine/sampling.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>

#include "base/check.h"
#include "engine/random.h"

namespace hearth::engine {
namespace {

constexpr float kNever = -std::numeric_limits<float>::infinity();

tl::unexpected<Error> out_of_range(const char* name, double value, const char* range) {
  return fail(ErrorCode::kInvalidArgument,
              std::string(name) + " is " + std::to_string(value) + "; expected " + range);
}

tl::unexpected<Error> broken_logit(std::span<const float> logits) {
  const auto broken =
      std::find_if_not(logits.begin(), logits.end(), [](float logit) { return logit < -kNever; });
  return fail(ErrorCode::kInternal, "the model's logit of token " +
                                        std::to_string(broken - logits.begin()) + " is " +
                                        (std::isnan(*broken) ? "not a number" : "infinite") +
                                        ": its weights or its execution provider are broken");
}

/// The highest of some logits, and whether all of them are numbers below +inf. Lanes, so that the
/// compiler compares several at a time: a vocabulary of 200,000 is looked at for every token.
struct Highest {
  float logit = kNever;
  bool sound = true;
};

Highest highest_of(std::span<const float> logits) {
  constexpr std::size_t kLanes = 16;
  std::array<float, kLanes> highest;
  std::array<std::uint32_t, kLanes> broken{};
  highest.fill(kNever);
  const std::size_t in_lanes = logits.size() / kLanes * kLanes;
  for (std::size_t i = 0; i < in_lanes; i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      const float logit = logits[i + lane];
      highest[lane] = logit > highest[lane] ? logit : highest[lane];
      broken[lane] |= logit < -kNever ? 0U : 1U;
    }
  }
  Highest all;
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    all.logit = std::max(all.logit, highest[lane]);
    all.sound = all.sound && broken[lane] == 0;
  }
  for (const float logit : logits.subspan(in_lanes)) {
    all.logit = std::max(all.logit, logit);
    all.sound = all.sound && logit < -kNever;
  }
  return all;
}

/// Highest logit, lowest id among equals; nothing but numbers below +inf may come in.
Result<TokenId> check_and_find_best(std::span<const float> logits) {
  constexpr std::size_t kPart = 4096;
  float best = kNever;
  std::size_t best_part = 0;
  for (std::size_t begin = 0; begin < logits.size(); begin += kPart) {
    const auto part = logits.subspan(begin, std::min(kPart, logits.size() - begin));
    const Highest highest = highest_of(part);
    if (!highest.sound) return broken_logit(logits);
    if (highest.logit > best) {
      best = highest.logit;
      best_part = begin;
    }
  }
  if (best == kNever) {
    return fail(ErrorCode::kInternal,
                "no token is possible: every logit of the model is minus infinity or forbidden");
  }
  const auto part = logits.begin() + static_cast<std::ptrdiff_t>(best_part);
  return static_cast<TokenId>(std::find(part, logits.end(), best) - logits.begin());
}

}  // namespace

Result<void> validate(const SamplingParams& p) {
  if (!(p.temperature >= 0 && p.temperature <= SamplingParams::temperature_max)) {
    return out_of_range("temperature", p.temperature, "a number from 0 to 100");
  }
  if (p.top_k < 0) return out_of_range("top_k", static_cast<double>(p.top_k), "0 (off) or more");
  if (!(p.top_p > 0 && p.top_p <= 1))
    return out_of_range("top_p", p.top_p, "more than 0, at most 1");
  if (!(p.repetition_penalty >= 0.001 && p.repetition_penalty <= 100)) {
    return out_of_range("repetition_penalty", p.repetition_penalty, "a number from 0.001 to 100");
  }
  return {};
}

Sampler::Sampler(const SamplingParams& params, std::int64_t vocab_size)
    : params_(params), seen_(static_cast<std::size_t>(vocab_size), false) {}

void Sampler::observe(std::span<const TokenId> tokens) {
  for (const TokenId token : tokens) {
    const auto index = static_cast<std::size_t>(token);
    HEARTH_CHECK(token >= 0 && index < seen_.size());
    if (!seen_[index]) {
      seen_[index] = true;
      seen_ids_.push_back(token);
    }
  }
}

void Sampler::penalise_repetition(std::span<float> logits) const {
  if (params_.repetition_penalty == 1.0) return;
  const auto penalty = static_cast<float>(params_.repetition_penalty);
  for (const TokenId token : seen_ids_) {
    float& logit = logits[static_cast<std::size_t>(token)];
    logit = logit > 0 ? logit / penalty : logit * penalty;
  }
}

Result<TokenId> Sampler::sample(std::span<float> logits, std::span<const TokenId> forbidden,
                                std::uint64_t draw_index, const TokenFilter* filter) {
  HEARTH_CHECK(logits.size() == seen_.size());
  HEARTH_TRY(TokenId best, check_and_find_best(logits));
  if (params_.repetition_penalty != 1 || !forbidden.empty()) {
    penalise_repetition(logits);
    for (const TokenId token : forbidden) logits[static_cast<std::size_t>(token)] = kNever;
    HEARTH_TRY(best, check_and_find_best(logits));
  }
  if (filter != nullptr && filter->restricts()) {
    HEARTH_TRY(best, drop_what_is_not_allowed(logits, best, *filter));
  }
  return is_greedy() ? best : draw(logits, draw_index);
}

/// The best of what is allowed; the rest gets -inf. For the greedy choice only what would be chosen
/// is asked about, as long as that finds one soon.
Result<TokenId> Sampler::drop_what_is_not_allowed(std::span<float> logits, TokenId best,
                                                  const TokenFilter& filter) const {
  constexpr int kGreedyTries = 16;
  for (int tries = 0; is_greedy() && tries < kGreedyTries; ++tries) {
    if (filter.allows(best)) return best;
    logits[static_cast<std::size_t>(best)] = kNever;
    HEARTH_TRY(best, check_and_find_best(logits));
  }
  for (std::size_t i = 0; i < logits.size(); ++i) {
    if (logits[i] != kNever && !filter.allows(static_cast<TokenId>(i))) logits[i] = kNever;
  }
  auto left = check_and_find_best(logits);
  if (left) return left;
  return fail(ErrorCode::kInternal, "nothing that may come next can be said in the model's tokens");
}

/// Moves the `count` most likely candidates to the front, in order (logit down, id up).
void Sampler::keep_most_likely(std::size_t count) {
  const auto before = [](const Candidate& a, const Candidate& b) {
    return a.logit != b.logit ? a.logit > b.logit : a.id < b.id;
  };
  const auto middle = candidates_.begin() + static_cast<std::ptrdiff_t>(count);
  if (middle != candidates_.end()) {
    std::nth_element(candidates_.begin(), middle, candidates_.end(), before);
  }
  std::sort(candidates_.begin(), middle, before);
}

TokenId Sampler::draw(std::span<const float> logits, std::uint64_t draw_index) {
  candidates_.clear();
  for (std::size_t i = 0; i < logits.size(); ++i) {
    if (logits[i] != kNever) candidates_.push_back({logits[i], static_cast<TokenId>(i)});
  }
  if (params_.top_k > 0 && static_cast<std::size_t>(params_.top_k) < candidates_.size()) {
    keep_most_likely(static_cast<std::size_t>(params_.top_k));
    candidates_.resize(static_cast<std::size_t>(params_.top_k));
  }

  const float highest =
      std::max_element(candidates_.begin(), candidates_.end(), [](const auto& a, const auto& b) {
        return a.logit < b.logit;
      })->logit;
  const auto weight = [&](const Candidate& candidate) {
    return std::exp((static_cast<double>(candidate.logit) - highest) / params_.temperature);
  };
  double total = 0;
  for (const Candidate& candidate : candidates_) total += weight(candidate);

  const std::size_t kept = params_.top_p < 1 ? sort_nucleus(total, weight) : candidates_.size();
  double mass = 0;
  for (std::size_t i = 0; i < kept; ++i) mass += weight(candidates_[i]);
  const double target = uniform_draw(params_.seed, draw_index) * mass;
  double below = 0;
  for (std::size_t i = 0; i < kept; ++i) {
    below += weight(candidates_[i]);
    if (below > target) return candidates_[i].id;
  }
  return candidates_[kept - 1].id;  // the target rounded up to the whole mass
}

/// Sorts only as many of the most likely candidates as top_p needs; returns how many those are.
template <class Weight>
std::size_t Sampler::sort_nucleus(double total, const Weight& weight) {
  for (std::size_t sorted = std::min<std::size_t>(256, candidates_.size());;
       sorted = std::min(sorted * 8, candidates_.size())) {
    keep_most_likely(sorted);
    double nucleus = 0;
    for (std::size_t i = 0; i < sorted; ++i) {
      nucleus += weight(candidates_[i]);
      if (nucleus >= params_.top_p * total) return i + 1;
    }
    if (sorted == candidates_.size()) return sorted;
  }
}

}  // namespace hearth::engine
