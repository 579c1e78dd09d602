#include "protocol/schema_value.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <string_view>
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
  for (std::size_t i = 0; i < SchemaValue::kDepthMax; ++i) text += "{\"t\":";
  EXPECT_TRUE(accepts(schema, text + "{\"x\":[]}" + std::string(SchemaValue::kDepthMax, '}')));
  EXPECT_FALSE(accepts(schema, text + "[]" + std::string(SchemaValue::kDepthMax, '}')));
  text.resize(text.size() - 5);
  EXPECT_FALSE(accepts(schema, text + "{\"x\":[]}" + std::string(SchemaValue::kDepthMax - 1, '}')));
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

/// Some schema of all that may stand together, followed or not.
OrderedJson wild_schema(std::mt19937& random, int depth) {
  OrderedJson made = random_schema(random, 0);
  if (depth > 0 && random() % 3 > 0) {
    made = OrderedJson::object();
    if (random() % 2 == 0) {
      for (const char* key : {"a", "ab", "c"}) {
        if (random() % 2 == 0) made["properties"][key] = wild_schema(random, depth - 1);
        if (random() % 6 == 0) made["required"].push_back(key);
      }
      if (random() % 3 == 0) made["additionalProperties"] = random() % 2 == 0;
    }
    if (random() % 4 == 0) made["items"] = wild_schema(random, depth - 1);
    for (const char* keyword : {"allOf", "anyOf", "oneOf"}) {
      if (random() % 4 > 0) continue;
      for (auto n = 1 + random() % 3; n > 0; --n) {
        made[keyword].push_back(wild_schema(random, depth - 1));
      }
    }
    if (random() % 4 == 0) made["$ref"] = random() % 2 == 0 ? "#/$defs/leaf" : "#/$defs/base";
    if (random() % 4 == 0) made["type"] = random() % 2 == 0 ? "object" : "string";
  }
  if (random() % 8 == 0) made["nullable"] = true;
  return made;
}

const OrderedJson& definitions() {
  static const OrderedJson kDefinitions =
      OrderedJson::parse(R"({"leaf": {"type": "boolean"}, "base":
    {"type": "object", "required": ["id"], "properties": {"id": {"type": "integer"}, "again": {"anyOf":
      [{"$ref": "#/$defs/base"}, {"type": "null"}]}}}})");
  return kDefinitions;
}

/// JSON Schema's rules for what wild_schema() makes, and OpenAPI's for nullable. One of several
/// alternatives that lists properties has no others, unless it says so.
bool wild_valid(const OrderedJson& schema, const OrderedJson& value, bool alternative = false) {
  const auto fits = [&](const OrderedJson& one) { return wild_valid(one, value); };
  const auto fits_alone = [&](const OrderedJson& one) { return wild_valid(one, value, true); };
  const auto every = [&](const char* keyword, const auto& rule) {
    return !schema.contains(keyword) || rule(schema[keyword]);
  };
  if (value.is_null() && schema.contains("nullable")) return true;
  const auto one_of = [&](const OrderedJson& list) {
    return std::count_if(list.begin(), list.end(), fits_alone) == 1;
  };
  const auto any = [&](const OrderedJson& list) {
    return std::any_of(list.begin(), list.end(), fits_alone);
  };
  const auto all = [&](const OrderedJson& list) {
    return std::all_of(list.begin(), list.end(), fits);
  };
  const auto type = [&](const OrderedJson& name) {
    return name.is_array() ? is_type(value, name[0]) || is_type(value, name[1])
                           : is_type(value, name);
  };
  const auto listed = [&](const OrderedJson& list) {
    return std::find(list.begin(), list.end(), value) != list.end();
  };
  const auto reference = [&](const OrderedJson& name) {
    return fits(definitions()[name == "#/$defs/leaf" ? "leaf" : "base"]);
  };
  if (!every("allOf", all) || !every("anyOf", any) || !every("oneOf", one_of) ||
      !every("type", type) || !every("enum", listed) || !every("$ref", reference) ||
      !every("const", [&](const OrderedJson& only) { return value == only; })) {
    return false;
  }
  if (value.is_array() && schema.contains("items")) {
    return std::all_of(value.begin(), value.end(),
                       [&](const OrderedJson& one) { return wild_valid(schema["items"], one); });
  }
  if (!value.is_object()) return true;
  const OrderedJson properties = schema.value("properties", OrderedJson::object());
  const bool open = schema.value("additionalProperties", !alternative || properties.empty());
  for (const auto& [key, one] : value.items()) {
    if (properties.contains(key) ? !wild_valid(properties[key], one) : !open) return false;
  }
  const OrderedJson required = schema.value("required", OrderedJson::array());
  return std::all_of(required.begin(), required.end(), [&](const OrderedJson& key) {
    return value.contains(key.get<std::string>());
  });
}

