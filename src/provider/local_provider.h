// The provider "onnx": a chat in, text and tool calls out, computed on this machine. Puts together
// the model folder, tokenizer, template, executor and decode loop; knows nothing of flags, files of
// settings or sockets.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/generate.h"
#include "engine/sampling.h"
#include "protocol/chat.h"
#include "provider/context_window.h"
#include "provider/prompt_encoder.h"
#include "provider/reply_stream.h"
#include "runtime/model_folder.h"
#include "runtime/stock_executor.h"

namespace hearth::provider {

struct LocalProviderOptions {
  std::filesystem::path model_folder;
  runtime::SessionOptions session;
  /// Keep what a request computed for the next one that begins alike. false frees it at the end of
  /// each request.
  bool reuse_prefix = true;
  /// Where what is made of the folder's files to open it faster may go; see open_model_folder().
  std::filesystem::path cache_folder{};
};

/// One request. Sampling is complete here: defaults were merged by the caller.
struct ChatRequest {
  std::vector<protocol::Message> messages;
  std::vector<protocol::ToolDefinition> tools;
  engine::SamplingParams sampling;
  std::int64_t max_tokens = max_tokens_default;  ///< an upper bound; the context may leave less
  std::int64_t min_tokens = 0;
  std::vector<std::string> stop;         ///< stop strings; never part of the text
  std::int64_t max_context_tokens = 0;   ///< prompt and answer together; 0: the model's context
  bool sliding_window = true;            ///< false: a conversation that is too long is an error
  bool strict_tool_calls = true;         ///< calls keep to the definitions; see ToolCallFilter
  bool wants_log_probabilities = false;  ///< fills ChatReply::log_probabilities

  static constexpr std::int64_t max_tokens_default = 1024;
};

struct Usage {
  std::int64_t input_tokens = 0;
  std::int64_t output_tokens = 0;
  std::int64_t cached_tokens = 0;  ///< prompt tokens whose keys and values were at hand already
};

struct Timings {
  double load_ms = 0;  ///< of the model, once; the same in every reply
  double ttft_ms = 0;  ///< from the request to the first token
  double prefill_tokens_per_s = 0;
  double decode_tokens_per_s = 0;
  double ms_per_token = 0;
};

struct ChatReply {
  std::string text;  ///< without tool calls and stop strings
  std::vector<protocol::ToolCall> tool_calls;
  bool tool_calls_repaired = false;  ///< understood, but not in the strict spelling
  std::string raw_text;              ///< as the model wrote it: text and calls' notation
  std::vector<TokenId> tokens;       ///< what raw_text was decoded from, without the stop token
  std::vector<double> log_probabilities;  ///< of each token, where asked for; see GenerateOutcome
  protocol::StopReason stop_reason = protocol::StopReason::kEndOfTurn;
  std::string model;
  Usage usage;
  Timings timings;
  std::uint64_t memory_bytes = 0;  ///< resident set of this process at the end of the request
  std::vector<std::string> execution_providers;
  runtime::ExecutionReport execution;  ///< executor, instruction set, recipe
  DroppedContext context;
  std::int64_t recomputed_tokens =
      0;  ///< rows run again because the conversation changed its rotary table
};

/// Receives text as it is generated: whole characters only, never a part of a stop string, never a
/// tool call's notation. The pieces together are ChatReply::text, but for white space around tool
/// calls.
using TextSink = std::function<void(std::string_view)>;

/// How far a request is.
struct Progress {
  std::int64_t prompt_tokens = 0;
  std::int64_t prompt_tokens_done = 0;  ///< cached ones included
  std::int64_t output_tokens = 0;
};

/// Told before each chunk of the prompt and after each token of the answer.
using ProgressSink = std::function<void(const Progress&)>;

/// Owns a loaded model. One thread at a time; `cancelled` may be raised from anywhere.
///
/// The last request's keys and values are kept: a request that begins with the same tokens (a
/// conversation that goes on, a system prompt that comes again) computes only what is new, and
/// Usage::cached_tokens says how much that saved. A request that fails, or needs the memory, frees
/// them.
class LocalProvider {
 public:
  static Result<std::unique_ptr<LocalProvider>> load(const LocalProviderOptions& options);
  ~LocalProvider();

  /// Answers one request. Cancelled requests are not errors: the reply holds what was generated.
  Result<ChatReply> chat(const ChatRequest& request, const TextSink& on_text,
                         const std::atomic<bool>& cancelled, const ProgressSink& on_progress = {});

  /// The prompt exactly as the model would see it.
  Result<std::string> render_prompt(const std::vector<protocol::Message>& messages,
                                    const std::vector<protocol::ToolDefinition>& tools) const;

  /// What turns conversations into the model's tokens.
  const PromptEncoder& prompts() const;

  /// What runs the model, for those who score a text instead of asking for an answer. They close
  /// what they open.
  engine::Executor& executor();

  const runtime::ModelFolder& model() const;

  /// Whether ChatRequest::strict_tool_calls has an effect on this model; see CallVocabulary.
  bool can_keep_calls_strict() const;
  const runtime::ExecutionReport& execution_report() const;

 private:
  struct State;
  explicit LocalProvider(std::unique_ptr<State> state);

  void finish_text(const ChatRequest& request, ReplyStream& stream, ChatReply& reply,
                   const TextSink& on_text) const;
  void fill_report(const engine::GenerateOutcome& outcome, ChatReply& reply) const;

  std::unique_ptr<State> state_;
};

}  // namespace hearth::provider
