// Finds tool calls in a finished reply, in every spelling that models of this kind produce.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "protocol/chat.h"

namespace hearth::protocol {

/// A reply taken apart.
struct ParsedReply {
  std::string text;  ///< what is not a call, outer white space trimmed if calls exist
  std::vector<ToolCall> tool_calls;  ///< in the order of the reply, without ids
  /// A call was understood although the spelling is not the strict one:
  /// `<|tool_call|>[{"name": ..., "arguments": {...}}, ...]<|/tool_call|>` and nothing else.
  bool repaired = false;
};

/// Parses a reply. Accepted: the wrapper <|tool_call|> with or without its end, or <tool_call>, or
/// none; the prefix `functools`; a list or one object, or several objects one after another;
/// "arguments" or "parameters", as an object or as a string holding one; a call nested in {"type":
/// "function", "function": {...}}; text before and after. A list or object counts only when every
/// element is a call, and when `offered` is not empty every name must be among them; other JSON
/// stays text. Never fails; time is linear in the reply for each of at most 64 candidate places,
/// nesting is limited to 64 levels.
ParsedReply parse_tool_calls(std::string_view reply, const std::vector<ToolDefinition>& offered);

}  // namespace hearth::protocol
