#include "engine/kept_sequence.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace hearth::engine {

std::int64_t common_prefix_tokens(std::span<const TokenId> a, std::span<const TokenId> b) {
  return std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin();
}

std::int64_t reusable_tokens(std::span<const TokenId> held, std::span<const TokenId> prompt) {
  return common_prefix_tokens(held, prompt.first(prompt.size() - 1));
}

/// Keeps nothing when there is nothing to keep, or memory is short: the buffers of an earlier, long
/// conversation may be what is in the way.
Result<std::int64_t> KeptSequence::rewind(const SequenceSpec& spec, std::int64_t keep_tokens) {
  if (id_ && keep_tokens > 0) {
    auto kept = executor_.rewind_sequence(*id_, spec, keep_tokens);
    if (kept || kept.error().code != ErrorCode::kResourceExhausted) return kept;
  }
  forget();
  HEARTH_TRY(id_, executor_.open_sequence(spec));
  return 0;
}

Result<PromptStart> KeptSequence::begin(std::span<const TokenId> prompt,
                                        std::int64_t capacity_tokens) {
  HEARTH_CHECK(!prompt.empty());
  const std::int64_t alike = reusable_tokens(tokens_, prompt);
  const SequenceSpec spec{static_cast<std::int64_t>(prompt.size()), capacity_tokens};
  const auto kept = rewind(spec, alike);
  if (!kept) {
    forget();
    return tl::unexpected<Error>(kept.error());
  }
  HEARTH_CHECK(*kept >= 0 && *kept <= alike);
  tokens_.assign(prompt.begin(), prompt.begin() + *kept);
  return PromptStart{*kept, alike - *kept};
}

Result<StepResult> KeptSequence::step(std::span<const TokenId> tokens, bool wants_logits) {
  HEARTH_CHECK(id_.has_value());
  StepPlan plan;
  plan.segments.push_back({*id_, tokens, wants_logits});
  auto result = executor_.run(plan);
  if (result) {
    tokens_.insert(tokens_.end(), tokens.begin(), tokens.end());
  } else {
    forget();
  }
  return result;
}

void KeptSequence::forget() {
  tokens_.clear();
  if (const auto id = std::exchange(id_, std::nullopt)) executor_.close_sequence(*id);
}

}  // namespace hearth::engine
