#include "protocol/json_schema.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string>
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

void sort_once(Spellings& spellings) {
  std::sort(spellings.begin(), spellings.end());
  spellings.erase(std::unique(spellings.begin(), spellings.end()), spellings.end());
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
  sort_once(choices);
  return choices;
}

/// Whether the properties that are listed are all that there can be.
bool is_closed(const OrderedJson& schema) {
  const OrderedJson* properties = member(schema, "properties");
  if (properties == nullptr || !properties->is_object()) return false;
  for (const char* keyword :
       {"allOf", "anyOf", "oneOf", "not", "if", "$ref", "patternProperties"}) {
    if (member(schema, keyword) != nullptr) return false;
  }
  const OrderedJson* more = member(schema, "additionalProperties");
  const bool forbids_more = more != nullptr && *more == false;
  if (properties->size() > JsonSchema::properties_max) return false;
  return forbids_more || (more == nullptr && !properties->empty());
}

std::set<std::string> required_of(const OrderedJson& schema) {
  std::set<std::string> names;
  const OrderedJson* required = member(schema, "required");
  if (required == nullptr || !required->is_array()) return names;
  for (const OrderedJson& name : *required) {
    if (name.is_string()) names.insert(name.get<std::string>());
  }
  return names;
}

/// What "#/a/b" means in the document (RFC 6901, keys of objects only); null if nothing.
const OrderedJson* target_of(const OrderedJson& document, std::string_view reference) {
  if (reference.substr(0, 1) != "#") return nullptr;
  const OrderedJson* at = &document;
  for (reference.remove_prefix(1); at != nullptr && !reference.empty();) {
    if (reference.front() != '/') return nullptr;
    const std::size_t end = std::min(reference.find('/', 1), reference.size());
    std::string key;
    for (std::size_t i = 1; i < end; ++i) {
      const bool escaped = reference[i] == '~' && i + 1 < end;
      key.push_back(!escaped ? reference[i] : reference[++i] == '1' ? '/' : '~');
    }
    at = member(*at, key.c_str());
    reference.remove_prefix(end);
  }
  return at;
}

/// The list of this keyword, where the schema says nothing else about its value.
const OrderedJson* alone(const OrderedJson& schema, const char* keyword) {
  for (const char* other : {"properties", "items", "enum", "const", "additionalProperties"}) {
    if (member(schema, other) != nullptr) return nullptr;
  }
  const OrderedJson* list = member(schema, keyword);
  return list != nullptr && list->is_array() && !list->empty() ? list : nullptr;
}

/// The types of a value that is spelt so.
std::uint8_t types_of_spelling(const std::string& spelling) {
  switch (spelling.front()) {
    case '"':
      return json_type::kString;
    case 't':
    case 'f':
      return json_type::kBoolean;
    case 'n':
      return json_type::kNull;
    default:
      return json_type::kInteger | json_type::kNumber;
  }
}

/// What one of several nodes allows. Nothing that one of them allows gets lost.
JsonSchema::Node any_of(const std::vector<JsonSchema::Node>& alternatives) {
  JsonSchema::Node made;
  made.types = 0;
  int others = 0;
  int objects = 0;
  int arrays = 0;
  for (const JsonSchema::Node& one : alternatives) {
    for (const std::string& choice : one.choices) made.types |= types_of_spelling(choice);
    made.choices.insert(made.choices.end(), one.choices.begin(), one.choices.end());
    if (!one.choices.empty()) continue;
    made.types |= one.types;
    if (one.types == json_type::kNull) {
      made.choices.emplace_back("null");
      continue;
    }
    ++others;
    if ((one.types & json_type::kObject) != 0 && ++objects == 1) {
      made.closed = one.closed;
      made.keys = one.keys;
      made.properties = one.properties;
    }
    if ((one.types & json_type::kArray) != 0) {
      made.items = ++arrays == 1 ? one.items : JsonSchema::kAnything;
    }
  }
  if (others > 0) made.choices.clear();
  made.closed = made.closed && objects == 1;
  sort_once(made.choices);
  return made;
}

