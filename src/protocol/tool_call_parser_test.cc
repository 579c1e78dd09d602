#include "protocol/tool_call_parser.h"

#include <gtest/gtest.h>

#include <ctime>
#include <random>
#include <string>

namespace hearth::protocol {
namespace {

std::vector<ToolDefinition> tools(const std::vector<std::string>& names) {
  std::vector<ToolDefinition> made;
  for (const std::string& name : names) made.push_back({name, "", OrderedJson::object()});
  return made;
}

const ToolCall kRead{"", "read", {{"path", "a.txt"}}};

struct Spelling {
  const char* reply;
  const char* text;
  bool repaired;
};

TEST(ParseToolCalls, EverySpellingOfOneCall) {
  const Spelling spellings[] = {
      {R"(<|tool_call|>[{"name": "read", "arguments": {"path": "a.txt"}}]<|/tool_call|>)", "",
       false},
      {R"(<|tool_call|>[{"name": "read", "arguments": {"path": "a.txt"}}])", "", true},
      {R"(<|tool_call|>{"name": "read", "arguments": {"path": "a.txt"}}<|/tool_call|>)", "", true},
      {R"([{"name": "read", "arguments": {"path": "a.txt"}}])", "", true},
      {R"({"name": "read", "arguments": {"path": "a.txt"}})", "", true},
      {R"(<|tool_call|>[{"name": "read", "arguments": {"path": "a.txt"}})", "", true},
      {R"(Ok. <|tool_call|> [ {"name": "read", "arguments": {"path": "a.txt"}}<|/tool_call|>)",
       "Ok.", true},
      {R"({"name": "read", "parameters": {"path": "a.txt"}})", "", true},
      {R"({"name": "read", "arguments": "{\"path\": \"a.txt\"}"})", "", true},
      {R"(functools[{"name": "read", "arguments": {"path": "a.txt"}}])", "", true},
      {R"(functools [{"name": "read", "arguments": {"path": "a.txt"}}])", "", true},
      {R"(<tool_call>
{"name": "read", "arguments": {"path": "a.txt"}}
</tool_call>)",
       "", true},
      {R"([{"type": "function", "function": {"name": "read", "arguments": {"path": "a.txt"}}}])",
       "", true},
      {R"({"id": "call_1", "name": "read", "arguments": {"path": "a.txt"}})", "", true},
      {"  \n<|tool_call|>\n[ {\"name\":\"read\",\"arguments\":{\"path\":\"a.txt\"}} "
       "]\n<|/tool_call|>\n",
       "", true},
      {R"(I will look. <|tool_call|>[{"name": "read", "arguments": {"path": "a.txt"}}]<|/tool_call|> Done.)",
       "I will look.  Done.", true},
      {R"(See [1]: {"name": "read", "arguments": {"path": "a.txt"}})", "See [1]:", true},
  };
  for (const Spelling& spelling : spellings) {
    for (const auto& offered : {tools({}), tools({"write", "read"})}) {
      const ParsedReply parsed = parse_tool_calls(spelling.reply, offered);
      ASSERT_EQ(parsed.tool_calls.size(), 1u) << spelling.reply;
      EXPECT_EQ(parsed.tool_calls[0], kRead) << spelling.reply;
      EXPECT_EQ(parsed.text, spelling.text) << spelling.reply;
      EXPECT_EQ(parsed.repaired, spelling.repaired) << spelling.reply;
    }
  }
}

TEST(ParseToolCalls, SeveralCallsKeepTheirOrder) {
  for (
      const char* reply :
      {R"(<|tool_call|>[{"name":"a","arguments":{}},{"name":"b","arguments":{"x":1}}]<|/tool_call|>)",
       "{\"name\":\"a\",\"arguments\":{}}\n{\"name\":\"b\",\"arguments\":{\"x\":1}}",
       R"(<tool_call>{"name":"a","arguments":{}}</tool_call><tool_call>{"name":"b","arguments":{"x":1}}</tool_call>)"}) {
    const ParsedReply parsed = parse_tool_calls(reply, {});
    ASSERT_EQ(parsed.tool_calls.size(), 2u) << reply;
    EXPECT_EQ(parsed.tool_calls[0].name, "a");
    EXPECT_EQ(parsed.tool_calls[1].name, "b");
    EXPECT_EQ(parsed.tool_calls[1].arguments, (OrderedJson{{"x", 1}}));
    EXPECT_EQ(parsed.text, "");
  }
}

TEST(ParseToolCalls, JsonThatIsAnAnswerStaysText) {
  for (const char* reply :
       {R"({"name": "Ada", "age": 36})", R"([1, 2, 3])", R"({"name": 5, "arguments": {}})",
        R"({"name": "", "arguments": {}})",
        R"({"name": "read", "description": "Reads.", "parameters": {"path": {"type": "str"}}})",
        R"({"name": "read", "arguments": [1]})", R"({"name": "read", "arguments": "not json"})",
        R"([])", R"({})", R"([{"name": "read", "arguments": {}}, 7])",
        R"({"call": {"name": "read", "arguments": {}}})", "no json at all", "", "[",
        "{\"name\": \"read\", \"arguments\": {", "<|tool_call|>"}) {
    const ParsedReply parsed = parse_tool_calls(reply, {});
    EXPECT_TRUE(parsed.tool_calls.empty()) << reply;
    EXPECT_EQ(parsed.text, reply);
    EXPECT_FALSE(parsed.repaired);
  }
}

TEST(ParseToolCalls, OnlyOfferedNamesAreCalls) {
  const char* reply = R"({"name": "delete_all", "arguments": {}})";
  EXPECT_TRUE(parse_tool_calls(reply, tools({"read"})).tool_calls.empty());
  EXPECT_EQ(parse_tool_calls(reply, tools({"read"})).text, reply);
  EXPECT_EQ(parse_tool_calls(reply, tools({"delete_all"})).tool_calls.size(), 1u);
}

TEST(ParseToolCalls, ANameAloneIsACallOnlyWhenItWasOffered) {
  EXPECT_EQ(parse_tool_calls(R"({"name": "whoami", "arguments": null})", tools({"whoami"}))
                .tool_calls.size(),
            1u);
  EXPECT_TRUE(parse_tool_calls(R"({"name": "whoami"})", {}).tool_calls.empty());
  const ParsedReply parsed = parse_tool_calls(R"({"name": "whoami"})", tools({"whoami"}));
  ASSERT_EQ(parsed.tool_calls.size(), 1u);
  EXPECT_EQ(parsed.tool_calls[0].arguments, OrderedJson::object());
}

TEST(ParseToolCalls, BracketsInsideTextsDoNotConfuse) {
  const ParsedReply parsed =
      parse_tool_calls(R"([{"name": "grep", "arguments": {"pattern": "a[0] = {\"}\\\\"}}])", {});
  ASSERT_EQ(parsed.tool_calls.size(), 1u);
  EXPECT_EQ(parsed.tool_calls[0].arguments["pattern"], "a[0] = {\"}\\\\");
}

