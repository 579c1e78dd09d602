#include "protocol/json_schema.h"

#include <gtest/gtest.h>

namespace hearth::protocol {
namespace {

/// What the root of this schema may be.
JsonSchema::Node root_of(const std::string& schema) {
  const JsonSchema read = read_json_schema(OrderedJson::parse(schema));
  return read.nodes.at(read.root);
}

/// The only property, of a schema that has just this one.
JsonSchema::Node property_of(const std::string& schema) {
  const JsonSchema read =
      read_json_schema(OrderedJson::parse("{\"properties\": {\"p\": " + schema + "}}"));
  const JsonSchema::Node& root = read.nodes.at(read.root);
  EXPECT_TRUE(root.closed);
  EXPECT_EQ(root.keys, Spellings{"\"p\""});
  return read.nodes.at(root.properties.at(0).node);
}

TEST(JsonSchema, TypesAreWhatTheSchemaSays) {
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
      {R"({"anyOf": [{"type": "string"}]})", kString},
      {R"({"anyOf": [{"type": "string"}, {"type": "null"}], "default": null})", kString | kNull},
      {R"({"type": "number", "oneOf": [{"minimum": 1}, {"type": "string"}]})", kInteger | kNumber},
      {R"({"anyOf": [{"enum": ["a", 1]}, {"type": "boolean"}]})",
       kString | kInteger | kNumber | kBoolean},
      {R"({"anyOf": []})", kAny},
      {"{}", kAny},
      {"true", kAny}};
  for (const auto& [schema, types] : cases) EXPECT_EQ(property_of(schema).types, types) << schema;
}

TEST(JsonSchema, ChoicesAreTheValuesThatFit) {
  const std::pair<const char*, Spellings> cases[] = {
      {R"({"enum": ["b", "a", "b", 12, null]})", {"\"a\"", "\"b\"", "12", "null"}},
      {R"({"type": "string", "enum": ["x", 1]})", {"\"x\""}},
      {R"({"type": "number", "enum": [1, 2.5, "x"]})", {"1", "2.5"}},
      {R"({"const": "a", "enum": ["a", "b"]})", {"\"a\""}},
      {R"({"const": null})", {"null"}},
      {R"({"anyOf": [{"const": "b"}, {"enum": ["a", "b"]}, {"type": "null"}]})",
       {"\"a\"", "\"b\"", "null"}},
      {R"({"anyOf": [{"const": "b"}, {"type": "integer"}]})", {}},
      {R"({"enum": []})", {}},
      {R"({"enum": [{"a": 1}, 2]})", {}},
      {R"({"enum": "x"})", {}}};
  for (const auto& [schema, choices] : cases) {
    EXPECT_EQ(property_of(schema).choices, choices) << schema;
  }
}

TEST(JsonSchema, WhatIsNotFollowedTakesAnyObject) {
  for (const char* schema :
       {"{}", R"({"properties": {}})", R"({"properties": []})",
        R"({"properties": {"a": {}}, "additionalProperties": true})",
        R"({"properties": {"a": {}}, "additionalProperties": {"type": "string"}})",
        R"({"properties": {"a": {}}, "allOf": [{"properties": {"b": {}}}]})",
        R"({"properties": {"a": {}}, "$ref": "#/x"})", R"({"$ref": "#"})", R"({"$ref": 1})",
        R"({"$ref": "https://x.org/y"})",
        R"({"properties": {"a": {}}, "patternProperties": {"^x": {}}})"}) {
    EXPECT_FALSE(root_of(schema).closed) << schema;
  }
  OrderedJson many = {{"properties", OrderedJson::object()}};
  for (std::size_t i = 0; i <= JsonSchema::properties_max; ++i) {
    EXPECT_EQ(root_of(many.dump()).closed, i > 0) << i;
    many["properties"]["p" + std::to_string(i)] = OrderedJson::object();
  }
  EXPECT_FALSE(root_of(many.dump()).closed);
}

TEST(JsonSchema, PropertiesMayBeForbidden) {
  const JsonSchema::Node none = root_of(R"({"properties": {}, "additionalProperties": false})");
  EXPECT_TRUE(none.closed);
  EXPECT_TRUE(none.keys.empty());
  const JsonSchema::Node one =
      root_of(R"({"properties": {"a": false, "b": true}, "required": ["a", "b"]})");
  EXPECT_EQ(one.keys, Spellings{"\"b\""});
}

TEST(JsonSchema, RequiredCountsForWhatIsListed) {
  const JsonSchema::Node stated =
      root_of(R"({"properties": {"b": {}, "a": {}}, "required": ["b", "unknown", 3]})");
  EXPECT_EQ(stated.keys, (Spellings{"\"a\"", "\"b\""}));
  EXPECT_FALSE(stated.properties[0].required);
  EXPECT_TRUE(stated.properties[1].required);
  EXPECT_FALSE(root_of(R"({"properties": {"a": {}}, "required": "a"})").properties[0].required);
}

/// As the schemas of Python programs are written: one definition for each class, which may hold
/// itself, and optional values as alternatives.
TEST(JsonSchema, ReferencesAreFollowed) {
  const JsonSchema schema = read_json_schema(OrderedJson::parse(R"({
    "$defs": {"Tree": {"type": "object", "required": ["name"], "properties": {
                "name": {"type": "string"}, "next": {"$ref": "#/$defs/Tree"},
                "children": {"type": "array", "items": {"$ref": "#/$defs/Tree"}}}},
              "a/b~c": {"type": "integer"}},
    "properties": {
      "root": {"anyOf": [{"$ref": "#/$defs/Tree"}, {"type": "null"}]},
      "same": {"allOf": [{"$ref": "#/$defs/Tree"}], "description": "x"},
      "number": {"$ref": "#/$defs/a~1b~0c"}, "unknown": {"$ref": "#/$defs/Bush"}}})"));
  const auto& root = schema.nodes.at(schema.root);
  ASSERT_EQ(root.keys, (Spellings{"\"number\"", "\"root\"", "\"same\"", "\"unknown\""}));
  const auto node = [&](std::size_t i) { return schema.nodes.at(root.properties.at(i).node); };
  EXPECT_EQ(node(0).types, json_type::kInteger);
  EXPECT_EQ(node(1).types, json_type::kObject | json_type::kNull);
  EXPECT_TRUE(node(1).closed);
  EXPECT_EQ(node(1).keys, node(2).keys);
  EXPECT_EQ(root.properties.at(3).node, JsonSchema::kAnything);
  const JsonSchema::NodeId tree = root.properties.at(2).node;
  ASSERT_EQ(node(2).keys, (Spellings{"\"children\"", "\"name\"", "\"next\""}));
  EXPECT_EQ(node(2).properties.at(2).node, tree);
  EXPECT_EQ(schema.nodes.at(node(2).properties.at(0).node).items, tree);
}

TEST(JsonSchema, TooMuchMayBeAnything) {
  OrderedJson large = {{"properties", OrderedJson::object()}};
  OrderedJson deep = {{"type", "string"}};
  for (int i = 0; i < 200; ++i) deep = {{"properties", {{"a", deep}, {"b", deep["type"]}}}};
  for (int i = 0; i < 20; ++i) large["properties"]["p" + std::to_string(i)] = deep;
  const JsonSchema schema = read_json_schema(large);
  EXPECT_EQ(schema.nodes.size(), JsonSchema::nodes_max);
}

}  // namespace
}  // namespace hearth::protocol
