// The words that begin with a slash in `hearth chat`: one table for parsing, help and completion.
// Pure.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace hearth::app {

enum class ChatVerb { kHelp, kSystem, kReset, kSave, kLoad, kStats, kModel, kQuit };

struct ChatCommandRow {
  ChatVerb verb;
  std::string_view name;       ///< "/save"
  std::string_view parameter;  ///< "FILE", "[TEXT]", or nothing
  std::string_view meaning;
};

/// In the order of the help.
std::span<const ChatCommandRow> chat_command_table();

struct ChatCommand {
  ChatVerb verb = ChatVerb::kHelp;
  std::string argument;  ///< the rest of the line, without spaces around it
};

/// A single line whose first character is a slash that is not doubled.
bool is_chat_command(std::string_view line);

/// kInvalidArgument for an unknown command, with the one that was probably meant, for a missing
/// argument, and for one too many. Names may be cut short while only one command begins so.
Result<ChatCommand> parse_chat_command(std::string_view line);

/// A message may begin with a slash when it is doubled: "//etc" means "/etc".
std::string_view message_of_line(std::string_view line);

/// The names that begin with what stands before the cursor; none behind the first word.
std::vector<std::string_view> complete_chat_command(std::string_view before_cursor);

/// What several completions have in common at their beginning.
std::string_view common_beginning(std::span<const std::string_view> words);

std::string chat_help();

}  // namespace hearth::app
