#include "app/chat/chat_session.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "app/chat/conversation_file.h"
#include "app/cli/command.h"
#include "base/file.h"
#include "text/utf8.h"

namespace hearth::app {
namespace {

using protocol::Message;
using protocol::Role;

Message message(Role role, std::string content) {
  Message made;
  made.role = role;
  made.content = std::move(content);
  return made;
}

std::string count_in_words(std::size_t count, std::string_view what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

std::string thousands(std::int64_t value) {
  return with_thousands(static_cast<std::uint64_t>(value));
}

/// What the model said, with its tool calls as it would spell them: nothing here executes them.
Message as_message(const provider::ChatReply& reply) {
  Message made = message(Role::kAssistant, reply.text);
  made.tool_calls = reply.tool_calls;
  return made;
}

}  // namespace

ChatSession::ChatSession(ChatModel& model, const AnswerSinks& answers,
                         std::function<void(std::string_view)> say, ChatSessionOptions options)
    : model_(model), answers_(answers), say_(std::move(say)), options_(std::move(options)) {
  if (!options_.prompt_prefix.empty() && !options_.prompt_prefix.ends_with('\n')) {
    options_.prompt_prefix += '\n';
  }
  if (!options_.system_prompt.empty()) {
    messages_.push_back(message(Role::kSystem, options_.system_prompt));
  }
}

bool ChatSession::has_system() const {
  return !messages_.empty() && messages_.front().role == Role::kSystem;
}

std::size_t ChatSession::turns() const {
  return static_cast<std::size_t>(
      std::count_if(messages_.begin(), messages_.end(),
                    [](const Message& one) { return one.role == Role::kUser; }));
}

Result<void> ChatSession::ask(std::string_view text, const std::atomic<bool>& cancelled) {
  if (const auto offset = text::utf8_find_invalid(text)) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("the message is not UTF-8 at byte {}; nothing was sent", *offset));
  }
  std::vector<Message> asked = messages_;
  asked.push_back(message(Role::kUser, options_.prompt_prefix + std::string(text)));
  AnswerWriter writer(answers_);
  std::atomic<bool> reader_gone{false};
  auto reply = model_.answer(
      asked,
      [&](std::string_view piece) {
        if (!writer.piece(piece)) reader_gone = true;
      },
      cancelled, [&](const provider::Progress& progress) { writer.progress(progress); });
  writer.finish();
  if (!reply) return tl::unexpected<Error>(reply.error());
  count(*reply);
  const bool stopped = reply->stop_reason == protocol::StopReason::kCancelled;
  if (stopped && reply->text.empty()) {
    say_line("stopped before the answer began; your message was taken back");
    return {};
  }
  asked.push_back(as_message(*reply));
  messages_ = std::move(asked);
  for (const std::string& note : model_.notes(*reply)) say_line("note: " + note);
  if (stopped) say_line("stopped; what was said stays in the conversation");
  return {};
}

void ChatSession::count(const provider::ChatReply& reply) {
  ++totals_.replies;
  totals_.input_tokens += reply.usage.input_tokens;
  totals_.cached_tokens += reply.usage.cached_tokens;
  totals_.output_tokens += reply.usage.output_tokens;
  last_ = reply;
}

Result<bool> ChatSession::command(std::string_view line) {
  HEARTH_TRY(const ChatCommand command, parse_chat_command(line));
  switch (command.verb) {
    case ChatVerb::kHelp:
      say_(chat_help());
      break;
    case ChatVerb::kSystem:
      system(command.argument);
      break;
    case ChatVerb::kReset:
      reset();
      break;
    case ChatVerb::kSave:
      HEARTH_TRY_VOID(save(command.argument));
      break;
    case ChatVerb::kLoad:
      HEARTH_TRY_VOID(load(command.argument));
      break;
    case ChatVerb::kStats:
      stats();
      break;
    case ChatVerb::kModel:
      HEARTH_TRY_VOID(change_model(command.argument));
      break;
    case ChatVerb::kQuit:
      return false;
  }
  return true;
}

void ChatSession::system(const std::string& text) {
  if (text.empty()) {
    say_line(has_system() ? messages_.front().content : "there is no system prompt");
    return;
  }
  if (has_system()) messages_.erase(messages_.begin());
  if (text == "\"\"") {
    say_line("there is no system prompt any more");
    return;
  }
  messages_.insert(messages_.begin(), message(Role::kSystem, text));
  say_line(turns() == 0 ? "system prompt set" : "system prompt set, for the whole conversation");
}

void ChatSession::reset() {
  const std::size_t forgotten = turns();
  messages_.resize(has_system() ? 1 : 0);
  say_line(fmt::format("forgot {}{}", count_in_words(forgotten, "question"),
                       has_system() ? "; the system prompt stays" : ""));
}

Result<void> ChatSession::save(const std::string& path) {
  const std::string expanded = options_.expand_path(path);
  HEARTH_TRY_VOID(save_conversation(expanded, messages_, model_.name()));
  say_line(fmt::format("saved {} to {}", count_in_words(messages_.size(), "message"), expanded));
  return {};
}

Result<void> ChatSession::load(const std::string& path) {
  const std::string expanded = options_.expand_path(path);
  HEARTH_TRY(messages_, load_conversation(expanded));
  say_line(fmt::format("loaded {} from {}", count_in_words(messages_.size(), "message"), expanded));
  return {};
}

void ChatSession::stats() const {
  say_line(fmt::format("model         {}", model_.description()));
  say_line(fmt::format("conversation  {}, {}", count_in_words(messages_.size(), "message"),
                       count_in_words(turns(), "question")));
  if (!last_) return;
  say_line(
      fmt::format("last answer   {} tokens read, {} of them at hand already; {} written, "
                  "{:.1f} tokens/s; first after {:.0f} ms",
                  thousands(last_->usage.input_tokens), thousands(last_->usage.cached_tokens),
                  thousands(last_->usage.output_tokens), last_->timings.decode_tokens_per_s,
                  last_->timings.ttft_ms));
  say_line(fmt::format("context       {} of {} tokens",
                       thousands(last_->usage.input_tokens + last_->usage.output_tokens),
                       thousands(model_.context_tokens())));
  say_line(fmt::format("in all        {}, {} tokens read, {} of them at hand already, {} written",
                       count_in_words(static_cast<std::size_t>(totals_.replies), "answer"),
                       thousands(totals_.input_tokens), thousands(totals_.cached_tokens),
                       thousands(totals_.output_tokens)));
  say_line(fmt::format("memory        {}", size_in_words(last_->memory_bytes)));
}

Result<void> ChatSession::change_model(const std::string& name) {
  if (!name.empty()) HEARTH_TRY_VOID(model_.change(name));
  say_line(fmt::format("{}{}", name.empty() ? "" : "now answering: ", model_.description()));
  return {};
}

}  // namespace hearth::app
