// The decode loop of one request: prompt in chunks, then sample, hand over, feed back, until
// something ends it.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <vector>

#include "base/result.h"
#include "base/token.h"
#include "engine/executor.h"
#include "engine/kept_sequence.h"
#include "engine/sampling.h"
#include "engine/token_filter.h"

namespace hearth::engine {

struct GenerateRequest {
  std::vector<TokenId> prompt;    ///< at least one token
  std::vector<TokenId> stop_ids;  ///< the model's own; never part of the output
  std::int64_t max_tokens = 0;    ///< at least 1
  std::int64_t min_tokens = 0;    ///< stop tokens cannot come before this many
  SamplingParams sampling;
  TokenFilter* filter = nullptr;         ///< if any, what may come next; not owned
  bool wants_log_probabilities = false;  ///< fills GenerateOutcome::log_probabilities
  std::int64_t prefill_chunk_tokens =
      256;  ///< prompt rows per step; cancellation is seen between steps
};

enum class FinishReason {
  kStopToken,    ///< the model ended its answer
  kMaxTokens,    ///< max_tokens reached
  kSinkStopped,  ///< the receiver had enough (a stop string)
  kCancelled,    ///< the caller's flag was raised; what was generated stands
};

struct GenerateOutcome {
  std::vector<TokenId> tokens;  ///< generated, without the stop token
  /// Where asked for: of each of `tokens`, the natural logarithm of the probability that the model
  /// itself gave it, before penalties, filter and sampling.
  std::vector<double> log_probabilities;
  FinishReason finish = FinishReason::kMaxTokens;
  std::int64_t prompt_tokens_done = 0;  ///< less than the prompt when cancelled early
  std::int64_t cached_tokens = 0;       ///< of these, at hand from an earlier request
  std::int64_t recomputed_tokens = 0;   ///< rows run again after a change of rotary table
  double prefill_seconds = 0;           ///< until the prompt's last logits
  double decode_seconds = 0;            ///< from there to the end
};

/// Receives each token as it is chosen; false ends the generation. Called on the caller's thread.
using TokenSink = std::function<bool(TokenId)>;

/// Told how many tokens of the prompt are done, before each chunk.
using PromptSink = std::function<void(std::int64_t)>;

/// Runs the request to its end, re-using what `sequence` holds of its prompt and leaving in it what
/// was computed. `cancelled` may be raised from any thread or a signal handler; it is looked at
/// between steps, so a cancelled request leaves the sequence whole. After an error nothing is kept.
Result<GenerateOutcome> generate(KeptSequence& sequence, const GenerateRequest& request,
                                 const TokenSink& sink, const std::atomic<bool>& cancelled,
                                 const PromptSink& on_prompt = {});

/// The same for a single request: everything is computed, nothing is kept.
Result<GenerateOutcome> generate(Executor& executor, const GenerateRequest& request,
                                 const TokenSink& sink, const std::atomic<bool>& cancelled);

}  // namespace hearth::engine
