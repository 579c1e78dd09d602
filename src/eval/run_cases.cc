#include "eval/run_cases.h"

#include <chrono>
#include <optional>
#include <utility>

#include "eval/call_confidence.h"

namespace hearth::eval {
namespace {

using Clock = std::chrono::steady_clock;

double ms_between(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double, std::milli>(to - from).count();
}

/// Notes when each token of one answer came.
class Stopwatch {
 public:
  void see(const provider::Progress& progress) {
    if (progress.output_tokens == 0) return;
    const auto now = Clock::now();
    if (last_token_) {
      steps_.push_back(ms_between(*last_token_, now));
    } else {
      first_token_ms_ = ms_between(start_, now);
    }
    last_token_ = now;
  }

  void stop(CasesOutcome& outcome) const {
    outcome.request_ms.push_back(ms_between(start_, Clock::now()));
    if (first_token_ms_) outcome.first_token_ms.push_back(*first_token_ms_);
    outcome.step_ms.insert(outcome.step_ms.end(), steps_.begin(), steps_.end());
  }

 private:
  Clock::time_point start_ = Clock::now();
  std::optional<Clock::time_point> last_token_;
  std::optional<double> first_token_ms_;
  std::vector<double> steps_;
};

Result<std::optional<double>> confidence_of(const provider::ChatReply& reply,
                                            const text::Tokenizer& tokenizer) {
  if (reply.tool_calls.empty() || reply.log_probabilities.empty()) return std::optional<double>();
  const auto span = find_call_name(reply.raw_text, reply.tool_calls.front().name);
  if (!span) return std::optional<double>();
  HEARTH_TRY(const auto ends, token_ends(tokenizer, reply.tokens));
  return confidence_in(*span, ends, reply.log_probabilities);
}

Result<Answer> answer_of(const provider::ChatReply& reply, const text::Tokenizer& tokenizer) {
  Answer answer{reply.raw_text, reply.text, reply.tool_calls, reply.tool_calls_repaired, {}};
  HEARTH_TRY(answer.confidence, confidence_of(reply, tokenizer));
  return answer;
}

provider::ChatRequest request_of(const EvalCase& one, const CaseOptions& options) {
  provider::ChatRequest request;
  request.messages = one.messages;
  request.tools = one.tools;
  request.sampling = options.sampling;
  request.max_tokens = options.max_tokens;
  request.sliding_window = false;  // a case that was cut would be another case
  request.strict_tool_calls = options.strict_tool_calls;
  request.wants_log_probabilities = options.wants_confidence;
  return request;
}

}  // namespace

Result<CasesOutcome> run_cases(const Ask& ask, const text::Tokenizer& tokenizer,
                               const std::vector<EvalCase>& cases, const CaseOptions& options,
                               const std::atomic<bool>& cancelled) {
  CasesOutcome outcome;
  for (const EvalCase& one : cases) {
    if (options.on_case) options.on_case(outcome.cases.size(), one.id);
    Stopwatch watch;
    auto reply = ask(request_of(one, options),
                     [&](const provider::Progress& progress) { watch.see(progress); });
    if (cancelled.load()) return fail(ErrorCode::kCancelled, "stopped at the case " + one.id);
    if (!reply && reply.error().code == ErrorCode::kContextTooLong) reply = provider::ChatReply();
    if (!reply) return fail_within("case " + one.id, reply.error());
    watch.stop(outcome);
    outcome.prompt_tokens += reply->usage.input_tokens;
    outcome.output_tokens += reply->usage.output_tokens;
    HEARTH_TRY(Answer answer, answer_of(*reply, tokenizer));
    const CaseScore score = score_case(one, answer);
    outcome.cases.push_back({score, std::move(answer)});
  }
  return outcome;
}

}  // namespace hearth::eval
