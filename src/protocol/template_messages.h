// From neutral messages and tools to what one model's chat template reads.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json_reader.h"
#include "base/result.h"
#include "protocol/chat.h"
#include "text/chat_template.h"
#include "text/tokenizer.h"

namespace hearth::protocol {

/// What a template and its tokenizer offer for tools, found by looking at them, never at a name.
struct TemplateTraits {
  /// Tools are a JSON string inside the system message (the template reads message['tools']).
  bool tools_in_system_message = false;
  /// The template reads the variable `tools`.
  bool tools_variable = false;
  /// The template itself renders message.tool_calls.
  bool renders_tool_calls = false;
  /// The template has a branch for role "tool".
  bool renders_tool_role = false;
  /// The vocabulary has <|tool_call|> and <|/tool_call|>.
  bool tool_call_tokens = false;
  /// The vocabulary has <|tool_response|>.
  bool tool_response_token = false;
};

/// Looks at the template's source and the tokenizer's added tokens.
TemplateTraits inspect_template(const text::ChatTemplate& chat_template,
                                const text::Tokenizer& tokenizer);

/// The definitions as Phi-4-mini's model card shows them: a JSON list (", " and ": " between parts,
/// characters not escaped) of {"name", "description", "parameters": {name: {"description", "type",
/// "default"}}}. "string", "integer", "number" and "boolean" become "str", "int", "float" and
/// "bool"; of a list of types the first that is not "null" counts; a description or default that is
/// not given is left out; required, enum and everything nested are dropped.
std::string flat_tools_string(const std::vector<ToolDefinition>& tools);

/// The calls as a reply spells them:
/// `<|tool_call|>[{"name": "f", "arguments": {...}}]<|/tool_call|>`, without the wrapper tokens
/// when `wrapper` is false.
std::string tool_calls_text(const std::vector<ToolCall>& calls, bool wrapper);

/// Fills `messages` and `tools` of a TemplateInput:
///  - tools_in_system_message: the first system message gets "tools": flat_tools_string(); when
///    there is none, "You are a helpful assistant with some tools." is put first.
///  - tools_variable: `tools` is tools_as_openai().
///  - calls of an assistant that the template does not render itself follow its content as
///    tool_calls_text(); results of tools get the role "tool_response" where the template has no
///    branch for "tool" and the vocabulary has <|tool_response|>.
/// kUnsupported when tools are given and the template has no place for them.
Result<text::TemplateInput> template_input(const std::vector<Message>& messages,
                                           const std::vector<ToolDefinition>& tools,
                                           const TemplateTraits& traits);

}  // namespace hearth::protocol