TEST(ParseToolCalls, ArgumentsKeepTheirOrder) {
  const ParsedReply parsed =
      parse_tool_calls(R"({"name": "edit", "arguments": {"z": 1, "a": 2}})", {});
  ASSERT_EQ(parsed.tool_calls.size(), 1u);
  EXPECT_EQ(parsed.tool_calls[0].arguments.dump(), R"({"z":1,"a":2})");
}

TEST(ParseToolCalls, ACallAfterALongListingIsFound) {
  std::string reply;
  for (int i = 0; i < 500; ++i) reply += "if (a[" + std::to_string(i) + "]) { b(); }\n";
  const std::string call = R"(<|tool_call|>[{"name": "read", "arguments": {"path": "a.txt"}}])";
  const ParsedReply parsed = parse_tool_calls(reply + call, {});
  ASSERT_EQ(parsed.tool_calls.size(), 1u);
  EXPECT_EQ(parsed.text + "\n", reply);
}

TEST(ParseToolCalls, HostileRepliesAreBounded) {
  const std::string deep(200000, '[');
  const std::string objects = [] {
    std::string text;
    for (int i = 0; i < 20000; ++i) text += "{\"name\":";
    return text;
  }();
  const std::clock_t start = std::clock();
  for (const std::string& reply : {deep, objects, std::string(200000, '{') + deep}) {
    EXPECT_TRUE(parse_tool_calls(reply, {}).tool_calls.empty());
  }
  EXPECT_LT(std::clock() - start, 5 * CLOCKS_PER_SEC);
  EXPECT_TRUE(
      parse_tool_calls("{\"name\": \"\xff\xfe\", \"arguments\": {}}", {}).tool_calls.empty());
  EXPECT_TRUE(parse_tool_calls(R"({"name": "x", "arguments": 1e999999})", {}).tool_calls.empty());
}

TEST(ParseToolCalls, NothingOfTheTextIsLost) {
  std::mt19937 random(9);
  const std::string alphabet = "ab{}[]\"\\:, \n<|>";
  for (int round = 0; round < 5000; ++round) {
    std::string reply;
    for (int i = 0; i < 30; ++i) reply += alphabet[random() % alphabet.size()];
    const ParsedReply parsed = parse_tool_calls(reply, {});
    ASSERT_TRUE(parsed.tool_calls.empty());
    ASSERT_EQ(parsed.text, reply);
  }
}

}  // namespace
}  // namespace hearth::protocol
