#include "protocol/schema_value.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

namespace hearth::protocol {
namespace {

bool accepts(const OrderedJson& schema, std::string_view text) {
  const JsonSchema read = read_json_schema(schema);
  SchemaValue value(read);
  for (const char byte : text) {
    if (value.push(byte) != JsonValue::Step::kTaken) return false;
  }
  return value.push(';') == JsonValue::Step::kEnded;
}

/// As coding agents define a list of things to do.
const OrderedJson& todos() {
  static const OrderedJson kSchema = OrderedJson::parse(R"({"type": "object", "required": ["todos"],
    "properties": {"todos": {"type": "array", "items": {"type": "object",
      "required": ["content", "status"], "additionalProperties": false, "properties": {
        "content": {"type": "string"}, "status": {"enum": ["pending", "done"]},
        "tags": {"type": "array", "items": {"type": "string"}},
        "place": {"anyOf": [{"type": "null"}, {"type": "object", "properties": {
          "line": {"type": "integer"}}}]}}}}}})");
  return kSchema;
}

TEST(SchemaValue, FollowsListsAndObjectsInside) {
  for (const char* text :
       {R"({"todos": []})", R"({"todos":[{"content":"a","status":"done"}]})",
        R"({ "todos" : [ {"status": "pending", "tags": ["x", "y"], "content": ""} , {"content": "b",
           "place": {"line": 3}, "status": "done"}] })",
        R"({"todos": [{"content": "a", "place": null, "tags": [], "status": "done"}]})"}) {
    EXPECT_TRUE(accepts(todos(), text)) << text;
  }
  for (const char* text :
       {R"({})", R"({"todos": [3]})", R"({"todos": ["a"]})", R"({"todos": [{}]})",
        R"({"todos": [{"content": "a"}]})", R"({"todos": [{"content": 1, "status": "done"}]})",
        R"({"todos": [{"content": "a", "status": "open"}]})",
        R"({"todos": [{"content": "a", "content": "b", "status": "done"}]})",
        R"({"todos": [{"content": "a", "status": "done", "tags": [1]}]})",
        R"({"todos": [{"content": "a", "status": "done", "place": {"line": "3"}}]})",
        R"({"todos": [{"content": "a", "status": "done", "place": {"row": 3}}]})",
        R"({"todos": [{"content": "a", "status": "done"},]})",
        R"({"todos": [{"content": "a", "status": "done",}]})",
        R"({"todos": [{"content": "a", "status": "done"}]]})", R"({"todos": [})"}) {
    EXPECT_FALSE(accepts(todos(), text)) << text;
  }
}

TEST(SchemaValue, DeeperThanItFollowsAnythingMayStand) {
  const OrderedJson schema = OrderedJson::parse(R"({"$defs": {"T": {"properties": {"t": {"$ref":
    "#/$defs/T"}}, "required": ["t"], "type": "object"}}, "$ref": "#/$defs/T"})");
  std::string text;
  for (std::size_t i = 0; i < SchemaValue::depth_max; ++i) text += "{\"t\":";
  EXPECT_TRUE(accepts(schema, text + "{\"x\":[]}" + std::string(SchemaValue::depth_max, '}')));
  EXPECT_FALSE(accepts(schema, text + "[]" + std::string(SchemaValue::depth_max, '}')));
  text.resize(text.size() - 5);
  EXPECT_FALSE(accepts(schema, text + "{\"x\":[]}" + std::string(SchemaValue::depth_max - 1, '}')));
}

/// Some schema of what is followed, at most `depth` deep.
OrderedJson random_schema(std::mt19937& random, int depth) {
  static const OrderedJson kLeaves = OrderedJson::parse(R"([{"type": "string"}, {"type": "integer"},
    {"type": "number"}, {"type": "boolean"}, {"type": "null"}, {"type": ["integer", "null"]},
    {"enum": ["a", "ab", 1, 12, null]}, {"const": "x"}, {"$ref": "#/$defs/leaf"}])");
  const auto kind = random() % 5;
  if (depth == 0 || kind < 2) return kLeaves[random() % kLeaves.size()];
  if (kind == 2) return {{"type", "array"}, {"items", random_schema(random, depth - 1)}};
  if (kind == 3) {
    return {{"anyOf", {random_schema(random, depth - 1), {{"type", "null"}}}}};
  }
  OrderedJson made = {{"type", "object"}, {"properties", OrderedJson::object()}};
  for (const char* key : {"a", "ab", "b \"c\"", "\u00e9"}) {
    if (random() % 4 == 0) continue;
    made["properties"][key] = random_schema(random, depth - 1);
    if (random() % 3 == 0) made["required"].push_back(key);
  }
  if (random() % 3 == 0 || made["properties"].empty()) made["additionalProperties"] = false;
  return made;
}

bool is_type(const OrderedJson& value, const std::string& type) {
  return type == "string"    ? value.is_string()
         : type == "integer" ? value.is_number_integer()
         : type == "number"  ? value.is_number()
         : type == "boolean" ? value.is_boolean()
         : type == "object"  ? value.is_object()
         : type == "array"   ? value.is_array()
                             : value.is_null();
}

