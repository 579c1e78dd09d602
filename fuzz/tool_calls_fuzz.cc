// Any definitions of tools, and a writer of calls without sense: {"tools": [...], "choices":
// "..."}; with "object" one call, in the other wrapper. Of the bytes that may come next, each
// character of "choices" picks one; then what closes comes first. From every state some byte leads
// on, and what it ends with is read as strict calls.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_reader.h"
#include "fuzz_check.h"
#include "json_mutator.h"
#include "protocol/tool_call_grammar.h"
#include "protocol/tool_call_parser.h"
#include "protocol/tool_definitions.h"

namespace {

using hearth::OrderedJson;
using hearth::protocol::CallWrapper;
using hearth::protocol::ToolCallGrammar;
using hearth::protocol::ToolDefinition;

constexpr std::size_t kCallBytesMax = 4000;

/// The bytes that may come: what closes first, white space last. Halves of characters are left out
/// where any character may stand, so that the text is UTF-8.
std::string possible_bytes(const ToolCallGrammar::State& state) {
  std::string closing;
  std::string others;
  std::string spaces;
  for (int value = 0; value < 256; ++value) {
    const char byte = static_cast<char>(value);
    if (value > 0x7e && state.in_text()) continue;
    ToolCallGrammar::State tried = state;
    if (!tried.push(byte)) continue;
    const bool closes = byte == '"' || byte == '}' || byte == ']';
    (closes ? closing : value <= ' ' && !state.in_text() ? spaces : others).push_back(byte);
  }
  return closing + others + spaces;
}

/// The bytes between the markers; empty if they would be too many.
std::string write_calls(const ToolCallGrammar& grammar, std::string_view choices) {
  ToolCallGrammar::State state = grammar.begin();
  std::string text;
  while (!state.complete() && text.size() < kCallBytesMax) {
    const std::string possible = possible_bytes(state);
    FUZZ_CHECK(!possible.empty());
    const std::size_t at =
        text.size() < choices.size() ? static_cast<unsigned char>(choices[text.size()]) : 0;
    text.push_back(possible[at % possible.size()]);
    FUZZ_CHECK(state.push(text.back()));
  }
  return state.complete() ? text : std::string();
}

bool is_offered(const std::vector<ToolDefinition>& tools, const std::string& name) {
  return std::any_of(tools.begin(), tools.end(),
                     [&](const ToolDefinition& tool) { return tool.name == name; });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto root = hearth::parse_ordered_json(bytes, "input");
  if (!root || !root->is_object() || !root->contains("tools")) return 0;
  const auto tools = hearth::protocol::tool_definitions_from_json(root->at("tools"), "input");
  if (!tools) {
    FUZZ_CHECK(tools.error().message.find("input") != std::string::npos);
    return 0;
  }
  if (tools->empty()) return 0;
  const OrderedJson choices = root->value("choices", OrderedJson());
  const bool list = !root->contains("object");
  const ToolCallGrammar grammar(*tools, list ? CallWrapper::kList : CallWrapper::kObject);
  const std::string text =
      write_calls(grammar, choices.is_string() ? choices.get<std::string>() : std::string());
  if (text.empty()) return 0;
  const auto reply = hearth::protocol::parse_tool_calls(
      list ? "<|tool_call|>" + text + "<|/tool_call|>" : "<tool_call>" + text + "</tool_call>",
      *tools);
  FUZZ_CHECK(!reply.tool_calls.empty());
  FUZZ_CHECK(!list || !reply.repaired);
  for (const auto& call : reply.tool_calls) FUZZ_CHECK(is_offered(*tools, call.name));
  planted_bug_if(reply.tool_calls.size() == 2 && text.find("null") != std::string::npos);
  return 0;
}