/// A value that has a chance: of objects the properties that are listed somewhere.
OrderedJson wild_value(std::mt19937& random, const OrderedJson& schema, int depth) {
  static const OrderedJson kPlain =
      OrderedJson::parse(R"(["a", "ab", "x", 1, 12, 2.5, true, false, null])");
  std::vector<OrderedJson> parts;
  OrderedJson object = OrderedJson::object();
  const auto collect = [&](const auto& self, const OrderedJson& from, int levels) -> void {
    if (levels == 0) return;
    for (const char* keyword : {"allOf", "anyOf", "oneOf"}) {
      for (const OrderedJson& one : from.value(keyword, OrderedJson::array())) {
        self(self, one, levels - 1);
      }
    }
    if (from.contains("$ref")) {
      self(self, definitions()[from["$ref"] == "#/$defs/leaf" ? "leaf" : "base"], levels - 1);
    }
    const OrderedJson properties = from.value("properties", OrderedJson::object());
    for (const auto& [key, one] : properties.items()) {
      if (random() % 3 > 0) object[key] = wild_value(random, one, depth - 1);
    }
    if (from.contains("items")) parts.push_back(from["items"]);
    for (const OrderedJson& one : from.value("enum", OrderedJson::array())) parts.push_back(one);
  };
  if (depth > 0) collect(collect, schema, 3);
  if (!object.empty() && random() % 4 > 0) return object;
  if (depth > 0 && !parts.empty() && parts[0].is_object() && random() % 2 == 0) {
    return OrderedJson::array({wild_value(random, parts[0], depth - 1)});
  }
  if (random() % 8 == 0) return random() % 2 == 0 ? OrderedJson::object() : OrderedJson::array();
  return kPlain[random() % kPlain.size()];
}

/// What a schema allows is never refused, whatever stands in it (values have listed properties
/// only).
TEST(SchemaValue, NothingThatIsValidIsRefused) {
  std::mt19937 random(13);
  std::size_t structured = 0;
  for (int i = 0; i < 20000; ++i) {
    OrderedJson schema = wild_schema(random, 3);
    const OrderedJson value = wild_value(random, schema, 4);
    if (!wild_valid(schema, value)) continue;
    schema["$defs"] = definitions();
    EXPECT_TRUE(accepts(schema, value.dump())) << schema << value;
    if (value.is_structured() && !value.empty()) ++structured;
  }
  EXPECT_GT(structured, 300U);
}

/// And none of them is a trap.
TEST(SchemaValue, EverySchemaLetsAWriterEnd) {
  std::mt19937 random(14);
  for (int i = 0; i < 400; ++i) {
    OrderedJson schema = wild_schema(random, 3);
    schema["$defs"] = definitions();
    const JsonSchema read = read_json_schema(schema);
    SchemaValue value(read);
    std::string text;
    for (SchemaValue copy = value; copy.push(';') != JsonValue::Step::kEnded; copy = value) {
      std::string possible;
      std::string closing;
      for (char byte = '!'; byte < '~'; ++byte) {
        SchemaValue tried = value;
        if (tried.push(byte) != JsonValue::Step::kTaken) continue;
        (byte == '"' || byte == '}' || byte == ']' ? closing : possible).push_back(byte);
      }
      ASSERT_FALSE(possible.empty() && closing.empty()) << schema << text;
      const std::string& from =
          closing.empty() || (!possible.empty() && random() % 3 == 0) ? possible : closing;
      text.push_back(from[random() % from.size()]);
      ASSERT_EQ(value.push(text.back()), JsonValue::Step::kTaken);
      ASSERT_LT(text.size(), 5000U) << schema << text;
    }
    EXPECT_FALSE(OrderedJson::parse(text, nullptr, false).is_discarded()) << text;
  }
}

}  // namespace
}  // namespace hearth::protocol
