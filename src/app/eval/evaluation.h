// One model evaluated: its answers to a set of requests, its predictions of a text, its speed.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "app/environment.h"
#include "app/model_locator.h"
#include "app/settings/settings.h"
#include "base/result.h"
#include "eval/percentile.h"
#include "eval/run_cases.h"
#include "eval/scoreboard.h"
#include "eval/text_score.h"
#include "runtime/stock_executor.h"

namespace hearth::app {

struct EvaluationOptions {
  LocatedModel model;
  std::optional<LocatedModel> against;  ///< the text's predictions are compared with its own
  /// None: no text is scored. Named *.jsonl: conversations, whose last replies are scored.
  std::optional<std::filesystem::path> text;
  bool text_must_fit = true;  ///< false: a model that can be given none of it is measured without
  std::optional<std::filesystem::path> set;  ///< none: no request is made
  std::optional<std::size_t> limit;          ///< only the first so many requests of the set
  std::size_t context_tokens = 0;            ///< of a window; 0: the model's, at most 2048
  std::size_t stride_tokens = 0;             ///< between windows; 0: half of the context
  bool speed = false;  ///< also measure times and memory, in a pass of its own over the set
};

struct TextReport {
  std::filesystem::path file;
  std::size_t tokens = 0;
  std::optional<std::size_t> conversations;  ///< scored; with this, there are no windows
  std::size_t left_out = 0;                  ///< conversations that a model cannot be given
  std::string why_left_out;                  ///< of the first of them
  std::size_t context_tokens = 0;
  std::size_t stride_tokens = 0;
  eval::TextOutcome outcome;
  std::optional<std::filesystem::path> against;  ///< folder of the reference
};

struct CasesReport {
  std::filesystem::path file;
  std::vector<eval::EvalCase> cases;
  eval::CasesOutcome outcome;
  eval::Tally tally;
};

struct SpeedReport {
  double load_ms = 0;
  eval::Distribution request_ms;
  eval::Distribution first_token_ms;
  eval::Distribution step_ms;           ///< of one generated token behind the first
  double tokens_per_s = 0;              ///< of generated tokens: 1000 / mean step
  double prompt_tokens_per_s = 0;       ///< all prompt tokens by all times to the first token
  std::uint64_t peak_memory_bytes = 0;  ///< resident, of this process, until the text begins
};

struct Evaluation {
  std::string model;  ///< name, for people
  std::filesystem::path folder;
  std::optional<std::string> variant;
  std::uint64_t size_bytes = 0;
  std::uint64_t bytes_read_per_token = 0;
  runtime::ExecutionReport execution;
  std::optional<TextReport> text;
  std::optional<CasesReport> cases;
  std::optional<SpeedReport> speed;
};

/// What Hearth ships to measure with.
inline constexpr const char* kShippedSet = "typed.jsonl";
inline constexpr const char* kShippedText = "conversations.jsonl";
std::filesystem::path shipped_evaluation_file(const Environment& environment, const char* name);

/// Reads the set and the text, and says what is wrong with them; no model is opened.
Result<void> check_inputs(const EvaluationOptions& options);

/// Files are read and checked before a model is loaded. Answers are greedy, with the model's own
/// repetition penalty, and each prompt is computed anew. kCancelled when `cancelled` was raised.
/// Shows on standard error, where that is a terminal, how far it is.
Result<Evaluation> evaluate(const EvaluationOptions& options, Settings settings,
                            const Environment& environment, const std::atomic<bool>& cancelled);

}  // namespace hearth::app
