#include "protocol/messages_json.h"

#include <gtest/gtest.h>

#include <string>

namespace hearth::protocol {
namespace {

TEST(ParseConversation, ReadsEveryRoleAndForm) {
  const auto conversation = parse_conversation(R"([
    {"role": "developer", "content": "Be brief."},
    {"role": "user", "name": "ann", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
    {"role": "assistant", "content": null, "refusal": null, "tool_calls": [
      {"id": "1", "type": "function", "function": {"name": "read", "arguments": "{\"path\": \"x\"}"}},
      {"function": {"name": "now", "arguments": ""}}]},
    {"role": "tool", "tool_call_id": "1", "name": "read", "content": ""}])",
                                               "chat.json");
  ASSERT_TRUE(conversation) << conversation.error().message;
  const auto& messages = conversation->messages;
  ASSERT_EQ(messages.size(), 4u);
  EXPECT_EQ(messages[0].role, Role::kSystem);
  EXPECT_EQ(messages[1].content, "ab");
  EXPECT_EQ(messages[1].name, "");
  ASSERT_EQ(messages[2].tool_calls.size(), 2u);
  EXPECT_EQ(messages[2].tool_calls[0], (ToolCall{"1", "read", {{"path", "x"}}}));
  EXPECT_EQ(messages[2].tool_calls[1], (ToolCall{"", "now", OrderedJson::object()}));
  EXPECT_EQ(messages[3].role, Role::kTool);
  EXPECT_EQ(messages[3].tool_call_id, "1");
  EXPECT_EQ(messages[3].name, "read");
}

TEST(ParseConversation, ReadsTheBodyOfARequest) {
  const auto conversation = parse_conversation(
      R"({"model": "x", "messages": [{"role": "user", "content": "Hi"}], "tools": [{"name": "now"}]})",
      "body");
  ASSERT_TRUE(conversation) << conversation.error().message;
  EXPECT_EQ(conversation->messages.size(), 1u);
  ASSERT_EQ(conversation->tools.size(), 1u);
  EXPECT_EQ(conversation->tools[0].name, "now");
}

TEST(ParseConversation, WhatIsWrittenIsReadAgain) {
  Message call;
  call.role = Role::kAssistant;
  call.content = "Wait.";
  call.tool_calls.push_back({"7", "read", {{"path", "\xC3\xA9\n"}}});
  Message result;
  result.role = Role::kTool;
  result.tool_call_id = "7";
  OrderedJson list = {message_to_json(call), message_to_json(result)};
  const auto read = messages_from_json(list, "x");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ((*read)[0].content, call.content);
  EXPECT_EQ((*read)[0].tool_calls, call.tool_calls);
  EXPECT_EQ((*read)[1].tool_call_id, "7");
  EXPECT_EQ(message_to_json((*read)[0]), list[0]);
}

struct Wrong {
  const char* text;
  const char* says;
};

TEST(ParseConversation, ErrorsNameTheMessageAndTheKey) {
  for (
      const Wrong& wrong : {
          Wrong{"{", "f: not valid JSON"},
          Wrong{"3", "f: messages is 3; expected a list"},
          Wrong{"{}", "f: messages is missing"},
          Wrong{"[3]", "f: messages[0] is 3; expected an object"},
          Wrong{R"([{"content": "x"}])", "f: messages[0].role is missing"},
          Wrong{R"([{"role": "king", "content": "x"}])", "messages[0].role is \"king\"; expected"},
          Wrong{R"([{"role": "user"}])", "messages[0].content is missing"},
          Wrong{R"([{"role": "user", "content": 1}])", "messages[0].content is 1"},
          Wrong{R"([{"role": "user", "content": [{"type": "image_url"}]}])",
                "messages[0].content[0].type is \"image_url\"; expected \"text\""},
          Wrong{R"([{"role": "user", "content": "", "tool_calls": [{}]}])",
                "messages[0].tool_calls: only messages of the assistant"},
          Wrong{R"([{"role": "assistant", "tool_calls": [{}]}])",
                "messages[0].tool_calls[0].function is missing"},
          Wrong{R"([{"role": "assistant", "tool_calls": [{"function": {"name": ""}}]}])",
                "messages[0].tool_calls[0].function.name is missing"},
          Wrong{
              R"([{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": "[]"}}]}])",
              "messages[0].tool_calls[0].function.arguments is \"[]\"; expected an object"},
          Wrong{
              R"([{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": "{"}}]}])",
              "messages[0].tool_calls[0].function.arguments: not valid JSON"},
          Wrong{R"({"messages": [], "tools": 1})", "f: tools"},
      }) {
    const auto conversation = parse_conversation(wrong.text, "f");
    ASSERT_FALSE(conversation) << wrong.text;
    EXPECT_EQ(conversation.error().code, ErrorCode::kInvalidArgument);
    EXPECT_NE(conversation.error().message.find(wrong.says), std::string::npos)
        << wrong.text << "\n"
        << conversation.error().message;
  }
}

}  // namespace
}  // namespace hearth::protocol