/// JSON Schema's own rules, for the keywords above.
bool valid(const OrderedJson& root, const OrderedJson& schema, const OrderedJson& value) {
  if (schema.contains("$ref")) return valid(root, root["$defs"]["leaf"], value);
  if (schema.contains("anyOf")) {
    return std::any_of(schema["anyOf"].begin(), schema["anyOf"].end(),
                       [&](const OrderedJson& one) { return valid(root, one, value); });
  }
  if (schema.contains("const")) return value == schema["const"];
  if (schema.contains("enum")) {
    return std::find(schema["enum"].begin(), schema["enum"].end(), value) != schema["enum"].end();
  }
  const OrderedJson& type = schema["type"];
  if (type.is_array()) return is_type(value, type[0]) || is_type(value, type[1]);
  if (!is_type(value, type)) return false;
  if (type == "array") {
    return std::all_of(value.begin(), value.end(),
                       [&](const OrderedJson& one) { return valid(root, schema["items"], one); });
  }
  if (type != "object") return true;
  for (const auto& [key, one] : value.items()) {
    const OrderedJson& properties = schema["properties"];
    if (!properties.contains(key) || !valid(root, properties[key], one)) return false;
  }
  const OrderedJson required = schema.value("required", OrderedJson::array());
  return std::all_of(required.begin(), required.end(), [&](const OrderedJson& key) {
    return value.contains(key.get<std::string>());
  });
}

/// A writer without any sense: any byte that may come. What it ends with is valid.
TEST(SchemaValue, EveryWalkLeadsToAValidValue) {
  std::mt19937 random(11);
  std::size_t structured = 0;
  for (int walk = 0; walk < 600; ++walk) {
    OrderedJson schema = random_schema(random, 3);
    if (!schema.contains("type") && !schema.contains("anyOf")) continue;
    schema["$defs"] = {{"leaf", {{"type", "boolean"}}}};
    const JsonSchema read = read_json_schema(schema);
    SchemaValue value(read);
    std::string text;
    for (;;) {
      std::string possible;
      for (int byte = 0; byte < 256; ++byte) {
        if (byte == 0x7f || (byte > 0x7f && value.in_text())) continue;
        SchemaValue copy = value;
        if (copy.push(static_cast<char>(byte)) == JsonValue::Step::kTaken) {
          possible.push_back(static_cast<char>(byte));
        }
      }
      SchemaValue copy = value;
      const bool may_end = copy.push(';') == JsonValue::Step::kEnded;
      if (may_end && (possible.empty() || random() % 2 == 0)) break;
      ASSERT_FALSE(possible.empty()) << schema << text;
      std::string closing;
      for (const char byte : possible) {
        if (byte == '"' || byte == '}' || byte == ']') closing.push_back(byte);
      }
      const bool closes = !closing.empty() && random() % 100 < 30 + text.size() / 4;
      const char byte =
          (closes ? closing : possible)[random() % (closes ? closing : possible).size()];
      ASSERT_EQ(value.push(byte), JsonValue::Step::kTaken);
      text.push_back(byte);
      ASSERT_LT(text.size(), 5000U) << schema << text;
    }
    const OrderedJson parsed = OrderedJson::parse(text, nullptr, false);
    ASSERT_FALSE(parsed.is_discarded()) << text;
    EXPECT_TRUE(valid(schema, schema, parsed)) << schema << text;
    if (parsed.is_structured() && !parsed.empty()) ++structured;
  }
  EXPECT_GT(structured, 80U);
}

/// Some value of such a schema; at times with something wrong in it.
OrderedJson random_value(std::mt19937& random, const OrderedJson& schema, unsigned wrong_percent) {
  if (random() % 100 < wrong_percent) {
    static const OrderedJson kOdd =
        OrderedJson::parse(R"(["z", 7, 2.5, true, null, {"q": 1}, [0]])");
    return kOdd[random() % kOdd.size()];
  }
  if (schema.contains("$ref")) return random() % 2 == 0;
  if (schema.contains("anyOf")) {
    return random_value(random, schema["anyOf"][random() % 2], wrong_percent);
  }
  if (schema.contains("const")) return schema["const"];
  if (schema.contains("enum")) return schema["enum"][random() % schema["enum"].size()];
  const OrderedJson& type =
      schema["type"].is_array() ? schema["type"][random() % 2] : schema["type"];
  if (type == "string") return std::string(random() % 4, static_cast<char>(' ' + random() % 90));
  if (type == "integer") return static_cast<int>(random() % 200) - 100;
  if (type == "number") return static_cast<double>(random() % 1000) / 8;
  if (type == "boolean") return random() % 2 == 0;
  if (type == "null") return nullptr;
  OrderedJson made = type == "array" ? OrderedJson::array() : OrderedJson::object();
  if (type == "array") {
    for (auto n = random() % 3; n > 0; --n) {
      made.push_back(random_value(random, schema["items"], wrong_percent));
    }
    return made;
  }
  std::vector<std::string> keys;
  for (const auto& item : schema["properties"].items()) keys.push_back(item.key());
  std::shuffle(keys.begin(), keys.end(), random);
  for (const std::string& key : keys) {
    if (random() % 6 == 0) continue;
    made[key] = random_value(random, schema["properties"][key], wrong_percent);
  }
  return made;
}

/// It takes what a JSON library writes, however it is spaced, if and only if it is valid.
TEST(SchemaValue, TakesWhatIsValidAndNothingElse) {
  std::mt19937 random(12);
  std::size_t right = 0;
  std::size_t wrong = 0;
  for (int i = 0; i < 4000; ++i) {
    OrderedJson schema = random_schema(random, 3);
    const OrderedJson value = random_value(random, schema, i % 2 == 0 ? 0 : 15);
    schema["$defs"] = {{"leaf", {{"type", "boolean"}}}};
    const bool expected = valid(schema, schema, value);
    const std::string text = value.dump(static_cast<int>(random() % 3) - 1);
    EXPECT_EQ(accepts(schema, text), expected) << schema << text;
    ++(expected ? right : wrong);
  }
  EXPECT_GT(right, 1000U);
  EXPECT_GT(wrong, 400U);
}

}  // namespace
}  // namespace hearth::protocol
