// A conversation: its messages, what the commands do to them, and each question's way to an answer.
// Knows nothing of terminals, files of settings or signals.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/chat/answer_writer.h"
#include "app/chat/chat_command.h"
#include "app/chat/chat_model.h"
#include "base/result.h"
#include "protocol/chat.h"

namespace hearth::app {

struct ChatSessionOptions {
  std::string system_prompt;                                   ///< empty: none
  std::string prompt_prefix;                                   ///< put before each question
  std::function<std::string(const std::string&)> expand_path;  ///< "~/chat.json"
};

/// Invariant: the conversation is a system message at most, then questions and answers in turn;
/// whatever fails leaves it as it was. One thread.
class ChatSession {
 public:
  /// All of them must outlive the session. `say` gets lines for people, each with its line break.
  ChatSession(ChatModel& model, const AnswerSinks& answers,
              std::function<void(std::string_view)> say, ChatSessionOptions options);

  /// Asks, shows the answer and keeps both. An answer that was stopped is kept as far as it came;
  /// one that was stopped before its first word is taken back with its question.
  Result<void> ask(std::string_view text, const std::atomic<bool>& cancelled);

  /// Does what a line that begins with a slash says. False when the user wants to leave.
  Result<bool> command(std::string_view line);

  Result<void> load(const std::string& path);

  const std::vector<protocol::Message>& messages() const { return messages_; }

 private:
  Result<void> save(const std::string& path);
  void system(const std::string& text);
  void reset();
  void stats() const;
  Result<void> change_model(const std::string& name);

  bool has_system() const;
  std::size_t turns() const;
  void say_line(const std::string& line) const { say_(line + "\n"); }
  void count(const provider::ChatReply& reply);

  ChatModel& model_;
  const AnswerSinks& answers_;
  std::function<void(std::string_view)> say_;
  ChatSessionOptions options_;
  std::vector<protocol::Message> messages_;

  struct Totals {
    std::int64_t replies = 0;
    std::int64_t input_tokens = 0;
    std::int64_t cached_tokens = 0;
    std::int64_t output_tokens = 0;
  };
  Totals totals_;
  std::optional<provider::ChatReply> last_;
};

}  // namespace hearth::app
