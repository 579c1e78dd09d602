#include "engine/generate.h"

#include <algorithm>
#include <chrono>
#include <span>
#include <string>

#include "base/check.h"
#include "engine/log_probability.h"

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

/// Feeds what the sequence does not hold of the prompt chunk by chunk; the last chunk's logits come
/// back, empty when cancelled.
Result<std::vector<float>> prefill(KeptSequence& sequence, const GenerateRequest& request,
                                   const std::atomic<bool>& cancelled, const PromptSink& on_prompt,
                                   GenerateOutcome& outcome) {
  HEARTH_CHECK(request.prefill_chunk_tokens > 0);
  auto rest = std::span(request.prompt).subspan(static_cast<std::size_t>(outcome.cached_tokens));
  outcome.prompt_tokens_done = outcome.cached_tokens;
  while (!cancelled.load()) {
    if (on_prompt) on_prompt(outcome.prompt_tokens_done);
    const auto count =
        std::min(rest.size(), static_cast<std::size_t>(request.prefill_chunk_tokens));
    const bool last = count == rest.size();
    HEARTH_TRY(StepResult result, sequence.step(rest.first(count), last));
    rest = rest.subspan(count);
    outcome.prompt_tokens_done += static_cast<std::int64_t>(count);
    outcome.recomputed_tokens += result.recomputed_tokens;
    if (last) return std::move(result.logits);
  }
  return std::vector<float>{};
}

/// Samples, hands over and feeds back until something ends it; `logits` are the prompt's.
Result<FinishReason> decode(KeptSequence& sequence, const GenerateRequest& request,
                            std::vector<float> logits, const TokenSink& sink,
                            const std::atomic<bool>& cancelled, GenerateOutcome& outcome) {
  const std::int64_t vocab_size = sequence.executor().vocab_size();
  const auto stop_ids = known_stop_ids(request, vocab_size);
  Sampler sampler(request.sampling, vocab_size);
  sampler.observe(request.prompt);
  std::vector<float> unchanged;  // sampling overwrites what it reads
  while (!cancelled.load()) {
    const auto generated = static_cast<std::int64_t>(outcome.tokens.size());
    const bool may_stop = generated >= request.min_tokens;
    if (request.wants_log_probabilities) unchanged = logits;
    HEARTH_TRY(const TokenId token,
               sampler.sample(logits, may_stop ? std::span<const TokenId>{} : stop_ids,
                              static_cast<std::uint64_t>(generated), request.filter));
    if (std::find(stop_ids.begin(), stop_ids.end(), token) != stop_ids.end()) {
      return FinishReason::kStopToken;
    }
    if (request.filter != nullptr) request.filter->accept(token);
    sampler.observe({&token, 1});
    outcome.tokens.push_back(token);
    if (request.wants_log_probabilities) {
      outcome.log_probabilities.push_back(log_probability(unchanged, token));
    }
    if (!sink(token)) return FinishReason::kSinkStopped;
    if (generated + 1 == request.max_tokens) return FinishReason::kMaxTokens;
    HEARTH_TRY(StepResult result, sequence.step({&outcome.tokens.back(), 1}, true));
    outcome.recomputed_tokens += result.recomputed_tokens;
    logits = std::move(result.logits);
  }
  return FinishReason::kCancelled;
}

}  // namespace

Result<GenerateOutcome> generate(KeptSequence& sequence, const GenerateRequest& request,
                                 const TokenSink& sink, const std::atomic<bool>& cancelled,
                                 const PromptSink& on_prompt) {
  HEARTH_TRY_VOID(check_request(request, sequence.executor().vocab_size()));
  GenerateOutcome outcome;
  const auto start = Clock::now();
  // The last generated token is never fed back, so it needs no place.
  const auto capacity = static_cast<std::int64_t>(request.prompt.size()) + request.max_tokens - 1;
  HEARTH_TRY(const PromptStart begun, sequence.begin(request.prompt, capacity));
  outcome.cached_tokens = begun.cached_tokens;
  outcome.recomputed_tokens = begun.lost_tokens;
  HEARTH_TRY(std::vector<float> logits, prefill(sequence, request, cancelled, on_prompt, outcome));
  outcome.prefill_seconds = seconds_since(start);

  const auto decode_start = Clock::now();
  const auto finish = decode(sequence, request, std::move(logits), sink, cancelled, outcome);
  if (!finish) {
    sequence.forget();  // logits that are no numbers came from keys and values that are none
    return tl::unexpected<Error>(finish.error());
  }
  outcome.finish = *finish;
  outcome.decode_seconds = seconds_since(decode_start);
  return outcome;
}

Result<GenerateOutcome> generate(Executor& executor, const GenerateRequest& request,
                                 const TokenSink& sink, const std::atomic<bool>& cancelled) {
  KeptSequence sequence(executor);
  return generate(sequence, request, sink, cancelled);
}

}  // namespace hearth::engine
