#include "app/chat/chat_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "app/settings/names.h"

namespace hearth::app {
namespace {

constexpr std::array<ChatCommandRow, 8> kCommands = {{
    {ChatVerb::kHelp, "/help", "", "this list"},
    {ChatVerb::kSystem, "/system", "[TEXT]",
     "show the system prompt, or set it; /system \"\" removes it"},
    {ChatVerb::kReset, "/reset", "", "forget the conversation; the system prompt stays"},
    {ChatVerb::kSave, "/save", "FILE", "write the conversation to a file"},
    {ChatVerb::kLoad, "/load", "FILE", "go on with a conversation that was saved"},
    {ChatVerb::kStats, "/stats", "", "tokens, speed and memory"},
    {ChatVerb::kModel, "/model", "[NAME]",
     "show the model, or go on with another: a name or a folder"},
    {ChatVerb::kQuit, "/quit", "", "leave; Ctrl-D does the same"},
}};

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

tl::unexpected<Error> unknown(std::string_view name) {
  std::vector<std::string_view> names;
  for (const ChatCommandRow& row : kCommands) names.push_back(row.name);
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("{} is no command{}; /help lists them, and a message that begins with a "
                          "slash is written with two",
                          name.substr(0, 60), did_you_mean(name, names)));
}

/// The row of that name, or the only one that begins with it.
Result<const ChatCommandRow*> find_row(std::string_view name) {
  if (name == "/exit") name = "/quit";
  const auto exact = std::find_if(kCommands.begin(), kCommands.end(),
                                  [&](const ChatCommandRow& row) { return row.name == name; });
  if (exact != kCommands.end()) return &*exact;
  const auto candidates = complete_chat_command(name);
  if (name.size() < 2 || candidates.empty()) return unknown(name);
  if (candidates.size() > 1) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} may be {}", name, fmt::join(candidates, " or ")));
  }
  return find_row(candidates.front());
}

}  // namespace

std::span<const ChatCommandRow> chat_command_table() { return kCommands; }

bool is_chat_command(std::string_view line) {
  return line.starts_with('/') && !line.starts_with("//") &&
         line.find('\n') == std::string_view::npos;
}

Result<ChatCommand> parse_chat_command(std::string_view line) {
  const std::size_t end = std::min(line.find_first_of(" \t"), line.size());
  const std::string_view argument = trimmed(line.substr(end));
  HEARTH_TRY(const ChatCommandRow* row, find_row(line.substr(0, end)));
  if (row->parameter.empty() && !argument.empty()) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("{} takes nothing after it", row->name));
  }
  if (argument.empty() && !row->parameter.empty() && !row->parameter.starts_with('[')) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} needs a {}: {} {}", row->name,
                            row->parameter == "FILE" ? "file" : "name", row->name, row->parameter));
  }
  return ChatCommand{row->verb, std::string(argument)};
}

std::string_view message_of_line(std::string_view line) {
  return line.starts_with("//") ? line.substr(1) : line;
}

std::vector<std::string_view> complete_chat_command(std::string_view before_cursor) {
  std::vector<std::string_view> names;
  if (!before_cursor.starts_with('/')) return names;
  for (const ChatCommandRow& row : kCommands) {
    if (row.name.starts_with(before_cursor)) names.push_back(row.name);
  }
  return names;
}

std::string_view common_beginning(std::span<const std::string_view> words) {
  if (words.empty()) return {};
  std::string_view common = words.front();
  for (const std::string_view word : words) {
    const auto differs = std::mismatch(common.begin(), common.end(), word.begin(), word.end());
    common = common.substr(0, static_cast<std::size_t>(differs.first - common.begin()));
  }
  return common;
}

std::string chat_help() {
  std::string text;
  for (const ChatCommandRow& row : kCommands) {
    text += fmt::format("  {:<16}{}\n", fmt::format("{} {}", row.name, row.parameter), row.meaning);
  }
  return text +
         "A line that ends with \\ goes on in the next one. \"\"\" begins and ends a block of "
         "lines;\npasted lines are one message. Ctrl-C stops an answer or clears the line.\n";
}

}  // namespace hearth::app
