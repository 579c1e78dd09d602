// How well a model predicts a text: perplexity, and its distance from another model's predictions.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "base/result.h"
#include "base/token.h"
#include "engine/executor.h"

namespace hearth::eval {

/// A part of the text that is computed at once: tokens [begin, end), of which those from
/// `first_scored` on are predicted and counted.
struct Window {
  std::size_t begin = 0;
  std::size_t end = 0;
  std::size_t first_scored = 0;
};

/// Windows of at most `context_tokens` whose beginnings are `stride_tokens` apart, so that every
/// token but the first of the text is scored once, in the first window that holds it: with all of
/// its window before it, which beyond the first window is at least context - stride tokens. The
/// last window ends with the text. 2 <= context, 1 <= stride < context.
std::vector<Window> windows_of(std::size_t tokens, std::size_t context_tokens,
                               std::size_t stride_tokens);

/// Running sums over scored tokens. Natural logarithms throughout.
struct TextScore {
  std::int64_t tokens = 0;         ///< scored
  double surprise = 0;             ///< sum of -ln p(token)
  std::int64_t first_choices = 0;  ///< times the token was the model's likeliest

  /// exp(mean surprise); 1 is perfect foresight, the vocabulary's size is guessing.
  double perplexity() const;
};

/// Running sums over the same rows of two models.
struct Divergence {
  std::int64_t rows = 0;
  double kl_sum = 0;  ///< sum of KL(reference || model), in nats
  double kl_max = 0;
  std::int64_t same_choice = 0;  ///< both find the same token likeliest

  double kl_mean() const;
  double top1_agreement() const;
};

/// Adds one row: the logits before `token` came. kInternal when they are no numbers.
Result<void> add_row(std::span<const float> logits, TokenId token, TextScore& score);

/// Adds one row of both models: KL(P || Q) = sum of P (ln P - ln Q), P from `reference`, Q from
/// `logits`; both of the same length. It is infinite where Q is 0 and P is not. Rounding below 0
/// counts as 0. kInternal when either holds no numbers.
Result<void> add_rows(std::span<const float> logits, std::span<const float> reference,
                      Divergence& divergence);

struct TextOptions {
  std::size_t context_tokens = 0;
  std::size_t stride_tokens = 0;
  /// Rows whose logits are held at a time, of each model: 64 rows of 200,064 floats are 51 MB.
  std::size_t rows_max = 64;
  /// Told how many tokens of all are scored, before each step.
  std::function<void(std::int64_t done, std::int64_t total)> on_progress = {};
};

struct TextOutcome {
  TextScore score;
  TextScore reference_score;  ///< of the other model, where there is one
  Divergence divergence;      ///< from it
};

/// Tokens of which those from `first_scored` on (1 or more) are predicted, with all before them.
struct Passage {
  std::vector<TokenId> tokens;
  std::size_t first_scored = 0;

  bool operator==(const Passage&) const = default;
};

/// Runs the text through `executor`, and through `reference` beside it where that is not null: the
/// same rows, so that neither's logits need to be kept. No token is added to the text.
/// kInvalidArgument when `ids` are fewer than two or beyond the vocabulary, or the two vocabularies
/// differ; kCancelled when `cancelled` was raised. All sequences are closed again.
Result<TextOutcome> score_text(engine::Executor& executor, engine::Executor* reference,
                               std::span<const TokenId> ids, const TextOptions& options,
                               const std::atomic<bool>& cancelled);

/// The same for passages that have nothing to do with each other, each computed in one piece;
/// windows of the options are not looked at. Each must fit both models' contexts.
Result<TextOutcome> score_passages(engine::Executor& executor, engine::Executor* reference,
                                   std::span<const Passage> passages, const TextOptions& options,
                                   const std::atomic<bool>& cancelled);

}  // namespace hearth::eval
