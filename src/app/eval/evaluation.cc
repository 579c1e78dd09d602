#include "app/eval/evaluation.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <numeric>

#include "app/cli/command.h"
#include "app/cli/local_model.h"
#include "app/request_settings.h"
#include "base/file.h"
#include "base/terminal_text.h"
#include "eval/conversation_file.h"
#include "provider/local_provider.h"
#include "text/utf8.h"

namespace hearth::app {
namespace {

constexpr std::uint64_t kEvalFileBytesMax = std::uint64_t{64} << 20;
constexpr std::size_t kContextTokensMax = 2048;

/// One line on a terminal that is written over, and gone at the end.
class StatusLine {
 public:
  ~StatusLine() {
    if (shown_) std::fputs("\r\x1b[K", stderr);
  }
  void show(const std::string& words) {
    if (!terminal_) return;
    std::fputs(fmt::format("\r\x1b[K{}", for_terminal(words)).c_str(), stderr);
    shown_ = true;
  }

 private:
  bool terminal_ = ::isatty(STDERR_FILENO) == 1;
  bool shown_ = false;
};

Result<std::string> read_input(const std::filesystem::path& path, const char* flag) {
  auto text = read_file(path, kEvalFileBytesMax);
  if (!text) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("{}: {}", flag, text.error().message));
  }
  if (const auto offset = text::utf8_find_invalid(*text)) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{}: {} is not UTF-8 at byte {}", flag, path.string(), *offset));
  }
  return text;
}

Result<std::vector<eval::EvalCase>> read_set(const EvaluationOptions& options) {
  HEARTH_TRY(const std::string text, read_input(*options.set, "--set"));
  HEARTH_TRY(auto cases, eval::parse_cases(text, "--set " + options.set->string()));
  if (options.limit && *options.limit < cases.size()) cases.resize(*options.limit);
  return cases;
}

/// The high-water mark of this process's resident memory. It begins with the program, not with the
/// process that started it, as getrusage() would count.
std::uint64_t peak_memory_bytes() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    std::uint64_t kilobytes = 0;
    if (word == "VmHWM:" && status >> kilobytes) return kilobytes * 1024;
  }
  return 0;
}

double sum(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0);
}

SpeedReport speed_of(const eval::CasesOutcome& outcome, double load_ms) {
  SpeedReport report;
  report.load_ms = load_ms;
  report.request_ms = eval::distribution_of(outcome.request_ms);
  report.first_token_ms = eval::distribution_of(outcome.first_token_ms);
  report.step_ms = eval::distribution_of(outcome.step_ms);
  if (report.step_ms.mean > 0) report.tokens_per_s = 1000 / report.step_ms.mean;
  const double waited = sum(outcome.first_token_ms);
  if (waited > 0) {
    report.prompt_tokens_per_s = static_cast<double>(outcome.prompt_tokens) * 1000 / waited;
  }
  report.peak_memory_bytes = peak_memory_bytes();
  return report;
}

/// What is scored: a text in one piece, or the replies of conversations where there are some.
struct ScoredText {
  std::string words;
  std::vector<eval::ScoredConversation> conversations;
};

Result<ScoredText> read_text(const EvaluationOptions& options) {
  ScoredText text;
  HEARTH_TRY(text.words, read_input(*options.text, "--text"));
  if (options.text->extension() != ".jsonl") return text;
  HEARTH_TRY(text.conversations,
             eval::parse_conversations(text.words, "--text " + options.text->string()));
  if (options.context_tokens == 0 && options.stride_tokens == 0) return text;
  return fail(ErrorCode::kInvalidArgument,
              "--context and --stride are for a text in one piece, not for conversations (" +
                  options.text->string() + "); give such a text with --text");
}

/// The steps of one evaluation, in their order.
class Evaluator {
 public:
  Evaluator(const EvaluationOptions& options, const Settings& settings,
            const Environment& environment, const std::atomic<bool>& cancelled)
      : options_(options), settings_(settings), environment_(environment), cancelled_(cancelled) {}

  Result<void> load() {
    HEARTH_TRY(provider_, load_provider(options_.model, settings_, environment_));
    const runtime::ModelFolder& model = provider_->model();
    put_model_defaults(model.config.search, settings_);
    report.model = model.name;
    report.folder = model.folder;
    report.variant = variant_of(model.folder);
    report.size_bytes = model.size_bytes;
    report.bytes_read_per_token = model.graph.bytes_read_per_token;
    report.execution = provider_->execution_report();
    return {};
  }

