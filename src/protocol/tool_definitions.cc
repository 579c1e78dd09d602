#include "protocol/tool_definitions.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "protocol/json_member.h"

namespace hearth::protocol {
namespace {

/// A value inside the list, and how errors call it: "tools.json: [2].function".
struct Place {
  const OrderedJson& value;
  std::string where;
};

tl::unexpected<Error> wrong(const std::string& where, const std::string& expected) {
  return fail(ErrorCode::kInvalidArgument, where + ": expected " + expected);
}

Result<std::string> text_member(const Place& place, const char* key, bool required) {
  const OrderedJson* value = given_member(place.value, key);
  if (value == nullptr && !required) return std::string{};
  if (value == nullptr || !value->is_string()) return wrong(place.where + "." + key, "a text");
  auto text = value->get<std::string>();
  if (required && text.empty()) return wrong(place.where + "." + key, "a text that is not empty");
  return text;
}

/// The types that a JSON schema knows, by the short names that Phi's definitions use for them.
constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kShortTypes = {{
    {"str", "string"},
    {"int", "integer"},
    {"float", "number"},
    {"bool", "boolean"},
    {"list", "array"},
    {"dict", "object"},
}};

std::string schema_type(const std::string& type) {
  for (const auto& [short_name, long_name] : kShortTypes) {
    if (type == short_name) return std::string(long_name);
  }
  return type;
}

/// A schema of type object says so, has properties, or refers to or is composed of others. Anything
/// else that is an object lists its parameters flat; a parameter that happens to be called "type"
/// or "properties" is an object there, too.
bool is_object_schema(const OrderedJson& parameters) {
  for (const char* keyword : {"$ref", "$schema", "allOf", "anyOf", "oneOf"}) {
    const OrderedJson* value = given_member(parameters, keyword);
    if (value != nullptr && !value->is_object()) return true;
  }
  const OrderedJson* type = given_member(parameters, "type");
  const OrderedJson* properties = given_member(parameters, "properties");
  if (type != nullptr && !type->is_object()) return true;
  return properties != nullptr && type == nullptr && !properties->contains("description");
}

/// {"city": {"type": "str", "description": ...}} becomes a schema; a parameter without default is
/// required, as far as a flat definition tells.
Result<OrderedJson> schema_of_flat(const Place& place) {
  OrderedJson properties = OrderedJson::object();
  OrderedJson required = OrderedJson::array();
  for (const auto& [name, definition] : place.value.items()) {
    if (!definition.is_object()) {
      return wrong(place.where + "." + name, "an object with type and description");
    }
    OrderedJson property = definition;
    const OrderedJson* type = given_member(property, "type");
    if (type != nullptr && type->is_string()) {
      property["type"] = schema_type(type->get<std::string>());
    }
    if (!property.contains("default")) required.push_back(name);
    properties[name] = std::move(property);
  }
  OrderedJson schema = {{"type", "object"}, {"properties", std::move(properties)}};
  if (!required.empty()) schema["required"] = std::move(required);
  return schema;
}

Result<OrderedJson> object_schema(const Place& place) {
  const OrderedJson* type = given_member(place.value, "type");
  if (type != nullptr && *type != "object") {
    return wrong(place.where + ".type", "\"object\": a tool takes named arguments");
  }
  const OrderedJson* properties = given_member(place.value, "properties");
  if (properties != nullptr && !properties->is_object()) {
    return wrong(place.where + ".properties", "an object");
  }
  OrderedJson schema = place.value;
  schema["type"] = "object";
  if (properties == nullptr) schema["properties"] = OrderedJson::object();
  return schema;
}

Result<void> read_parameters(const Place& place, ToolDefinition& tool) {
  for (const char* key : {"input_schema", "parameters"}) {
    const OrderedJson* parameters = given_member(place.value, key);
    if (parameters == nullptr) continue;
    const Place inner{*parameters, place.where + "." + key};
    if (!parameters->is_object()) return wrong(inner.where, "an object");
    tool.states_required = is_object_schema(*parameters);
    HEARTH_TRY(tool.parameters,
               tool.states_required ? object_schema(inner) : schema_of_flat(inner));
    return {};
  }
  tool.parameters = OrderedJson{{"type", "object"}, {"properties", OrderedJson::object()}};
  return {};
}

Result<ToolDefinition> parse_one(const Place& place) {
  if (!place.value.is_object()) return wrong(place.where, "an object");
  const OrderedJson* function = given_member(place.value, "function");
  if (function != nullptr) {
    if (!function->is_object()) return wrong(place.where + ".function", "an object");
    return parse_one({*function, place.where + ".function"});
  }
  ToolDefinition tool;
  HEARTH_TRY(tool.name, text_member(place, "name", true));
  HEARTH_TRY(tool.description, text_member(place, "description", false));
  HEARTH_TRY_VOID(read_parameters(place, tool));
  return tool;
}

}  // namespace

Result<std::vector<ToolDefinition>> tool_definitions_from_json(const OrderedJson& list,
                                                               std::string_view source) {
  if (!list.is_array()) return wrong(std::string(source), "a list of tool definitions");
  std::vector<ToolDefinition> tools;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const std::string where = std::string(source) + ": [" + std::to_string(i) + "]";
    HEARTH_TRY(ToolDefinition tool, parse_one({list[i], where}));
    const auto same = std::find_if(tools.begin(), tools.end(), [&](const ToolDefinition& other) {
      return other.name == tool.name;
    });
    if (same != tools.end()) {
      return fail(ErrorCode::kInvalidArgument, where + ".name: \"" + tool.name +
                                                   "\" is also the name of [" +
                                                   std::to_string(same - tools.begin()) + "]");
    }
    tools.push_back(std::move(tool));
  }
  return tools;
}

Result<std::vector<ToolDefinition>> parse_tool_definitions(std::string_view json_text,
                                                           std::string_view source) {
  HEARTH_TRY(const OrderedJson list, parse_ordered_json(json_text, source));
  return tool_definitions_from_json(list, source);
}

OrderedJson tools_as_openai(const std::vector<ToolDefinition>& tools) {
  OrderedJson list = OrderedJson::array();
  for (const ToolDefinition& tool : tools) {
    list.push_back({{"type", "function"},
                    {"function",
                     {{"name", tool.name},
                      {"description", tool.description},
                      {"parameters", tool.parameters}}}});
  }
  return list;
}

}  // namespace hearth::protocol
