// Evaluation sets: one request and what is expected of its answer on each line of a file.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_reader.h"
#include "base/result.h"
#include "protocol/chat.h"

namespace hearth::eval {

/// What an answer must be. Either a call, or text without one.
struct Expectation {
  std::string tool;  ///< the call's name as the request offers it; empty: no call is right
  /// With `tool`: the arguments, of which one must be met exactly.
  std::vector<OrderedJson> arguments;
  std::optional<std::string> text;             ///< the whole answer, white space around it aside
  std::vector<std::string> text_contains;      ///< all of them
  std::vector<std::string> text_contains_any;  ///< at least one, where there are any
};

struct EvalCase {
  std::string id;      ///< unique in its file
  std::string kind;    ///< for the report: "tool", "absent", "no-tools", "arithmetic", ...
  std::string family;  ///< for the report by tool, whatever a client calls it; else expect.tool
  std::vector<protocol::ToolDefinition> tools;
  std::vector<protocol::Message> messages;
  Expectation expect;
};

/// Reads JSON lines; empty ones are passed over. Each is an object:
///   "id", "kind"   texts; ids are unique
///   "family"       optional text
///   "tools"        optional list of definitions in any form that requests may have
///   "messages"     list, at least one, in the form of OpenAI's chat API
///   "expect"       {"tool": NAME, "arguments": {...}} or {"tool", "arguments_any": [{...}, ...]},
///   or
///                  text: {"text": ...} or {"text_contains": [...], "text_contains_any": [...]},
///                  each with or without "no_call": true
/// Errors (kInvalidArgument) name `source`, the line and the key: bad JSON, a key that is not
/// known, an expected tool that is not offered, an expectation of nothing. No case at all is an
/// error, too.
Result<std::vector<EvalCase>> parse_cases(std::string_view text, std::string_view source);

}  // namespace hearth::eval
