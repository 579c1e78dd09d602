#include "protocol/tool_definitions.h"

#include <gtest/gtest.h>

namespace hearth::protocol {
namespace {

TEST(ParseToolDefinitions, EveryFormGivesTheSameDefinition) {
  for (const char* text :
       {R"([{"type": "function", "function": {"name": "weather", "description": "Tells it.",
             "parameters": {"type": "object", "properties": {"city": {"type": "string"}},
                            "required": ["city"]}}}])",
        R"([{"type": "function", "name": "weather", "description": "Tells it.",
             "parameters": {"type": "object", "properties": {"city": {"type": "string"}},
                            "required": ["city"]}}])",
        R"([{"name": "weather", "description": "Tells it.",
             "input_schema": {"type": "object", "properties": {"city": {"type": "string"}},
                              "required": ["city"]}}])",
        R"([{"name": "weather", "description": "Tells it.",
             "parameters": {"city": {"type": "str"}}}])"}) {
    const auto tools = parse_tool_definitions(text, "tools.json");
    ASSERT_TRUE(tools) << tools.error().message;
    ASSERT_EQ(tools->size(), 1u);
    EXPECT_EQ(tools->front().name, "weather");
    EXPECT_EQ(tools->front().description, "Tells it.");
    EXPECT_EQ(tools->front().parameters.dump(),
              R"({"type":"object","properties":{"city":{"type":"string"}},"required":["city"]})")
        << text;
  }
}

TEST(ParseToolDefinitions, ToolsWithoutParametersAndDescription) {
  for (const char* text :
       {R"([{"name": "now"}])", R"([{"name": "now", "parameters": {}}])",
        R"([{"name": "now", "input_schema": {"type": "object"}}])",
        R"([{"type": "function", "function": {"name": "now", "parameters": null}}])"}) {
    const auto tools = parse_tool_definitions(text, "t");
    ASSERT_TRUE(tools) << tools.error().message;
    EXPECT_EQ(tools->front().parameters["properties"], OrderedJson::object()) << text;
  }
}

TEST(ParseToolDefinitions, AFlatParameterMayBeCalledTypeOrProperties) {
  const auto tools = parse_tool_definitions(
      R"([{"name": "make", "parameters": {"type": {"type": "str", "description": "kind"},
           "properties": {"type": "dict", "description": "more"}}}])",
      "t");
  ASSERT_TRUE(tools) << tools.error().message;
  const OrderedJson& properties = tools->front().parameters["properties"];
  EXPECT_EQ(properties["type"]["type"], "string");
  EXPECT_EQ(properties["properties"]["type"], "object");
}

TEST(ParseToolDefinitions, ErrorsNameIndexAndKey) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"name": "x"})", "tools.json: expected a list"},
      {R"([{"name": "a"}, 5])", "tools.json: [1]: expected an object"},
      {R"([{"description": "x"}])", "tools.json: [0].name: expected a text"},
      {R"([{"name": ""}])", "tools.json: [0].name: expected a text that is not empty"},
      {R"([{"name": "a"}, {"name": "a"}])", "tools.json: [1].name: \"a\" is also the name of [0]"},
      {R"([{"name": "a", "description": 5}])", "tools.json: [0].description: expected a text"},
      {R"([{"name": "a", "parameters": []}])", "tools.json: [0].parameters: expected an object"},
      {R"([{"name": "a", "input_schema": {"type": "string"}}])",
       "tools.json: [0].input_schema.type: expected \"object\""},
      {R"([{"name": "a", "parameters": {"type": "object", "properties": 5}}])",
       "tools.json: [0].parameters.properties: expected an object"},
      {R"([{"name": "a", "parameters": {"city": "str"}}])",
       "tools.json: [0].parameters.city: expected an object"},
      {R"([{"type": "function", "function": {}}])", "tools.json: [0].function.name: expected"},
      {R"([{"name": "a",}])", "tools.json: not valid JSON"},
  };
  for (const auto& [text, message] : cases) {
    const auto tools = parse_tool_definitions(text, "tools.json");
    ASSERT_FALSE(tools) << text;
    EXPECT_EQ(tools.error().message.rfind(message, 0), 0u) << tools.error().message;
  }
}

}  // namespace
}  // namespace hearth::protocol
