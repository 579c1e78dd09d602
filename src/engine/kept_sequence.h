// The sequence that outlives its request: the next request that begins alike computes only what is
// new.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/result.h"
#include "base/token.h"
#include "engine/executor.h"

namespace hearth::engine {

/// How many tokens two token lists have in common at their beginning.
std::int64_t common_prefix_tokens(std::span<const TokenId> a, std::span<const TokenId> b);

/// How many tokens of `prompt` a sequence holding `held` can keep. At least one token of the prompt
/// is always left to run, because logits come only from a step.
std::int64_t reusable_tokens(std::span<const TokenId> held, std::span<const TokenId> prompt);

/// What a prompt finds when it begins.
struct PromptStart {
  std::int64_t cached_tokens = 0;  ///< of the prompt, at hand already
  std::int64_t lost_tokens = 0;    ///< alike, but not kept (another rotary table): run again
};

/// One sequence of an executor and the tokens it holds. Invariant: when a sequence is open, its
/// keys and values are those of tokens(). Must match (begin step*)* forget?; one thread.
class KeptSequence {
 public:
  /// The executor must outlive it.
  explicit KeptSequence(Executor& executor) : executor_(executor) {}
  ~KeptSequence() { forget(); }
  KeptSequence(const KeptSequence&) = delete;
  KeptSequence& operator=(const KeptSequence&) = delete;

  /// Makes the sequence ready for `prompt`, at least one token, and an answer: `capacity_tokens`
  /// together. When memory is short, what was kept is given up for it. After an error nothing is
  /// kept.
  Result<PromptStart> begin(std::span<const TokenId> prompt, std::int64_t capacity_tokens);

  /// Runs the tokens behind those it holds. After an error nothing is kept.
  Result<StepResult> step(std::span<const TokenId> tokens, bool wants_logits);

  /// Frees the sequence, if there is one.
  void forget();

  const std::vector<TokenId>& tokens() const { return tokens_; }
  Executor& executor() const { return executor_; }

 private:
  Result<std::int64_t> rewind(const SequenceSpec& spec, std::int64_t keep_tokens);

  Executor& executor_;
  std::optional<SequenceId> id_;
  std::vector<TokenId> tokens_;
};

}  // namespace hearth::engine
