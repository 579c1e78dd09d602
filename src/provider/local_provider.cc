#include "provider/local_provider.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <utility>

#include "base/log.h"
#include "engine/generate.h"
#include "protocol/tool_call_parser.h"
#include "provider/prompt_encoder.h"
#include "provider/reply_stream.h"
#include "provider/tool_call_filter.h"
#include "runtime/open_executor.h"
#include "text/chat_template.h"
#include "text/tokenizer.h"

namespace hearth::provider {
namespace {

using Clock = std::chrono::steady_clock;

double ms_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

std::uint64_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::uint64_t total_pages = 0;
  std::uint64_t resident_pages = 0;
  statm >> total_pages >> resident_pages;
  return resident_pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

double per_second(double count, double seconds) { return seconds > 0 ? count / seconds : 0; }

/// Room that is kept for the answer when a conversation is cut: what it may use, but never more
/// than a quarter of the context, so that a generous max_tokens does not push the conversation out.
std::int64_t tokens_for_answer(std::int64_t max_tokens, std::int64_t context_tokens) {
  return std::min(max_tokens, std::max<std::int64_t>(1, context_tokens / 4));
}

protocol::StopReason stop_reason(engine::FinishReason finish, bool has_calls) {
  using protocol::StopReason;
  switch (finish) {
    case engine::FinishReason::kCancelled:
      return StopReason::kCancelled;
    case engine::FinishReason::kMaxTokens:
      return StopReason::kMaxTokens;
    case engine::FinishReason::kSinkStopped:
      return StopReason::kStopString;
    case engine::FinishReason::kStopToken:
      break;
  }
  return has_calls ? StopReason::kToolCalls : StopReason::kEndOfTurn;
}

struct FittedPrompt {
  std::vector<TokenId> tokens;
  DroppedContext dropped;
};

}  // namespace

struct LocalProvider::State {
  runtime::ModelFolder model;
  PromptEncoder prompts;
  std::optional<CallVocabulary> calls;
  runtime::OpenedExecutor opened;
  std::unique_ptr<engine::KeptSequence> sequence;  // of the executor: goes before it
  bool reuse_prefix = true;
  double load_ms = 0;

