#include "protocol/json_schema.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace hearth::protocol {
namespace {

JsonSchema read(const std::string& schema) { return read_json_schema(OrderedJson::parse(schema)); }

/// A node, with what it refers to.
struct Part {
  std::uint8_t types = 0;
  Spellings choices;
  bool closed = false;
  Spellings keys;
  std::vector<JsonSchema::Property> properties;
  JsonSchema::Id items = 0;
};

Part part_of(const JsonSchema& schema, JsonSchema::Id id) {
  const JsonSchema::Node& node = schema.nodes.at(id);
  const JsonSchema::Object& object = schema.objects.at(node.object);
  return {node.types,        schema.choices.at(node.choices),
          node.object != 0,  object.keys,
          object.properties, node.items};
}

Part root_of(const std::string& schema) {
  const JsonSchema made = read(schema);
  return part_of(made, made.root);
}

/// The only property, of a schema that has just this one.
Part property_of(const std::string& schema) {
  const JsonSchema made = read("{\"properties\": {\"p\": " + schema + "}}");
  const Part root = part_of(made, made.root);
  EXPECT_EQ(root.keys, Spellings{"\"p\""});
  return part_of(made, root.properties.at(0).node);
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
      {R"({"anyOf": [{"enum": ["a", 1]}, {"type": "boolean"}]})", kString | kInteger | kBoolean},
      {R"({"anyOf": [{"type": "string"}, {"type": "number"}], "nullable": true})",
       kString | kInteger | kNumber | kNull},
      {R"({"nullable": true, "allOf": [{"type": "string"}]})", kString | kNull},
      {R"({"type": "string", "anyOf": [{"minLength": 1}]})", kString},
      {R"({"type": "string", "allOf": [{"pattern": "^a"}, {"pattern": "b$"}]})", kString},
      {R"({"allOf": [{"type": ["string", "null"]}, {"type": ["string", "array"]}]})", kString},
      {R"({"type": "string", "$ref": "#/nothing"})", kString},
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
      {R"({"type": "integer", "enum": [1.0, 2, 2.5]})", {"1", "1.0", "2"}},
      {R"({"type": "string", "enum": ["a"], "nullable": true})", {"\"a\"", "null"}},
      {R"({"allOf": [{"enum": ["a"]}], "description": "x"})", {"\"a\""}},
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

/// Where it is not certain that there are no other properties, any may come; the type still counts.
TEST(JsonSchema, ObjectsThatMayHaveMoreAreOpen) {
  const std::string base = R"("$defs": {"A": {"type": "object", "properties": {"a": {}}}})";
  for (
      const char* rest :
      {R"("type": "object")",
       R"("properties": {}, "type": "object")",
       R"("type": "object", "properties": {"a": {}}, "additionalProperties": true)",
       R"("type": "object", "properties": {"a": {}}, "additionalProperties": {"type": "string"})",
       R"("type": "object", "properties": {"a": {}}, "unevaluatedProperties": true)",
       R"("type": "object", "properties": {"a": {}}, "required": ["a", "b"])",
       R"("type": "object", "properties": {"a": {}}, "patternProperties": {"^x": {}})",
       R"("type": "object", "properties": {"a": {}}, "dependentSchemas": {"a": {}})",
       R"("type": "object", "properties": {"a": {}}, "if": {}, "then": {"properties": {"b": {}}})",
       R"("type": "object", "properties": {"a": {}}, "allOf": [{"properties": {"b": {}}}])",
       R"("type": "object", "properties": {"b": {}}, "$ref": "#/$defs/A")",
       R"("$ref": "#/$defs/A", "required": ["b"])",
       R"("allOf": [{"$ref": "#/$defs/A"}, {"properties": {"b": {}}}])",
       R"("allOf": [{"$ref": "#/$defs/A"}], "patternProperties": {"^x": {}})",
       R"("type": "object", "allOf": [{"$ref": "#/$defs/A"}], "oneOf": [{"required": ["b"]}])",
       R"("type": "object", "anyOf": [{"$ref": "#/$defs/A"}, {"properties": {"b": {}}}])",
       R"("type": "object", "required": ["b"], "anyOf": [{"$ref": "#/$defs/A"}, {"type": "null"}])",
       R"("type": "object", "$ref": "#")",
       R"("type": "object", "$ref": 1)",
       R"("type": "object", "$ref": "#$defs/A")",
       R"("type": "object", "$ref": "#/$defs/~2%")",
       R"("type": "object", "$ref": "#/type/99999999999999999999")",
       R"("type": "object", "$ref": "https://x.org/y")"}) {
    const Part root = root_of("{" + base + ", " + rest + "}");
    EXPECT_FALSE(root.closed) << rest;
    EXPECT_EQ(root.types, json_type::kObject) << rest;
  }
  OrderedJson many = {{"properties", OrderedJson::object()}};
  for (std::size_t i = 0; i <= JsonSchema::kPropertiesMax; ++i) {
    EXPECT_EQ(root_of(many.dump()).closed, i > 0) << i;
    many["properties"]["p" + std::to_string(i)] = OrderedJson::object();
  }
  EXPECT_FALSE(root_of(many.dump()).closed);
}

TEST(JsonSchema, PropertiesMayBeForbidden) {
  for (const char* none : {R"({"properties": {}, "additionalProperties": false})",
                           R"({"type": "object", "unevaluatedProperties": false})"}) {
    EXPECT_TRUE(root_of(none).closed);
    EXPECT_TRUE(root_of(none).keys.empty());
  }
  const Part one = root_of(R"({"properties": {"a": false, "b": true}, "required": ["a", "b"]})");
  EXPECT_EQ(one.keys, Spellings{"\"b\""});
}

TEST(JsonSchema, RequiredCountsForWhatIsListed) {
  const Part stated = root_of(R"({"properties": {"b": {}, "a": {}}, "required": ["b", "unknown", 3],
                                  "additionalProperties": false})");
  EXPECT_EQ(stated.keys, (Spellings{"\"a\"", "\"b\""}));
  EXPECT_FALSE(stated.properties.at(0).required);
  EXPECT_TRUE(stated.properties.at(1).required);
  EXPECT_FALSE(root_of(R"({"properties": {"a": {}}, "required": "a"})").properties[0].required);
}

/// As the schemas of Python programs are written: one definition for each class, which may hold
/// itself, and optional values as alternatives.
TEST(JsonSchema, ReferencesAreFollowed) {
  const JsonSchema schema = read(R"({
    "$defs": {"Tree": {"type": "object", "required": ["name"], "properties": {
                "name": {"type": "string"},
                "next": {"anyOf": [{"$ref": "#/$defs/Tree"}, {"type": "null"}], "default": null},
                "children": {"type": "array", "items": {"$ref": "#/$defs/Tree"}}}},
              "a/b~c d": {"oneOf": [{"type": "integer"}]}},
    "properties": {
      "root": {"anyOf": [{"$ref": "#/$defs/Tree"}, {"type": "null"}]},
      "same": {"allOf": [{"$ref": "#/$defs/Tree"}], "description": "x"},
      "number": {"$ref": "#/$defs/a~1b~0c%20d"}, "listed": {"$ref": "#/properties/root/anyOf/1"},
      "unknown": {"$ref": "#/$defs/Bush"}, "beyond": {"$ref": "#/properties/root/anyOf/2"}}})");
  const Part root = part_of(schema, schema.root);
  ASSERT_EQ(root.keys, (Spellings{"\"beyond\"", "\"listed\"", "\"number\"", "\"root\"", "\"same\"",
                                  "\"unknown\""}));
  const auto node = [&](std::size_t i) { return part_of(schema, root.properties.at(i).node); };
  EXPECT_EQ(node(0).types, json_type::kAny);
  EXPECT_EQ(node(1).types, json_type::kNull);
  EXPECT_EQ(node(2).types, json_type::kInteger);
  EXPECT_EQ(node(3).types, json_type::kObject | json_type::kNull);
  EXPECT_EQ(node(4).types, json_type::kObject);
  EXPECT_EQ(node(5).types, json_type::kAny);
  EXPECT_EQ(node(3).keys, node(4).keys);
  ASSERT_EQ(node(4).keys, (Spellings{"\"children\"", "\"name\"", "\"next\""}));
  const Part next = part_of(schema, node(4).properties.at(2).node);
  EXPECT_EQ(next.types, json_type::kObject | json_type::kNull);
  EXPECT_EQ(next.keys, node(4).keys);
  const Part children = part_of(schema, node(4).properties.at(0).node);
  EXPECT_EQ(part_of(schema, children.items).keys, node(4).keys);
}

TEST(JsonSchema, WhatIsMadeOfItselfMayBeAnything) {
  for (const char* schema : {R"({"anyOf": [{"$ref": "#"}, {"$ref": "#"}]})", R"({"$ref": "#"})",
                             R"({"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"allOf": [
                                {"$ref": "#/$defs/a"}]}}, "$ref": "#/$defs/a"})"}) {
    EXPECT_EQ(root_of(schema).types, json_type::kAny) << schema;
  }
}

