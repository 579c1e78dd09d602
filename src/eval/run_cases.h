// Puts every request of an evaluation set to a model and scores the answers.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "eval/case_file.h"
#include "eval/case_score.h"
#include "provider/local_provider.h"

namespace hearth::eval {

/// Answers one request; what LocalProvider::chat() does, or a script.
using Ask = std::function<Result<provider::ChatReply>(const provider::ChatRequest&,
                                                      const provider::ProgressSink&)>;

struct CaseOptions {
  engine::SamplingParams sampling;  ///< greedy, as it is made
  std::int64_t max_tokens = 256;    ///< of an answer
  bool strict_tool_calls = true;    ///< as in provider::ChatRequest
  /// false leaves CaseScore::confidence empty: for measuring speed, which it costs a little of.
  bool wants_confidence = true;
  /// Told before each case how many are done, and its id.
  std::function<void(std::size_t done, const std::string& id)> on_case = {};
};

/// One case as it went.
struct CaseOutcome {
  CaseScore score;
  Answer answer;
};

struct CasesOutcome {
  std::vector<CaseOutcome> cases;      ///< in the order of the set
  std::vector<double> request_ms;      ///< each answer, from the request to its end
  std::vector<double> first_token_ms;  ///< each answer that has a token
  std::vector<double> step_ms;         ///< each token behind the first of its answer
  std::int64_t prompt_tokens = 0;
  std::int64_t output_tokens = 0;
};

/// Runs the cases one after the other. An error of `ask` ends it and names the case, but for a
/// prompt that does not fit the model's context: that case counts as answered with nothing.
/// kCancelled when `cancelled` was raised.
Result<CasesOutcome> run_cases(const Ask& ask, const text::Tokenizer& tokenizer,
                               const std::vector<EvalCase>& cases, const CaseOptions& options,
                               const std::atomic<bool>& cancelled);

}  // namespace hearth::eval
