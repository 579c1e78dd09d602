// The neutral chat types: what every API, template and tool-call format is translated to and from.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json_reader.h"

namespace hearth::protocol {

/// Who speaks. Templates see the lower-case names of role_name().
enum class Role { kSystem, kUser, kAssistant, kTool };

/// "system", "user", "assistant" or "tool".
std::string_view role_name(Role role);

/// The role of that name ("developer" is kSystem, "function" is kTool); nothing for others.
std::optional<Role> role_from_name(std::string_view name);

/// One call that a model asks for.
struct ToolCall {
  std::string id;         ///< empty when the model or client gave none
  std::string name;       ///< never empty
  OrderedJson arguments;  ///< always an object

  bool operator==(const ToolCall&) const = default;
};

/// One turn of a conversation.
struct Message {
  Role role = Role::kUser;
  std::string content;               ///< UTF-8; may be empty beside tool calls
  std::vector<ToolCall> tool_calls;  ///< assistant only
  std::string tool_call_id;          ///< tool only: the call this answers, may be empty
  std::string name;                  ///< tool only: the tool that answered, may be empty
};

/// A tool that the model may call.
struct ToolDefinition {
  std::string name;
  std::string description;
  /// A JSON schema of type object: {"type": "object", "properties": {...}, "required": [...]}.
  /// Flat definitions (Phi's {"city": {"type": "str", ...}}) are turned into this form when read.
  OrderedJson parameters;
  /// False where "required" in `parameters` is no more than a guess: a flat definition says only
  /// which parameters have a default.
  bool states_required = true;
};

/// Why a reply ended.
enum class StopReason { kEndOfTurn, kStopString, kMaxTokens, kToolCalls, kCancelled };

/// "end_turn", "stop_string", "max_tokens", "tool_calls" or "cancelled".
std::string_view stop_reason_name(StopReason reason);

}  // namespace hearth::protocol
