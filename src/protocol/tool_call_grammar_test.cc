#include "protocol/tool_call_grammar.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

#include "protocol/tool_call_parser.h"
#include "protocol/tool_definitions.h"

namespace hearth::protocol {
namespace {

std::vector<ToolDefinition> tools_of(std::string_view json) {
  auto tools = parse_tool_definitions(json, "tools");
  EXPECT_TRUE(tools) << tools.error().message;
  return tools ? std::move(*tools) : std::vector<ToolDefinition>{};
}

const std::vector<ToolDefinition>& tools() {
  static const auto kTools = tools_of(R"([
    {"name": "read", "description": "", "input_schema": {"type": "object", "required": ["path"], "properties": {
      "path": {"type": "string"}, "limit": {"type": "integer"}, "offset": {"type": "integer"}}}},
    {"name": "read_all", "parameters": {"type": "object", "properties": {"paths": {"type": "array"},
      "mode": {"enum": ["fast", "faster", 1, 12, null]}, "strict": {"type": "boolean"}}}},
    {"type": "function", "function": {"name": "set \"x\"", "parameters": {"type": "object", "properties": {
      "value": {}, "ratio": {"type": "number"}, "options": {"type": "object"}}, "required": ["value", "ratio"]}}},
    {"name": "free", "parameters": {"type": "object", "properties": {"a": {"type": "string"}},
      "additionalProperties": true}},
    {"name": "flat", "parameters": {"city": {"type": "str"}, "days": {"type": "int", "default": 1}}},
    {"name": "now"}])");
  return kTools;
}

bool accepts(std::string_view text, CallWrapper wrapper = CallWrapper::kList) {
  const ToolCallGrammar grammar(tools(), wrapper);
  ToolCallGrammar::State state = grammar.begin();
  return state.push(text) && state.complete();
}

std::string with_arguments(const char* tool, const char* arguments) {
  return std::string("[{\"name\": \"") + tool + "\", \"arguments\": " + arguments + "}]";
}

TEST(ToolCallGrammar, AcceptsCallsOfWhatIsOffered) {
  for (const std::string& text :
       {with_arguments("read", R"({"path": "a \"b\"\n\u00e9"})"),
        with_arguments("read", R"({"limit":3,"path":"x","offset":-1})"),
        with_arguments("read_all",
                       R"({"mode": "faster", "paths": [{"x": [1.5]}], "strict": false})"),
        with_arguments("read_all", R"({"mode": 12})"),
        with_arguments("read_all", R"({"mode": 1 })"),
        with_arguments("read_all", R"({"mode": null})"), with_arguments("read_all", "{}"),
        with_arguments("set \\\"x\\\"", R"({"ratio": -1.5e3, "value": [null]})"),
        with_arguments("free", R"({"b": {"c": 1}, "a": 2})"), with_arguments("flat", "{}"),
        with_arguments("flat", R"({"days": 2, "city": "Oslo"})"), with_arguments("now", "{}"),
        std::string("\n[ {\"name\":\"now\",\"arguments\":{}} ,\n "
                    "{\"name\":\"flat\",\"arguments\":{ }} ]\n")}) {
    EXPECT_TRUE(accepts(text)) << text;
    // The parser, written before and apart, finds the same calls in the strict spelling.
    const ParsedReply parsed = parse_tool_calls("<|tool_call|>" + text + "<|/tool_call|>", tools());
    EXPECT_FALSE(parsed.tool_calls.empty()) << text;
    EXPECT_FALSE(parsed.repaired) << text;
  }
}

TEST(ToolCallGrammar, RefusesTheRest) {
  for (const std::string& text : {with_arguments("write", "{}"),
                                  with_arguments("rea", "{}"),
                                  with_arguments("Read", "{}"),
                                  with_arguments("read", "{}"),
                                  with_arguments("read", R"({"limit": 3})"),
                                  with_arguments("read", R"({"path": 3})"),
                                  with_arguments("read", R"({"path": "a", "file": "b"})"),
                                  with_arguments("read", R"({"path": "a", "path": "b"})"),
                                  with_arguments("read", R"({"path": "a",})"),
                                  with_arguments("read", R"({"path": "a", "limit": 1.5})"),
                                  with_arguments("read", R"({"path": "a)"),
                                  with_arguments("read_all", R"({"mode": "slow"})"),
                                  with_arguments("read_all", R"({"mode": 2})"),
                                  with_arguments("read_all", R"({"mode": "fas"})"),
                                  with_arguments("read_all", R"({"strict": 1})"),
                                  with_arguments("now", "[]"),
                                  std::string("[]"),
                                  std::string("{}"),
                                  std::string(R"([{"arguments": {}, "name": "now"}])"),
                                  std::string(R"([{"name": "now"}])"),
                                  std::string(R"([{"name": "now", "parameters": {}}])"),
                                  with_arguments("now", "{}") + "]",
                                  std::string(R"({"name": "now", "arguments": {}})")}) {
    EXPECT_FALSE(accepts(text)) << text;
  }
}

