#include "protocol/tool_schema.h"

#include <gtest/gtest.h>

namespace hearth::protocol {
namespace {

ToolSchema schema_of(const char* parameters, bool states_required = true) {
  ToolDefinition definition;
  definition.name = "tool";
  definition.parameters = OrderedJson::parse(parameters);
  definition.states_required = states_required;
  return read_tool_schema(definition);
}

/// The only property, of a schema that has just this one.
ToolSchema::Property property_of(const std::string& schema) {
  const ToolSchema made = schema_of(("{\"properties\": {\"p\": " + schema + "}}").c_str());
  EXPECT_FALSE(made.any_object);
  EXPECT_EQ(made.keys, Spellings{"\"p\""});
  return made.properties.at(0);
}

TEST(ToolSchema, TypesAreWhatTheSchemaSays) {
  using namespace json_type;
  const std::pair<const char*, std::uint8_t> cases[] = {
      {R"({"type": "string"})", kString},
      {R"({"type": "integer"})", kInteger},
      {R"({"type": "number"})", kInteger | kNumber},
      {R"({"type": ["string", "null"]})", kString | kNull},
      {R"({"type": "array", "nullable": true})", kArray | kNull},
      {R"({"type": "object", "nullable": false})", kObject},
      {R"({"type": "date"})", kAny},
      {R"({"type": []})", kAny},
      {R"({"anyOf": [{"type": "string"}]})", kAny},
      {"{}", kAny},
      {"true", kAny}};
  for (const auto& [schema, types] : cases) EXPECT_EQ(property_of(schema).types, types) << schema;
}

TEST(ToolSchema, ChoicesAreTheValuesThatFit) {
  const std::pair<const char*, Spellings> cases[] = {
      {R"({"enum": ["b", "a", "b", 12, null]})", {"\"a\"", "\"b\"", "12", "null"}},
      {R"({"type": "string", "enum": ["x", 1]})", {"\"x\""}},
      {R"({"type": "number", "enum": [1, 2.5, "x"]})", {"1", "2.5"}},
      {R"({"const": "a", "enum": ["a", "b"]})", {"\"a\""}},
      {R"({"const": null})", {"null"}},
      {R"({"enum": []})", {}},
      {R"({"enum": [{"a": 1}, 2]})", {}},
      {R"({"enum": "x"})", {}}};
  for (const auto& [schema, choices] : cases) {
    EXPECT_EQ(property_of(schema).choices, choices) << schema;
  }
}

TEST(ToolSchema, WhatIsNotFollowedTakesAnyObject) {
  for (const char* parameters :
       {"{}", R"({"properties": {}})", R"({"properties": []})",
        R"({"properties": {"a": {}}, "additionalProperties": true})",
        R"({"properties": {"a": {}}, "additionalProperties": {"type": "string"}})",
        R"({"properties": {"a": {}}, "allOf": [{"properties": {"b": {}}}]})",
        R"({"properties": {"a": {}}, "$ref": "#/x"})",
        R"({"properties": {"a": {}}, "patternProperties": {"^x": {}}})"}) {
    EXPECT_TRUE(schema_of(parameters).any_object) << parameters;
  }
  OrderedJson many = {{"properties", OrderedJson::object()}};
  for (std::size_t i = 0; i <= ToolSchema::properties_max; ++i) {
    EXPECT_EQ(schema_of(many.dump().c_str()).any_object, i == 0) << i;
    many["properties"]["p" + std::to_string(i)] = OrderedJson::object();
  }
  EXPECT_TRUE(schema_of(many.dump().c_str()).any_object);
}

TEST(ToolSchema, PropertiesMayBeForbidden) {
  const ToolSchema none = schema_of(R"({"properties": {}, "additionalProperties": false})");
  EXPECT_FALSE(none.any_object);
  EXPECT_TRUE(none.keys.empty());
  const ToolSchema one =
      schema_of(R"({"properties": {"a": false, "b": true}, "required": ["a", "b"]})");
  EXPECT_EQ(one.keys, Spellings{"\"b\""});
}

TEST(ToolSchema, RequiredCountsWhereItIsStated) {
  const char* parameters = R"({"properties": {"b": {}, "a": {}}, "required": ["b", "unknown", 3]})";
  const ToolSchema stated = schema_of(parameters);
  EXPECT_EQ(stated.keys, (Spellings{"\"a\"", "\"b\""}));
  EXPECT_FALSE(stated.properties[0].required);
  EXPECT_TRUE(stated.properties[1].required);
  EXPECT_FALSE(schema_of(parameters, false).properties[1].required);
  EXPECT_FALSE(schema_of(R"({"properties": {"a": {}}, "required": "a"})").properties[0].required);
}

}  // namespace
}  // namespace hearth::protocol
