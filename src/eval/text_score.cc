#include "eval/text_score.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>

#include "base/check.h"
#include "engine/log_probability.h"

namespace hearth::eval {
namespace {

tl::unexpected<Error> no_number() {
  return fail(ErrorCode::kInternal, "the model gave logits that are no numbers");
}

std::size_t likeliest(std::span<const float> logits) {
  return static_cast<std::size_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
}

/// One model's sequence of one window; closed when it goes.
class Reader {
 public:
  static Result<Reader> open(engine::Executor& executor, std::size_t tokens) {
    const auto count = static_cast<std::int64_t>(tokens);
    HEARTH_TRY(const engine::SequenceId id, executor.open_sequence({count, count}));
    return Reader(executor, id);
  }
  Reader(Reader&& other) noexcept : executor_(other.executor_), id_(other.id_) {
    other.id_.reset();
  }
  Reader& operator=(Reader&&) = delete;
  ~Reader() {
    if (id_) executor_.close_sequence(*id_);
  }

  /// [tokens, vocab_size] when they are to be scored, else nothing.
  Result<std::vector<float>> read(std::span<const TokenId> tokens, bool scored) {
    engine::StepPlan plan;
    plan.segments.push_back({*id_, tokens, scored, static_cast<std::int64_t>(tokens.size())});
    HEARTH_TRY(engine::StepResult result, executor_.run(plan));
    const auto wanted =
        scored ? tokens.size() * static_cast<std::size_t>(executor_.vocab_size()) : 0;
    HEARTH_CHECK(result.logits.size() == wanted);
    return std::move(result.logits);
  }

 private:
  Reader(engine::Executor& executor, engine::SequenceId id) : executor_(executor), id_(id) {}

  engine::Executor& executor_;
  std::optional<engine::SequenceId> id_;
};

Result<void> check_models(const engine::Executor& executor, const engine::Executor* reference) {
  if (reference != nullptr && reference->vocab_size() != executor.vocab_size()) {
    return fail(ErrorCode::kInvalidArgument,
                "the models have " + std::to_string(executor.vocab_size()) + " and " +
                    std::to_string(reference->vocab_size()) +
                    " logits; only models with the same vocabulary can be compared");
  }
  return {};
}

Result<void> check_tokens(const engine::Executor& executor, std::span<const TokenId> ids) {
  if (ids.size() < 2) {
    return fail(ErrorCode::kInvalidArgument,
                "the text has " + std::to_string(ids.size()) +
                    " tokens; the first is not scored, so there must be two or more");
  }
  for (const TokenId id : ids) {
    if (id >= 0 && id < executor.vocab_size()) continue;
    return fail(ErrorCode::kInvalidArgument, "the text holds token " + std::to_string(id) +
                                                 ", the model's vocabulary ends at " +
                                                 std::to_string(executor.vocab_size() - 1));
  }
  return {};
}

/// Scores one window after the other; `total` tokens in all.
class TextRun {
 public:
  TextRun(engine::Executor& executor, engine::Executor* reference, std::size_t total,
          const TextOptions& options, const std::atomic<bool>& cancelled)
      : executor_(executor),
        reference_(reference),
        total_(static_cast<std::int64_t>(total)),
        options_(options),
        cancelled_(cancelled) {}

  Result<void> read(std::span<const TokenId> ids, const Window& window) {
    HEARTH_TRY(Reader model, Reader::open(executor_, window.end - window.begin - 1));
    std::optional<Reader> other;
    if (reference_ != nullptr) {
      HEARTH_TRY(Reader opened, Reader::open(*reference_, window.end - window.begin - 1));
      other.emplace(std::move(opened));
    }
    // The window's last token is only predicted. Row i predicts token i + 1.
    for (std::size_t at = window.begin; at + 1 < window.end;) {
      if (cancelled_.load()) return fail(ErrorCode::kCancelled, "stopped while scoring the text");
      const bool scored = at + 1 >= window.first_scored;
      const std::size_t until = scored ? window.end - 1 : window.first_scored - 1;
      const std::size_t count = std::min(until - at, options_.rows_max);
      report();
      HEARTH_TRY_VOID(step(ids, model, other, at, count, scored));
      at += count;
    }
    return {};
  }

  void report() const {
    if (options_.on_progress) options_.on_progress(outcome_.score.tokens, total_);
  }
  const TextOutcome& outcome() const { return outcome_; }