  /// Twice with --speed: what confidence needs would count as the model's time.
  Result<void> ask(std::vector<eval::EvalCase> cases) {
    double load_ms = 0;
    if (options_.speed) {
      HEARTH_TRY(const auto timed, run(cases, /*wants_confidence=*/false, load_ms));
      report.speed = speed_of(timed, load_ms);
    }
    CasesReport made;
    made.file = *options_.set;
    HEARTH_TRY(made.outcome, run(cases, /*wants_confidence=*/true, load_ms));
    made.cases = std::move(cases);
    std::vector<eval::CaseScore> scores;
    for (const eval::CaseOutcome& one : made.outcome.cases) scores.push_back(one.score);
    made.tally = eval::tally_of(made.cases, scores);
    report.cases = std::move(made);
    return {};
  }

  /// Before hours of requests: whether the model can be given anything of the text.
  Result<void> check_fit(const ScoredText& text) const {
    if (text.conversations.empty()) return {};
    const eval::ConversationPassages made = passages(*provider_, text.conversations);
    const auto fits = [](const std::optional<eval::Passage>& one) { return one.has_value(); };
    if (std::any_of(made.passages.begin(), made.passages.end(), fits)) return {};
    return none_fits(made.first_problem);
  }

  Result<void> score(const ScoredText& text) {
    TextReport made;
    made.file = *options_.text;
    std::unique_ptr<provider::LocalProvider> reference;
    if (options_.against) {
      // The type of cache is what the first model tries out: the reference keeps the usual one.
      Settings usual = settings_;
      usual.put(SettingId::kKvCacheType, std::string("bf16"), {OriginLevel::kFlag, "--against"});
      HEARTH_TRY(reference, load_provider(*options_.against, usual, environment_));
      made.against = reference->model().folder;
    }
    if (text.conversations.empty()) {
      HEARTH_TRY_VOID(score_one_piece(text.words, reference.get(), made));
    } else {
      HEARTH_TRY_VOID(score_replies(text.conversations, reference.get(), made));
    }
    report.text = std::move(made);
    return {};
  }

  Evaluation report;

 private:
  Result<eval::CasesOutcome> run(const std::vector<eval::EvalCase>& cases, bool wants_confidence,
                                 double& load_ms) {
    eval::CaseOptions options;
    options.sampling.repetition_penalty =
        settings_.number_or(SettingId::kRepetitionPenalty, options.sampling.repetition_penalty);
    options.max_tokens = settings_.integer_or(SettingId::kMaxTokens, options.max_tokens);
    options.strict_tool_calls = strict_tool_calls(settings_);
    options.wants_confidence = wants_confidence;
    StatusLine line;
    options.on_case = [&](std::size_t done, const std::string& id) {
      line.show(fmt::format("{}: request {} of {} ({})", report.model, done + 1, cases.size(), id));
    };
    const eval::Ask ask = [&](const provider::ChatRequest& request,
                              const provider::ProgressSink& progress) {
      auto reply = provider_->chat(
          request, [](std::string_view) {}, cancelled_, progress);
      if (reply) load_ms = reply->timings.load_ms;
      return reply;
    };
    const text::Tokenizer& tokenizer = *provider_->model().tokenizer;
    return eval::run_cases(ask, tokenizer, cases, options, cancelled_);
  }

  Result<void> score_one_piece(const std::string& text, provider::LocalProvider* reference,
                               TextReport& made) {
    HEARTH_TRY(const std::vector<TokenId> ids, encoded(*provider_, text));
    made.tokens = ids.size();
    if (reference != nullptr) {
      HEARTH_TRY(const std::vector<TokenId> others, encoded(*reference, text));
      if (others != ids) return other_tokens(*reference, "tokenizer");
    }
    HEARTH_TRY_VOID(choose_windows(reference, made));
    StatusLine line;
    eval::TextOptions options = text_options(line);
    options.context_tokens = made.context_tokens;
    options.stride_tokens = made.stride_tokens;
    HEARTH_TRY(made.outcome, eval::score_text(provider_->executor(), executor_of(reference), ids,
                                              options, cancelled_));
    return {};
  }

  Result<void> score_replies(const std::vector<eval::ScoredConversation>& conversations,
                             provider::LocalProvider* reference, TextReport& made) {
    eval::ConversationPassages mine = passages(*provider_, conversations);
    std::optional<eval::ConversationPassages> other;
    if (reference != nullptr) other = passages(*reference, conversations);
    std::vector<eval::Passage> scored;
    for (std::size_t i = 0; i < conversations.size(); ++i) {
      std::optional<eval::Passage>& passage = mine.passages[i];
      if (!passage || (other && !other->passages[i])) continue;
      if (other && *other->passages[i] != *passage) {
        return other_tokens(*reference, "tokenizer and chat template");
      }
      made.tokens += passage->tokens.size();
      scored.push_back(*std::move(passage));
    }
    made.conversations = scored.size();
    made.left_out = conversations.size() - scored.size();
    made.why_left_out =
        mine.first_problem.empty() && other ? other->first_problem : std::move(mine.first_problem);
    if (scored.empty()) return none_fits(made.why_left_out);
    StatusLine line;
    HEARTH_TRY(made.outcome, eval::score_passages(provider_->executor(), executor_of(reference),
                                                  scored, text_options(line), cancelled_));
    return {};
  }

