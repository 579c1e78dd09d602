// The seam between deciding what to compute and computing it. The engine owns this interface; the
// runtime implements it, so that everything above can be tested with a scripted executor.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "base/token.h"

namespace hearth::engine {

using SequenceId = std::uint32_t;

/// What is known when a sequence begins.
struct SequenceSpec {
  std::int64_t prompt_tokens = 0;    ///< length of the whole prompt, also when it arrives in chunks
  std::int64_t capacity_tokens = 0;  ///< the most tokens it will ever hold, prompt included
};

/// Tokens that join one sequence in a step, after all that it already holds.
struct Segment {
  SequenceId sequence = 0;
  std::span<const TokenId> tokens;  ///< at least one; must stay alive until run() returns
  bool wants_logits = false;
  /// With wants_logits: of how many of the segment's last tokens, at least one. A next token needs
  /// one; scoring a text needs all.
  std::int64_t logit_rows = 1;
};

/// One pass over the weights. Invariant: no sequence appears twice.
struct StepPlan {
  std::vector<Segment> segments;
};

struct StepResult {
  /// [rows wanted, vocab_size]: segments in plan order, each one's rows in the order of its tokens.
  std::vector<float> logits;
  std::int64_t recomputed_tokens =
      0;  ///< rows run again because a sequence changed its rotary table
};

/// Runs decoder steps. One owner thread; nothing here is safe to call from two threads at once.
/// A sequence lives until it is closed, over as many requests as its owner likes. An error of run()
/// or rewind_sequence() leaves the sequences it was called for unusable: close them.
class Executor {
 public:
  virtual ~Executor() = default;

  virtual std::int64_t vocab_size() const = 0;

  /// Reserves what the sequence needs. kResourceExhausted when memory is short, kContextTooLong
  /// when `capacity_tokens` is beyond the model's context.
  virtual Result<SequenceId> open_sequence(const SequenceSpec& spec) = 0;

  /// Makes an open sequence ready for another prompt, of which it already holds the first
  /// `keep_tokens`: all behind them is forgotten, and there is room for `spec.capacity_tokens` in
  /// all. Returns how many tokens it still holds, from 0 to `keep_tokens`: fewer when their keys
  /// and values cannot serve the new prompt (another rotary table, no cache). Those that are gone
  /// must be run again. Errors as open_sequence().
  virtual Result<std::int64_t> rewind_sequence(SequenceId sequence, const SequenceSpec& spec,
                                               std::int64_t keep_tokens) = 0;

  /// Frees the sequence; an id that is not open is a bug.
  virtual void close_sequence(SequenceId sequence) = 0;

  virtual Result<StepResult> run(const StepPlan& plan) = 0;
};

}  // namespace hearth::engine