/// Hostile definitions: what they say is followed as far as it goes, and takes little.
TEST(JsonSchema, TooMuchMayBeAnything) {
  OrderedJson wide = {{"properties", OrderedJson::object()}};
  OrderedJson deep = {{"type", "string"}};
  for (int i = 0; i < 100; ++i) {
    deep = {
        {"properties", {{"a", {{"type", "array"}, {"items", deep}}}, {"b", {{"type", "null"}}}}}};
  }
  for (int i = 0; i < 20; ++i) wide["properties"]["p" + std::to_string(i)] = deep;
  wide["properties"]["z"] = {{"type", "boolean"}};
  const JsonSchema nodes = read_json_schema(wide);
  EXPECT_EQ(nodes.nodes.size(), JsonSchema::kNodesMax);
  EXPECT_EQ(part_of(nodes, part_of(nodes, nodes.root).properties.at(20).node).types,
            json_type::kBoolean);

  OrderedJson chain = {{"$ref", "#/$defs/0"}};
  for (int i = 0; i < 3000; ++i) {
    chain["$defs"][std::to_string(i)] = {{"$ref", "#/$defs/" + std::to_string(i + 1)}};
  }
  EXPECT_EQ(read_json_schema(chain).nodes.at(1).types, json_type::kAny);

  OrderedJson large = {{"properties", OrderedJson::object()}};
  for (int i = 0; i < 9000; ++i) large["$defs"]["A"]["enum"].push_back(i);
  for (int i = 0; i < 60; ++i) {
    OrderedJson& list = large["properties"]["p" + std::to_string(i)]["anyOf"];
    for (int k = 0; k < 60; ++k) list.push_back({{"$ref", "#/$defs/A"}});
    list.push_back({{"const", i}});
  }
  const JsonSchema choices = read_json_schema(large);
  std::size_t kept = 0;
  for (const Spellings& spellings : choices.choices) kept += spellings.size();
  EXPECT_LE(kept, JsonSchema::kChoicesMax);
  for (const JsonSchema::Property& property : part_of(choices, choices.root).properties) {
    EXPECT_EQ(choices.nodes.at(property.node).types, json_type::kInteger);
  }
}

}  // namespace
}  // namespace hearth::protocol