 private:
  Result<void> step(std::span<const TokenId> ids, Reader& model, std::optional<Reader>& other,
                    std::size_t at, std::size_t count, bool scored) {
    const auto tokens = ids.subspan(at, count);
    HEARTH_TRY(const std::vector<float> logits, model.read(tokens, scored));
    std::vector<float> others;
    if (other) {
      HEARTH_TRY(others, other->read(tokens, scored));
    }
    const auto width = static_cast<std::size_t>(executor_.vocab_size());
    for (std::size_t i = 0; scored && i < count; ++i) {
      const TokenId next = ids[at + i + 1];
      const auto row = std::span(logits).subspan(i * width, width);
      HEARTH_TRY_VOID(add_row(row, next, outcome_.score));
      if (!other) continue;
      const auto reference_row = std::span<const float>(others).subspan(i * width, width);
      HEARTH_TRY_VOID(add_row(reference_row, next, outcome_.reference_score));
      HEARTH_TRY_VOID(add_rows(row, reference_row, outcome_.divergence));
    }
    return {};
  }

  engine::Executor& executor_;
  engine::Executor* reference_;
  const std::int64_t total_;
  const TextOptions& options_;
  const std::atomic<bool>& cancelled_;
  TextOutcome outcome_;
};

}  // namespace

std::vector<Window> windows_of(std::size_t tokens, std::size_t context_tokens,
                               std::size_t stride_tokens) {
  HEARTH_CHECK(context_tokens >= 2 && stride_tokens >= 1 && stride_tokens < context_tokens);
  std::vector<Window> windows;
  std::size_t scored = 1;  // nothing comes before the first token
  for (std::size_t begin = 0; scored < tokens; begin += stride_tokens) {
    const std::size_t end = std::min(begin + context_tokens, tokens);
    windows.push_back({begin, end, scored});
    scored = end;
  }
  return windows;
}

double TextScore::perplexity() const {
  return tokens == 0 ? 0 : std::exp(surprise / static_cast<double>(tokens));
}

double Divergence::kl_mean() const { return rows == 0 ? 0 : kl_sum / static_cast<double>(rows); }

double Divergence::top1_agreement() const {
  return rows == 0 ? 0 : static_cast<double>(same_choice) / static_cast<double>(rows);
}

Result<void> add_row(std::span<const float> logits, TokenId token, TextScore& score) {
  const double logarithm = engine::log_probability(logits, token);
  if (std::isnan(logarithm)) return no_number();
  ++score.tokens;
  score.surprise -= logarithm;
  if (likeliest(logits) == static_cast<std::size_t>(token)) ++score.first_choices;
  return {};
}

Result<void> add_rows(std::span<const float> logits, std::span<const float> reference,
                      Divergence& divergence) {
  HEARTH_CHECK(logits.size() == reference.size());
  const double total = engine::log_sum_exp(logits);
  const double reference_total = engine::log_sum_exp(reference);
  double sum = 0;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    const double ln_p = static_cast<double>(reference[i]) - reference_total;
    const double p = std::exp(ln_p);
    if (p == 0) continue;  // the limit of p ln p
    sum += p * (ln_p - (static_cast<double>(logits[i]) - total));
  }
  if (std::isnan(total) || std::isnan(sum)) return no_number();
  const double kl = std::max(0.0, sum);
  ++divergence.rows;
  divergence.kl_sum += kl;
  divergence.kl_max = std::max(divergence.kl_max, kl);
  if (likeliest(logits) == likeliest(reference)) ++divergence.same_choice;
  return {};
}

Result<TextOutcome> score_text(engine::Executor& executor, engine::Executor* reference,
                               std::span<const TokenId> ids, const TextOptions& options,
                               const std::atomic<bool>& cancelled) {
  HEARTH_CHECK(options.rows_max > 0);
  HEARTH_TRY_VOID(check_models(executor, reference));
  HEARTH_TRY_VOID(check_tokens(executor, ids));
  TextRun run(executor, reference, ids.size() - 1, options, cancelled);
  for (const Window& window :
       windows_of(ids.size(), options.context_tokens, options.stride_tokens)) {
    HEARTH_TRY_VOID(run.read(ids, window));
  }
  run.report();
  return run.outcome();
}

Result<TextOutcome> score_passages(engine::Executor& executor, engine::Executor* reference,
                                   std::span<const Passage> passages, const TextOptions& options,
                                   const std::atomic<bool>& cancelled) {
  HEARTH_CHECK(options.rows_max > 0);
  HEARTH_TRY_VOID(check_models(executor, reference));
  std::size_t total = 0;
  for (const Passage& passage : passages) {
    HEARTH_CHECK(passage.first_scored > 0 && passage.first_scored < passage.tokens.size());
    HEARTH_TRY_VOID(check_tokens(executor, passage.tokens));
    total += passage.tokens.size() - passage.first_scored;
  }
  TextRun run(executor, reference, total, options, cancelled);
  for (const Passage& passage : passages) {
    HEARTH_TRY_VOID(run.read(passage.tokens, {0, passage.tokens.size(), passage.first_scored}));
  }
  run.report();
  return run.outcome();
}

}  // namespace hearth::eval
