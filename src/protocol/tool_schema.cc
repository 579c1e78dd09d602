#include "protocol/tool_schema.h"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>
#include <utility>

namespace hearth::protocol {
namespace {

const OrderedJson* member(const OrderedJson& object, const char* key) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(key);
  return found == object.end() ? nullptr : &*found;
}

std::uint8_t types_named(const OrderedJson& name) {
  constexpr std::array<std::pair<std::string_view, std::uint8_t>, 7> kTypes = {
      {{"string", json_type::kString},
       {"integer", json_type::kInteger},
       {"number", json_type::kInteger | json_type::kNumber},
       {"boolean", json_type::kBoolean},
       {"object", json_type::kObject},
       {"array", json_type::kArray},
       {"null", json_type::kNull}}};
  for (const auto& [known, types] : kTypes) {
    if (name == known) return types;
  }
  return json_type::kAny;
}

std::uint8_t types_of(const OrderedJson& schema) {
  const OrderedJson* type = member(schema, "type");
  if (type == nullptr) return json_type::kAny;
  std::uint8_t types = 0;
  if (type->is_array()) {
    for (const OrderedJson& one : *type) types |= types_named(one);
  } else {
    types = types_named(*type);
  }
  const OrderedJson* nullable = member(schema, "nullable");
  if (nullable != nullptr && *nullable == true) types |= json_type::kNull;
  return types == 0 ? json_type::kAny : types;
}

bool has_type(const OrderedJson& value, std::uint8_t types) {
  const std::uint8_t own = value.is_string()           ? json_type::kString
                           : value.is_number_integer() ? json_type::kInteger
                           : value.is_number()         ? json_type::kNumber
                           : value.is_boolean()        ? json_type::kBoolean
                           : value.is_object()         ? json_type::kObject
                           : value.is_array()          ? json_type::kArray
                                                       : json_type::kNull;
  return (own & types) != 0;
}

/// None where there is no list of values, or none of it can be followed: an enum may hold objects.
Spellings choices_of(const OrderedJson& schema, std::uint8_t types) {
  OrderedJson values = OrderedJson::array();
  if (const OrderedJson* only = member(schema, "const")) {
    values.push_back(*only);
  } else if (const OrderedJson* list = member(schema, "enum");
             list != nullptr && list->is_array()) {
    values = *list;
  }
  Spellings choices;
  for (const OrderedJson& value : values) {
    if (value.is_structured()) return {};
    if (has_type(value, types)) choices.push_back(spelling_of(value));
  }
  std::sort(choices.begin(), choices.end());
  choices.erase(std::unique(choices.begin(), choices.end()), choices.end());
  return choices;
}

/// Whether the properties that are listed are all that there can be.
bool is_closed(const OrderedJson& schema, const OrderedJson& properties) {
  for (const char* keyword :
       {"allOf", "anyOf", "oneOf", "not", "if", "$ref", "patternProperties"}) {
    if (member(schema, keyword) != nullptr) return false;
  }
  const OrderedJson* more = member(schema, "additionalProperties");
  const bool forbids_more = more != nullptr && *more == false;
  if (properties.size() > ToolSchema::properties_max) return false;
  return forbids_more || (more == nullptr && !properties.empty());
}

std::set<std::string> required_of(const ToolDefinition& definition) {
  std::set<std::string> names;
  const OrderedJson* required = member(definition.parameters, "required");
  if (!definition.states_required || required == nullptr || !required->is_array()) return names;
  for (const OrderedJson& name : *required) {
    if (name.is_string()) names.insert(name.get<std::string>());
  }
  return names;
}

}  // namespace

std::string spelling_of(const OrderedJson& value) {
  return value.dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
}

ToolSchema read_tool_schema(const ToolDefinition& definition) {
  ToolSchema made;
  const OrderedJson* properties = member(definition.parameters, "properties");
  if (properties == nullptr || !properties->is_object() ||
      !is_closed(definition.parameters, *properties)) {
    made.any_object = true;
    return made;
  }
  const std::set<std::string> required = required_of(definition);
  std::vector<std::pair<std::string, ToolSchema::Property>> read;
  for (const auto& [name, schema] : properties->items()) {
    if (schema == false) continue;
    ToolSchema::Property property;
    property.types = types_of(schema);
    property.choices = choices_of(schema, property.types);
    property.required = required.contains(name);
    read.emplace_back(spelling_of(OrderedJson(name)), std::move(property));
  }
  const auto by_key = [](const auto& a, const auto& b) { return a.first < b.first; };
  std::sort(read.begin(), read.end(), by_key);
  for (auto& [key, property] : read) {
    if (!made.keys.empty() && made.keys.back() == key) continue;  // names that were no UTF-8
    made.keys.push_back(std::move(key));
    made.properties.push_back(std::move(property));
  }
  return made;
}

}  // namespace hearth::protocol
