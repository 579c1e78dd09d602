// From the lines a person types to one message: a backslash at the end goes on, """ opens a block.
// Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace hearth::app {

/// One conversation's input. A line that ends with an odd number of backslashes goes on in the next
/// one, without the last backslash. A line that begins with """ opens a block; the line that ends
/// with """ closes it. Line breaks inside are kept. Text that holds line breaks already was pasted
/// in one piece, and is a message as it is.
class LineAssembler {
 public:
  /// The message, when this line completes one.
  std::optional<std::string> push(std::string_view line);

  /// Lines are waiting for more.
  bool unfinished() const { return state_ != State::kIdle; }

  /// What is waiting, at the end of the input; nothing is waiting afterwards.
  std::string take_unfinished();

 private:
  enum class State { kIdle, kContinued, kBlock };

  std::optional<std::string> push_one(std::string_view line);
  std::optional<std::string> push_in_block(std::string_view line);
  std::optional<std::string> finish(std::string_view last);

  State state_ = State::kIdle;
  std::string text_;
};

}  // namespace hearth::app