/// As libraries make definitions from classes: the arguments are a reference, and hold themselves.
TEST(ToolCallGrammar, DefinitionsMayReferToThemselves) {
  const std::vector<ToolDefinition> made = tools_of(R"([{"name": "add", "input_schema": {
    "$schema": "http://json-schema.org/draft-07/schema#", "$ref": "#/definitions/Task",
    "definitions": {"Task": {"type": "object", "required": ["title"], "additionalProperties": false,
      "properties": {"title": {"type": "string"}, "state": {"enum": ["open", "done"]},
        "steps": {"type": "array", "items": {"$ref": "#/definitions/Task"}},
        "next": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}}}}}}])");
  ASSERT_EQ(made.size(), 1U);
  const ToolCallGrammar grammar(made, CallWrapper::kList);
  const auto takes = [&](const char* arguments) {
    ToolCallGrammar::State state = grammar.begin();
    return state.push(with_arguments("add", arguments)) && state.complete();
  };
  EXPECT_TRUE(takes(R"({"title": "a", "steps": [{"title": "b", "state": "done"}], "next": null})"));
  EXPECT_TRUE(takes(R"({"next": {"title": "c", "steps": []}, "title": "a"})"));
  EXPECT_FALSE(takes(R"({"title": "a", "steps": [{"state": "done"}]})"));
  EXPECT_FALSE(takes(R"({"title": "a", "steps": [{"title": "b", "state": "shut"}]})"));
  EXPECT_FALSE(takes(R"({"title": "a", "steps": ["b"]})"));
  EXPECT_FALSE(takes(R"({"title": "a", "next": {"name": "c"}})"));
  EXPECT_FALSE(takes(R"({"title": "a", "next": {}})"));
}

/// The deepest and longest that it accepts is what the parser reads.
TEST(ToolCallGrammar, TheParserReadsTheDeepest) {
  for (const auto& [tool, key] : {std::pair("free", "a"), std::pair("read_all", "paths")}) {
    const ToolCallGrammar grammar(tools(), CallWrapper::kList);
    ToolCallGrammar::State state = grammar.begin();
    std::string text =
        std::string("[{\"name\": \"") + tool + "\", \"arguments\": {\"" + key + "\": [";
    ASSERT_TRUE(state.push(text));
    std::string closing = "]}}]";
    for (ToolCallGrammar::State deeper = state; deeper.push('['); state = deeper) {
      text += "[";
      closing = "]" + closing;
    }
    ASSERT_GT(closing.size(), 20U);
    ASSERT_TRUE(state.push(closing) && state.complete()) << text << closing;
    const ParsedReply parsed =
        parse_tool_calls("<|tool_call|>" + text + closing + "<|/tool_call|>", tools());
    EXPECT_EQ(parsed.tool_calls.size(), 1U);
    EXPECT_FALSE(parsed.repaired);
  }
}

TEST(ToolCallGrammar, NamesThatAreNoUtf8AreNoTrap) {
  std::vector<ToolDefinition> odd = tools();
  odd[0].name = "\xff";
  odd[1].parameters["properties"]["\xfe"] = {{"enum", {"\xfd"}}};
  const ToolCallGrammar grammar(odd, CallWrapper::kList);
  ToolCallGrammar::State state = grammar.begin();
  EXPECT_TRUE(state.push("[{\"name\": \"\uFFFD\", \"arguments\": {\"path\": \"a\"}}]"));
}

TEST(ToolCallGrammar, OneObjectWhereTheWrapperHoldsOne) {
  EXPECT_TRUE(accepts("\n{\"name\": \"now\", \"arguments\": {}}\n", CallWrapper::kObject));
  EXPECT_FALSE(accepts(with_arguments("now", "{}"), CallWrapper::kObject));
  EXPECT_FALSE(accepts(R"({"name": "now", "arguments": {}}, {)", CallWrapper::kObject));
}

bool has_type(const OrderedJson& value, const std::string& type) {
  return type == "string"    ? value.is_string()
         : type == "integer" ? value.is_number_integer()
         : type == "number"  ? value.is_number()
         : type == "boolean" ? value.is_boolean()
         : type == "object"  ? value.is_object()
         : type == "array"   ? value.is_array()
                             : true;
}