class Reader {
 public:
  explicit Reader(const OrderedJson& document) : document_(document) {}

  JsonSchema::NodeId node_of(const OrderedJson& schema) {
    const OrderedJson* meant = resolve(schema);
    if (meant == nullptr || !meant->is_object()) return JsonSchema::kAnything;
    const auto known = known_.find(meant);
    if (known != known_.end()) return known->second;
    if (made_.nodes.size() == JsonSchema::nodes_max) return JsonSchema::kAnything;
    const auto id = static_cast<JsonSchema::NodeId>(made_.nodes.size());
    known_.emplace(meant, id);
    made_.nodes.emplace_back();
    JsonSchema::Node node = read(*meant);  // may add nodes
    made_.nodes[id] = std::move(node);
    return id;
  }

  JsonSchema take(JsonSchema::NodeId root) {
    made_.root = root;
    return std::move(made_);
  }

 private:
  /// Follows references and lists of one alternative; null if they lead nowhere.
  const OrderedJson* resolve(const OrderedJson& schema) const {
    constexpr int kStepsMax = 16;
    const OrderedJson* at = &schema;
    for (int step = 0; at != nullptr && step < kStepsMax; ++step) {
      const OrderedJson* next = nullptr;
      if (const OrderedJson* reference = member(*at, "$ref")) {
        if (!reference->is_string()) return nullptr;
        next = target_of(document_, reference->get_ref<const std::string&>());
        if (next == nullptr) return nullptr;
      }
      for (const char* keyword : {"allOf", "anyOf", "oneOf"}) {
        const OrderedJson* list = next == nullptr ? alone(*at, keyword) : nullptr;
        if (list != nullptr && list->size() == 1) next = &list->front();
      }
      if (next == nullptr) return at;
      at = next;
    }
    return nullptr;
  }

  JsonSchema::Node read(const OrderedJson& schema) {
    for (const char* keyword : {"anyOf", "oneOf"}) {
      const OrderedJson* list = alone(schema, keyword);
      if (list == nullptr) continue;
      std::vector<JsonSchema::Node> alternatives;
      for (const OrderedJson& one : *list) {
        // One that is being read, because it contains itself, counts as anything.
        const JsonSchema::NodeId id = node_of(one);
        alternatives.push_back(made_.nodes[id]);
      }
      JsonSchema::Node made = any_of(alternatives);
      const std::uint8_t both = made.types & types_of(schema);
      if (both != 0) made.types = both;
      return made;
    }
    JsonSchema::Node node;
    node.types = types_of(schema);
    node.choices = choices_of(schema, node.types);
    const OrderedJson* items = member(schema, "items");
    if (items != nullptr && member(schema, "prefixItems") == nullptr) node.items = node_of(*items);
    node.closed = is_closed(schema);
    if (node.closed) read_properties(schema, node);
    return node;
  }

  void read_properties(const OrderedJson& schema, JsonSchema::Node& node) {
    const std::set<std::string> required = required_of(schema);
    std::vector<std::pair<std::string, JsonSchema::Property>> read;
    for (const auto& [name, property] : member(schema, "properties")->items()) {
      if (property == false) continue;
      read.push_back(
          {spelling_of(OrderedJson(name)), {node_of(property), required.contains(name)}});
    }
    const auto by_key = [](const auto& a, const auto& b) { return a.first < b.first; };
    std::stable_sort(read.begin(), read.end(), by_key);
    for (auto& [key, property] : read) {
      if (!node.keys.empty() && node.keys.back() == key) continue;  // names that were no UTF-8
      node.keys.push_back(std::move(key));
      node.properties.push_back(property);
    }
  }

  const OrderedJson& document_;
  JsonSchema made_;
  std::map<const OrderedJson*, JsonSchema::NodeId> known_;
};

}  // namespace

JsonSchema read_json_schema(const OrderedJson& schema) {
  Reader reader(schema);
  return reader.take(reader.node_of(schema));
}

}  // namespace hearth::protocol
