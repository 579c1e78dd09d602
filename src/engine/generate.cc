#include "engine/generate.h"

#include <algorithm>
#include <chrono>
#include <span>
#include <string>

#include "base/check.h"

namespace hearth::engine {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

Result<void> check_request(const GenerateRequest& request, std::int64_t vocab_size) {
  if (request.prompt.empty()) return fail(ErrorCode::kInvalidArgument, "the prompt has no tokens");
  if (request.max_tokens < 1) {
    return fail(ErrorCode::kInvalidArgument,
                "max_tokens is " + std::to_string(request.max_tokens) + "; expected 1 or more");
  }
  if (request.min_tokens < 0 || request.min_tokens > request.max_tokens) {
    return fail(ErrorCode::kInvalidArgument, "min_tokens is " + std::to_string(request.min_tokens) +
                                                 "; expected 0 to max_tokens, " +
                                                 std::to_string(request.max_tokens));
  }
  for (const TokenId token : request.prompt) {
    if (token < 0 || token >= vocab_size) {
      return fail(ErrorCode::kInvalidArgument, "the prompt holds token " + std::to_string(token) +
                                                   ", the model's vocabulary ends at " +
                                                   std::to_string(vocab_size - 1) +
                                                   ": the tokenizer does not belong to this model");
    }
  }
  return validate(request.sampling);
}

std::vector<TokenId> known_stop_ids(const GenerateRequest& request, std::int64_t vocab_size) {
  std::vector<TokenId> known;
  std::copy_if(request.stop_ids.begin(), request.stop_ids.end(), std::back_inserter(known),
               [&](TokenId id) { return id >= 0 && id < vocab_size; });
  return known;
}

/// One sequence's step; the result's logits are empty unless asked for.
Result<StepResult> step(Executor& executor, SequenceId sequence, std::span<const TokenId> tokens,
                        bool wants_logits) {
  StepPlan plan;
  plan.segments.push_back({sequence, tokens, wants_logits});
  return executor.run(plan);
}

/// Feeds the prompt chunk by chunk; the last chunk's logits come back, empty when cancelled.
Result<std::vector<float>> prefill(Executor& executor, SequenceId sequence,
                                   const GenerateRequest& request,
                                   const std::atomic<bool>& cancelled, GenerateOutcome& outcome) {
  HEARTH_CHECK(request.prefill_chunk_tokens > 0);
  std::span<const TokenId> rest = request.prompt;
  while (!cancelled.load()) {
    const auto count =
        std::min(rest.size(), static_cast<std::size_t>(request.prefill_chunk_tokens));
    const bool last = count == rest.size();
    HEARTH_TRY(StepResult result, step(executor, sequence, rest.first(count), last));
    rest = rest.subspan(count);
    outcome.prompt_tokens_done += static_cast<std::int64_t>(count);
    outcome.recomputed_tokens += result.recomputed_tokens;
    if (last) return std::move(result.logits);
  }
  return std::vector<float>{};
}

}  // namespace

Result<GenerateOutcome> generate(Executor& executor, const GenerateRequest& request,
                                 const TokenSink& sink, const std::atomic<bool>& cancelled) {
  HEARTH_TRY_VOID(check_request(request, executor.vocab_size()));
  const auto stop_ids = known_stop_ids(request, executor.vocab_size());
  const auto prompt_tokens = static_cast<std::int64_t>(request.prompt.size());
  // The last generated token is never fed back, so it needs no place.
  HEARTH_TRY(const SequenceId id,
             executor.open_sequence({prompt_tokens, prompt_tokens + request.max_tokens - 1}));
  const OpenSequence sequence(executor, id);

  GenerateOutcome outcome;
  const auto start = Clock::now();
  HEARTH_TRY(std::vector<float> logits, prefill(executor, id, request, cancelled, outcome));
  outcome.prefill_seconds = seconds_since(start);

  Sampler sampler(request.sampling, executor.vocab_size());
  sampler.observe(request.prompt);
  const auto decode_start = Clock::now();
  const auto finish = [&](FinishReason reason) {
    outcome.decode_seconds = seconds_since(decode_start);
    outcome.finish = reason;
    return std::move(outcome);
  };
  while (!cancelled.load()) {
    const auto generated = static_cast<std::int64_t>(outcome.tokens.size());
    const bool may_stop = generated >= request.min_tokens;
    HEARTH_TRY(const TokenId token,
               sampler.sample(logits, may_stop ? std::span<const TokenId>{} : stop_ids,
                              static_cast<std::uint64_t>(generated)));
    if (std::find(stop_ids.begin(), stop_ids.end(), token) != stop_ids.end()) {
      return finish(FinishReason::kStopToken);
    }
    sampler.observe({&token, 1});
    outcome.tokens.push_back(token);
    if (!sink(token)) return finish(FinishReason::kSinkStopped);
    if (generated + 1 == request.max_tokens) return finish(FinishReason::kMaxTokens);
    HEARTH_TRY(StepResult result, step(executor, id, {&outcome.tokens.back(), 1}, true));
    outcome.recomputed_tokens += result.recomputed_tokens;
    logits = std::move(result.logits);
  }
  return finish(FinishReason::kCancelled);
}

}  // namespace hearth::engine