  static tl::unexpected<Error> none_fits(const std::string& why) {
    return fail(ErrorCode::kUnsupported, "no conversation can be scored with this model: " + why);
  }

  eval::TextOptions text_options(StatusLine& line) const {
    eval::TextOptions options;
    options.on_progress = [&](std::int64_t done, std::int64_t total) {
      line.show(fmt::format("{}: token {} of {} of the text", report.model, done, total));
    };
    return options;
  }

  static engine::Executor* executor_of(provider::LocalProvider* provider) {
    return provider == nullptr ? nullptr : &provider->executor();
  }

  tl::unexpected<Error> other_tokens(const provider::LocalProvider& reference,
                                     const char* what) const {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("--against: {} and {} cut the text into other tokens; only models with "
                            "the same {} can be compared",
                            reference.model().name, report.model, what));
  }

  static eval::ConversationPassages passages(
      const provider::LocalProvider& provider,
      const std::vector<eval::ScoredConversation>& conversations) {
    const runtime::ModelFolder& model = provider.model();
    return eval::passages_of(conversations, provider.prompts(), model.stop_ids,
                             static_cast<std::size_t>(model.config.context_length));
  }

  static Result<std::vector<TokenId>> encoded(const provider::LocalProvider& provider,
                                              const std::string& text) {
    return provider.model().tokenizer->encode(text,
                                              {.parse_special = false, .add_post_tokens = false});
  }

  Result<void> choose_windows(const provider::LocalProvider* reference, TextReport& made) const {
    auto context = static_cast<std::size_t>(provider_->model().config.context_length);
    if (reference != nullptr) {
      context =
          std::min(context, static_cast<std::size_t>(reference->model().config.context_length));
    }
    if (options_.context_tokens > context) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("--context {} is more than the model's context, {}",
                              options_.context_tokens, context));
    }
    made.context_tokens = options_.context_tokens > 0 ? options_.context_tokens
                                                      : std::min(context, kContextTokensMax);
    made.stride_tokens =
        options_.stride_tokens > 0 ? options_.stride_tokens : made.context_tokens / 2;
    if (made.stride_tokens < made.context_tokens) return {};
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("--stride {} must be less than the context, {}: each window needs "
                            "something of the one before it",
                            made.stride_tokens, made.context_tokens));
  }

  const EvaluationOptions& options_;
  Settings settings_;
  const Environment& environment_;
  const std::atomic<bool>& cancelled_;
  std::unique_ptr<provider::LocalProvider> provider_;
};

}  // namespace

std::filesystem::path shipped_evaluation_file(const Environment& environment, const char* name) {
  return environment.hearth_home() / "models" / "ember" / "eval" / name;
}

Result<void> check_inputs(const EvaluationOptions& options) {
  if (options.set) HEARTH_TRY_VOID(read_set(options));
  if (options.text) HEARTH_TRY_VOID(read_text(options));
  return {};
}

Result<Evaluation> evaluate(const EvaluationOptions& options, Settings settings,
                            const Environment& environment, const std::atomic<bool>& cancelled) {
  std::vector<eval::EvalCase> cases;
  ScoredText text;
  if (options.set) {
    HEARTH_TRY(cases, read_set(options));
  }
  if (options.text) {
    HEARTH_TRY(text, read_text(options));
  }
  // What one case leaves would make the next one quicker, and its time depend on the order.
  settings.put(SettingId::kCacheSystemPrompts, false, {OriginLevel::kFlag, "hearth eval"});
  Evaluator evaluator(options, settings, environment, cancelled);
  HEARTH_TRY_VOID(evaluator.load());
  const auto fits = options.text ? evaluator.check_fit(text) : Result<void>();
  if (!fits && options.text_must_fit) return tl::unexpected<Error>(fits.error());
  if (!fits) print_note("no text was scored: " + fits.error().message);
  if (options.set) HEARTH_TRY_VOID(evaluator.ask(std::move(cases)));
  if (options.text && fits) HEARTH_TRY_VOID(evaluator.score(text));
  return std::move(evaluator.report);
}

}  // namespace hearth::app