/// What the definitions say, read apart from the grammar.
void expect_valid(const OrderedJson& call) {
  ASSERT_EQ(call.size(), 2U);
  const auto tool = std::find_if(tools().begin(), tools().end(),
                                 [&](const ToolDefinition& t) { return t.name == call["name"]; });
  ASSERT_NE(tool, tools().end());
  const OrderedJson& schema = tool->parameters;
  const OrderedJson& arguments = call["arguments"];
  ASSERT_TRUE(arguments.is_object());
  if (schema["properties"].empty() || schema.contains("additionalProperties")) return;
  for (const auto& [key, value] : arguments.items()) {
    ASSERT_TRUE(schema["properties"].contains(key)) << key;
    const OrderedJson& property = schema["properties"][key];
    EXPECT_TRUE(has_type(value, property.value("type", ""))) << key << ": " << value;
    if (property.contains("enum")) {
      EXPECT_NE(std::find(property["enum"].begin(), property["enum"].end(), value),
                property["enum"].end());
    }
  }
  if (!tool->states_required) return;
  for (const OrderedJson& key : schema.value("required", OrderedJson::array())) {
    EXPECT_TRUE(arguments.contains(key.get<std::string>()));
  }
}

/// A writer without any sense: any byte that may come. There always is one, and what it ends with
/// is valid.
TEST(ToolCallGrammar, EveryWalkLeadsToValidCalls) {
  const ToolCallGrammar grammar(tools(), CallWrapper::kList);
  std::mt19937 random(7);
  std::set<std::string> names;
  for (int walk = 0; walk < 400; ++walk) {
    ToolCallGrammar::State state = grammar.begin();
    std::string text;
    while (!state.complete()) {
      std::string possible;
      for (char byte = ' '; byte <= '~'; ++byte) {
        ToolCallGrammar::State copy = state;
        if (copy.push(byte)) possible.push_back(byte);
      }
      ASSERT_FALSE(possible.empty()) << text;
      // It may go on for ever: closing is preferred, the more the longer it takes.
      std::size_t close = std::string::npos;
      for (const char byte : {'"', '}', ']'}) {
        if (possible.find(byte) != std::string::npos) close = possible.find(byte);
      }
      if (possible.find('~') != std::string::npos) close = possible.find('"');  // inside a text
      const bool closes = close != std::string::npos && random() % 400 < 100 + text.size();
      const char byte = closes ? possible[close] : possible[random() % possible.size()];
      ASSERT_TRUE(state.push(byte));
      text.push_back(byte);
      ASSERT_LT(text.size(), 5000U) << text;
    }
    const OrderedJson calls = OrderedJson::parse(text, nullptr, false);
    ASSERT_TRUE(calls.is_array() && !calls.empty()) << text;
    for (const OrderedJson& call : calls) {
      expect_valid(call);
      names.insert(call["name"]);
    }
  }
  EXPECT_EQ(names.size(), tools().size());
}

/// What a JSON library writes for random arguments is accepted, however it is spaced.
TEST(ToolCallGrammar, AcceptsWhatALibraryWrites) {
  std::mt19937 random(8);
  const auto value_of = [&](const OrderedJson& schema) -> OrderedJson {
    if (schema.contains("enum")) return schema["enum"][random() % schema["enum"].size()];
    const std::string type = schema.value("type", "");
    if (type == "string") return std::string(random() % 20, static_cast<char>(' ' + random() % 90));
    if (type == "integer") return static_cast<int>(random() % 2000) - 1000;
    if (type == "number") return static_cast<double>(random()) / 1e5;
    if (type == "boolean") return random() % 2 == 0;
    if (type == "array") return OrderedJson::array({1, "x", OrderedJson::object()});
    return OrderedJson{{"k", {1, 2.5, nullptr}}};
  };
  for (int i = 0; i < 2000; ++i) {
    OrderedJson calls = OrderedJson::array();
    for (std::size_t n = 0; n <= random() % 3; ++n) {
      const ToolDefinition& tool = tools()[random() % tools().size()];
      OrderedJson arguments = OrderedJson::object();
      std::vector<std::string> keys;
      for (const auto& item : tool.parameters["properties"].items()) keys.push_back(item.key());
      std::shuffle(keys.begin(), keys.end(), random);
      for (const std::string& key : keys)
        arguments[key] = value_of(tool.parameters["properties"][key]);
      calls.push_back({{"name", tool.name}, {"arguments", arguments}});
    }
    const int indent = static_cast<int>(random() % 3) - 1;
    EXPECT_TRUE(accepts(calls.dump(indent))) << calls.dump(indent);
  }
}

}  // namespace
}  // namespace hearth::protocol