  Result<FittedPrompt> fit(const ChatRequest& request, std::int64_t context_tokens) const;
  Result<engine::GenerateRequest> plan(const ChatRequest& request, std::int64_t context_tokens,
                                       FittedPrompt fitted) const;
};

Result<FittedPrompt> LocalProvider::State::fit(const ChatRequest& request,
                                               std::int64_t context_tokens) const {
  // What was counted last but is not the whole conversation may not be what is kept in the end.
  std::vector<TokenId> whole;
  const auto count = [&](const std::vector<protocol::Message>& messages) -> Result<std::int64_t> {
    HEARTH_TRY(auto ids, prompts.encode(messages, request.tools));
    const auto tokens = static_cast<std::int64_t>(ids.size());
    if (messages.size() == request.messages.size()) whole = std::move(ids);
    return tokens;
  };
  const std::int64_t wished = tokens_for_answer(request.max_tokens, context_tokens);
  const std::int64_t needed = std::max<std::int64_t>(1, request.min_tokens);
  auto fitted = fit_conversation(request.messages, context_tokens - std::max(wished, needed),
                                 request.sliding_window, count);
  if (!fitted && fitted.error().code == ErrorCode::kContextTooLong && wished > needed) {
    // Nothing more can be dropped: a short answer is better than none.
    fitted =
        fit_conversation(request.messages, context_tokens - needed, request.sliding_window, count);
  }
  if (!fitted) return tl::unexpected<Error>(fitted.error());
  if (fitted->dropped.messages > 0) {
    HEARTH_TRY(whole, prompts.encode(fitted->messages, request.tools));
  }
  return FittedPrompt{std::move(whole), fitted->dropped};
}

Result<engine::GenerateRequest> LocalProvider::State::plan(const ChatRequest& request,
                                                           std::int64_t context_tokens,
                                                           FittedPrompt fitted) const {
  engine::GenerateRequest planned;
  planned.prompt = std::move(fitted.tokens);
  const std::int64_t left = context_tokens - static_cast<std::int64_t>(planned.prompt.size());
  planned.stop_ids = model.stop_ids;
  planned.max_tokens = std::min(request.max_tokens, left);
  planned.min_tokens = request.min_tokens;
  planned.sampling = request.sampling;
  planned.wants_log_probabilities = request.wants_log_probabilities;
  if (planned.min_tokens > planned.max_tokens) {
    return fail(ErrorCode::kInvalidArgument, "min_tokens is " + std::to_string(planned.min_tokens) +
                                                 ", but the answer can have " +
                                                 std::to_string(planned.max_tokens) +
                                                 " tokens at most");
  }
  return planned;
}

LocalProvider::LocalProvider(std::unique_ptr<State> state) : state_(std::move(state)) {}
LocalProvider::~LocalProvider() = default;

Result<std::unique_ptr<LocalProvider>> LocalProvider::load(const LocalProviderOptions& options) {
  const auto start = Clock::now();
  HEARTH_TRY(runtime::ModelFolder model,
             runtime::open_model_folder(options.model_folder, options.cache_folder));
  HEARTH_TRY_VOID(runtime::check_has_chat_template(model));
  if (model.stop_ids.empty()) {
    log::warning(model.folder.string() +
                 " names no stop token: answers end only at the limit of tokens");
  }
  HEARTH_TRY(auto opened, runtime::open_executor(model, options.session));
  PromptEncoder prompts(*model.tokenizer, *model.chat_template, model.bos_token, model.eos_token);
  auto calls = CallVocabulary::of(*model.tokenizer, model.chat_template->source(), model.stop_ids);
  auto sequence = std::make_unique<engine::KeptSequence>(*opened.executor);
  auto state = std::make_unique<State>(State{std::move(model), std::move(prompts), std::move(calls),
                                             std::move(opened), std::move(sequence),
                                             options.reuse_prefix, ms_since(start)});
  return std::unique_ptr<LocalProvider>(new LocalProvider(std::move(state)));
}

Result<ChatReply> LocalProvider::chat(const ChatRequest& request, const TextSink& on_text,
                                      const std::atomic<bool>& cancelled,
                                      const ProgressSink& on_progress) {
  const auto start = Clock::now();
  const std::int64_t context_tokens =
      request.max_context_tokens > 0
          ? std::min(request.max_context_tokens, state_->model.config.context_length)
          : state_->model.config.context_length;
  if (request.max_tokens < 1) {
    return fail(ErrorCode::kInvalidArgument,
                "max_tokens is " + std::to_string(request.max_tokens) + "; expected 1 or more");
  }
  HEARTH_TRY(FittedPrompt fitted, state_->fit(request, context_tokens));
  const DroppedContext dropped = fitted.dropped;
  HEARTH_TRY(engine::GenerateRequest planned,
             state_->plan(request, context_tokens, std::move(fitted)));
  std::optional<ToolCallFilter> filter;
  if (request.strict_tool_calls && !request.tools.empty() && state_->calls) {
    planned.filter = &filter.emplace(*state_->calls, request.tools);
  }
  HEARTH_TRY(ReplyStream stream, ReplyStream::create(state_->prompts.tokenizer(), request.stop,
                                                     !request.tools.empty()));

  ChatReply reply;
  Result<void> streamed;
  Progress progress{static_cast<std::int64_t>(planned.prompt.size()), 0, 0};
  const auto report = [&] {
    if (on_progress) on_progress(progress);
  };
  const auto on_prompt = [&](std::int64_t done) {
    progress.prompt_tokens_done = done;
    report();
  };
  const auto on_token = [&](TokenId token) {
    if (reply.timings.ttft_ms == 0) reply.timings.ttft_ms = ms_since(start);
    const auto piece = stream.push(token);
    if (!piece) {
      streamed = tl::unexpected<Error>(piece.error());
      return false;
    }
    if (!piece->text.empty()) on_text(piece->text);
    progress.prompt_tokens_done = progress.prompt_tokens;
    ++progress.output_tokens;
    report();
    return !piece->stopped;
  };
  HEARTH_TRY(engine::GenerateOutcome outcome,
             engine::generate(*state_->sequence, planned, on_token, cancelled, on_prompt));
  if (!state_->reuse_prefix) state_->sequence->forget();
  HEARTH_TRY_VOID(streamed);

  const ReplyStream::Piece rest = stream.finish();
  if (!rest.text.empty()) on_text(rest.text);
  finish_text(request, stream, reply, on_text);
  reply.stop_reason =
      stop_reason(rest.stopped ? engine::FinishReason::kSinkStopped : outcome.finish,
                  !reply.tool_calls.empty());
  fill_report(outcome, reply);
  reply.tokens = std::move(outcome.tokens);
  reply.log_probabilities = std::move(outcome.log_probabilities);
  reply.context = dropped;
  return reply;
}

/// Takes the finished reply apart; what was held back beside calls is shown now.
void LocalProvider::finish_text(const ChatRequest& request, ReplyStream& stream, ChatReply& reply,
                                const TextSink& on_text) const {
  const std::string held = stream.take_held();
  reply.raw_text = stream.whole_text();
  if (request.tools.empty()) {
    reply.text = stream.whole_text();
    return;
  }
  protocol::ParsedReply parsed = protocol::parse_tool_calls(stream.whole_text(), request.tools);
  const std::string rest = protocol::parse_tool_calls(held, request.tools).text;
  if (!rest.empty()) on_text(rest);
  reply.text = std::move(parsed.text);
  reply.tool_calls = std::move(parsed.tool_calls);
  reply.tool_calls_repaired = parsed.repaired;
}

void LocalProvider::fill_report(const engine::GenerateOutcome& outcome, ChatReply& reply) const {
  reply.model = state_->model.name;
  reply.usage.input_tokens = outcome.prompt_tokens_done;
  reply.usage.cached_tokens = outcome.cached_tokens;
  reply.usage.output_tokens = static_cast<std::int64_t>(outcome.tokens.size());
  reply.recomputed_tokens = outcome.recomputed_tokens;
  reply.execution = state_->opened.report;
  reply.execution_providers = reply.execution.providers;
  reply.memory_bytes = resident_bytes();
  reply.timings.load_ms = state_->load_ms;
  reply.timings.prefill_tokens_per_s =
      per_second(static_cast<double>(outcome.prompt_tokens_done - outcome.cached_tokens),
                 outcome.prefill_seconds);
  // The first token comes out of the prompt's pass; each further one, a stop token too, costs a
  // step.
  const auto steps = static_cast<double>(outcome.tokens.size()) -
                     (outcome.finish == engine::FinishReason::kStopToken ? 0 : 1);
  if (steps > 0) {
    reply.timings.decode_tokens_per_s = per_second(steps, outcome.decode_seconds);
    reply.timings.ms_per_token = outcome.decode_seconds * 1000 / steps;
  }
}

Result<std::string> LocalProvider::render_prompt(
    const std::vector<protocol::Message>& messages,
    const std::vector<protocol::ToolDefinition>& tools) const {
  return state_->prompts.render(messages, tools);
}

const PromptEncoder& LocalProvider::prompts() const { return state_->prompts; }

engine::Executor& LocalProvider::executor() { return *state_->opened.executor; }

const runtime::ModelFolder& LocalProvider::model() const { return state_->model; }

bool LocalProvider::can_keep_calls_strict() const { return state_->calls.has_value(); }

const runtime::ExecutionReport& LocalProvider::execution_report() const {
  return state_->opened.report;
}

}  // namespace hearth::provider
