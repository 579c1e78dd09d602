#include "protocol/template_messages.h"

#include <gtest/gtest.h>

#include <string>

#include "protocol/tool_definitions.h"

namespace hearth::protocol {
namespace {

TemplateTraits phi_traits() {
  TemplateTraits traits;
  traits.tools_in_system_message = true;
  traits.tool_call_tokens = true;
  traits.tool_response_token = true;
  return traits;
}

std::vector<ToolDefinition> weather() {
  return *parse_tool_definitions(
      R"([{"type": "function", "function": {"name": "get_weather", "description": "Fetches \"it\".",
           "parameters": {"type": "object", "properties": {
             "city": {"type": "string", "description": "Größe der Stadt", "default": "London"},
             "days": {"type": ["null", "integer"], "enum": [1, 2]},
             "exact": {"type": "boolean"}, "factor": {"type": "number"},
             "tags": {"type": "array", "items": {"type": "string"}}, "any": true},
           "required": ["city"]}}}])",
      "t");
}

Message message(Role role, std::string content) {
  Message made;
  made.role = role;
  made.content = std::move(content);
  return made;
}

TEST(FlatToolsString, IsTheFormOfTheModelCard) {
  EXPECT_EQ(flat_tools_string(weather()),
            R"([{"name": "get_weather", "description": "Fetches \"it\".", "parameters": )"
            R"({"city": {"description": "Größe der Stadt", "type": "str", "default": "London"}, )"
            R"("days": {"type": "int"}, "exact": {"type": "bool"}, "factor": {"type": "float"}, )"
            R"("tags": {"type": "array"}, "any": {"type": "str"}}}])");
}

TEST(TemplateInput, ToolsGoIntoTheSystemMessage) {
  const auto input = template_input(
      {message(Role::kSystem, "Be brief."), message(Role::kUser, "Hi")}, weather(), phi_traits());
  ASSERT_TRUE(input);
  ASSERT_EQ(input->messages.size(), 2u);
  EXPECT_EQ(input->messages[0]["content"], "Be brief.");
  EXPECT_EQ(input->messages[0]["tools"], flat_tools_string(weather()));
  EXPECT_TRUE(input->tools.is_null());
}

TEST(TemplateInput, ASystemMessageIsMadeForToolsOnly) {
  const auto with = template_input({message(Role::kUser, "Hi")}, weather(), phi_traits());
  ASSERT_TRUE(with);
  ASSERT_EQ(with->messages.size(), 2u);
  EXPECT_EQ(with->messages[0]["role"], "system");
  EXPECT_EQ(with->messages[0]["content"], "You are a helpful assistant with some tools.");
  const auto without = template_input({message(Role::kUser, "Hi")}, {}, phi_traits());
  ASSERT_TRUE(without);
  EXPECT_EQ(without->messages.size(), 1u);
}

TEST(TemplateInput, CallsAndResultsInPhisWords) {
  Message call = message(Role::kAssistant, "");
  call.tool_calls.push_back({"1", "read", {{"path", "a b"}}});
  const auto input = template_input(
      {message(Role::kUser, "read it"), call, message(Role::kTool, "content")}, {}, phi_traits());
  ASSERT_TRUE(input);
  EXPECT_EQ(input->messages[1]["content"],
            R"(<|tool_call|>[{"name": "read", "arguments": {"path": "a b"}}]<|/tool_call|>)");
  EXPECT_EQ(input->messages[2]["role"], "tool_response");
}

TEST(TemplateInput, ATemplateThatRendersCallsGetsThemAsData) {
  TemplateTraits traits;
  traits.tools_variable = traits.renders_tool_calls = traits.renders_tool_role = true;
  Message call = message(Role::kAssistant, "ok");
  call.tool_calls.push_back({"1", "read", {{"path", "a"}}});
  const auto input = template_input({call, message(Role::kTool, "content")}, weather(), traits);
  ASSERT_TRUE(input);
  EXPECT_EQ(input->messages[0]["content"], "ok");
  EXPECT_EQ(input->messages[0]["tool_calls"][0]["function"]["name"], "read");
  EXPECT_EQ(input->messages[1]["role"], "tool");
  EXPECT_EQ(input->tools, tools_as_openai(weather()));
}

TEST(TemplateInput, ATemplateWithoutAPlaceForToolsSaysSo) {
  const auto input = template_input({message(Role::kUser, "Hi")}, weather(), {});
  ASSERT_FALSE(input);
  EXPECT_EQ(input.error().code, ErrorCode::kUnsupported);
}

TemplateTraits traits_of(const char* source) {
  const auto compiled = text::ChatTemplate::compile(source, "t");
  EXPECT_TRUE(compiled) << compiled.error().message;
  const auto tokenizer = text::Tokenizer::from_json(
      R"({"pre_tokenizer": {"type": "ByteLevel"}, "added_tokens": [
          {"id": 1, "content": "<|tool_response|>", "special": false, "lstrip": false,
           "rstrip": false, "single_word": false, "normalized": false}],
          "model": {"type": "BPE", "vocab": {"a": 0}, "merges": []}})",
      "t");
  EXPECT_TRUE(tokenizer) << tokenizer.error().message;
  return inspect_template(*compiled, *tokenizer);
}

TEST(InspectTemplate, LooksAtWhatTheTemplateReads) {
  const TemplateTraits phi = traits_of(
      "{% for message in messages %}{% if 'tools' in message and message['tools'] is not none %}"
      "{{ message['tools'] }}{% endif %}{{ message['content'] }}{% endfor %}");
  EXPECT_TRUE(phi.tools_in_system_message);
  EXPECT_FALSE(phi.tools_variable);
  EXPECT_FALSE(phi.renders_tool_role);
  EXPECT_TRUE(phi.tool_response_token);
  EXPECT_FALSE(phi.tool_call_tokens);

  const TemplateTraits chatml = traits_of(
      "{%- if tools %}# Tools{{ tools | tojson }}{% endif %}{% for message in messages %}"
      "{% if message.role == 'tool' %}{% endif %}{% if message.tool_calls %}{% endif %}{% endfor "
      "%}");
  EXPECT_FALSE(chatml.tools_in_system_message);
  EXPECT_TRUE(chatml.tools_variable);
  EXPECT_TRUE(chatml.renders_tool_calls);
  EXPECT_TRUE(chatml.renders_tool_role);

  const TemplateTraits plain = traits_of(
      "You have no tools. {% for message in messages %}{{ message['content'] }}{% endfor %}");
  EXPECT_FALSE(plain.tools_variable) << "the word stands outside of any expression";
}

}  // namespace
}  // namespace hearth::protocol
