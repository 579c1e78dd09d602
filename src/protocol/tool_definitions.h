// Reads tool definitions in OpenAI's, Anthropic's or Phi's form into the neutral one, and back.
#pragma once

#include <string_view>
#include <vector>

#include "base/json_reader.h"
#include "base/result.h"
#include "protocol/chat.h"

namespace hearth::protocol {

/// Parses a JSON list of definitions; the forms may be mixed:
///   OpenAI     {"type": "function", "function": {"name", "description", "parameters"}}
///   Responses  {"type": "function", "name", "description", "parameters"}
///   Anthropic  {"name", "description", "input_schema"}
///   Phi        {"name", "description", "parameters": {"city": {"type": "str", ...}}}
/// A missing description is empty; missing parameters mean none. Errors (kInvalidArgument) name
/// `source`, the index and the key: not a list, no name, a name twice, a schema that is no object.
Result<std::vector<ToolDefinition>> parse_tool_definitions(std::string_view json_text,
                                                           std::string_view source);
Result<std::vector<ToolDefinition>> tool_definitions_from_json(const OrderedJson& list,
                                                               std::string_view source);

/// The list in OpenAI's nested form: what templates with a `tools` variable expect.
OrderedJson tools_as_openai(const std::vector<ToolDefinition>& tools);

}  // namespace hearth::protocol
