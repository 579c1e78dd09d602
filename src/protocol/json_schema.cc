#include "protocol/json_schema.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <deque>
#include <initializer_list>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "protocol/json_member.h"

namespace hearth::protocol {
namespace {

bool has_any(const OrderedJson& schema, std::initializer_list<const char*> keywords) {
  return std::any_of(keywords.begin(), keywords.end(),
                     [&](const char* keyword) { return member(schema, keyword) != nullptr; });
}

bool is(const OrderedJson* value, bool expected) { return value != nullptr && *value == expected; }

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
  if (!type->is_array()) return types_named(*type);
  std::uint8_t types = 0;
  for (const OrderedJson& one : *type) types |= types_named(one);
  return types == 0 ? json_type::kAny : types;
}

/// The type of a value; 0 of an object or array.
std::uint8_t type_of(const OrderedJson& value) {
  if (value.is_string()) return json_type::kString;
  if (value.is_boolean()) return json_type::kBoolean;
  if (value.is_null()) return json_type::kNull;
  if (value.is_number_integer()) return json_type::kInteger;
  if (!value.is_number_float()) return 0;
  const double number = value.get<double>();
  return std::trunc(number) == number ? json_type::kInteger : json_type::kNumber;
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

/// Whether the properties that the schema lists are all that there can be.
bool is_closed(const OrderedJson& schema) {
  if (has_any(schema, {"$ref", "$dynamicRef", "$recursiveRef", "allOf", "anyOf", "oneOf", "if",
                       "not", "patternProperties", "dependentSchemas", "dependencies"})) {
    return false;
  }
  bool forbids_others = false;
  for (const char* keyword : {"additionalProperties", "unevaluatedProperties"}) {
    const OrderedJson* others = member(schema, keyword);
    if (others != nullptr && !is(others, false)) return false;
    forbids_others = forbids_others || others != nullptr;
  }
  const OrderedJson* properties = member(schema, "properties");
  if (properties == nullptr) return forbids_others;
  if (!properties->is_object() || properties->size() > JsonSchema::kPropertiesMax) return false;
  if (forbids_others) return true;
  const std::set<std::string> required = required_of(schema);
  return !properties->empty() &&
         std::all_of(required.begin(), required.end(),
                     [&](const std::string& name) { return properties->contains(name); });
}

/// A reference without the escapes of URLs.
std::string unescaped(std::string_view reference) {
  std::string bytes;
  for (std::size_t i = 0; i < reference.size(); ++i) {
    unsigned byte = 0;
    const char* digits = reference.data() + i + 1;
    if (reference[i] == '%' && i + 2 < reference.size() &&
        std::from_chars(digits, digits + 2, byte, 16).ptr == digits + 2) {
      bytes.push_back(static_cast<char>(byte));
      i += 2;
    } else {
      bytes.push_back(reference[i]);
    }
  }
  return bytes;
}

/// What "#/a/b" means in the document; null if nothing.
const OrderedJson* target_of(const OrderedJson& document, std::string_view reference) {
  if (reference.substr(0, 1) != "#") return nullptr;
  try {
    const OrderedJson::json_pointer place(unescaped(reference.substr(1)));
    return document.contains(place) ? &document.at(place) : nullptr;
  } catch (const OrderedJson::exception&) {
    return nullptr;  // it is no pointer
  }
}

/// A node whose parts have not been read: they are named by where they stand in the document.
struct Shape {
  std::uint8_t types = json_type::kAny;
  JsonSchema::Id choices = 0;
  const OrderedJson* object = nullptr;  ///< a closed one
  const OrderedJson* items = nullptr;
};

/// Reads a document breadth first, so that what lies deep cannot use up what there is for the rest.
class Reader {
 public:
  explicit Reader(const OrderedJson& document) : document_(document) {}

  JsonSchema read() {
    made_.root = node_of(document_);
    for (; !unread_.empty(); unread_.pop_front()) {
      const auto [id, shape] = unread_.front();
      if (shape.items != nullptr) made_.nodes[id].items = node_of(*shape.items);
      if (shape.object != nullptr) made_.nodes[id].object = object_of(*shape.object);
    }
    return std::move(made_);
  }

 private:
  JsonSchema::Id node_of(const OrderedJson& schema) {
    if (!schema.is_object()) return 0;
    const auto known = nodes_.find(&schema);
    if (known != nodes_.end()) return known->second;
    if (made_.nodes.size() == JsonSchema::kNodesMax) return 0;
    const auto id = static_cast<JsonSchema::Id>(made_.nodes.size());
    nodes_.emplace(&schema, id);
    const Shape shape = shape_of(schema, 0);
    made_.nodes.push_back({shape.types, shape.choices, 0, 0});
    unread_.emplace_back(id, shape);
    return id;
  }

  JsonSchema::Id object_of(const OrderedJson& schema) {
    const auto known = objects_.find(&schema);
    if (known != objects_.end()) return known->second;
    const std::set<std::string> required = required_of(schema);
    std::map<std::string, JsonSchema::Property> by_key;  // names that were no UTF-8 may be alike
    if (const OrderedJson* properties = member(schema, "properties")) {
      for (const auto& [name, property] : properties->items()) {
        if (property == false) continue;
        by_key.try_emplace(spelling_of(OrderedJson(name)),
                           JsonSchema::Property{node_of(property), required.contains(name)});
      }
    }
    JsonSchema::Object object;
    for (const auto& [key, property] : by_key) {
      object.keys.push_back(key);
      object.properties.push_back(property);
    }
    const auto id = static_cast<JsonSchema::Id>(made_.objects.size());
    made_.objects.push_back(std::move(object));
    objects_.emplace(&schema, id);
    return id;
  }

  /// Each schema is looked at once; one that consists of itself is anything.
  Shape shape_of(const OrderedJson& schema, int depth) {
    constexpr int kDepthMax = 32;
    if (!schema.is_object() || depth == kDepthMax) return {};
    const auto [known, is_new] = shapes_.try_emplace(&schema);
    if (!is_new) return known->second;
    Shape shape = composed(schema, own_shape(schema), depth);
    if (is(member(schema, "nullable"), true)) {
      shape.types |= json_type::kNull;
      if (shape.choices != 0) shape.choices = with_null(shape.choices);
    }
    return shapes_[&schema] = shape;
  }

  Shape own_shape(const OrderedJson& schema) {
    Shape shape;
    shape.types = types_of(schema);
    if (const OrderedJson* only = member(schema, "const")) {
      shape.choices = choices_of(only, 1, shape.types);
    } else if (const OrderedJson* list = member(schema, "enum");
               list != nullptr && list->is_array() && !list->empty()) {
      shape.choices = choices_of(&list->front(), list->size(), shape.types);
    }
    if (!has_any(schema, {"prefixItems"})) shape.items = member(schema, "items");
    if (shape.items != nullptr && !shape.items->is_object()) shape.items = nullptr;
    if (is_closed(schema)) shape.object = &schema;
    return shape;
  }

  /// `own`, and what the schemas that it is composed of say.
  Shape composed(const OrderedJson& schema, Shape own, int depth) {
    std::optional<Shape> other;
    int parts = 0;
    if (const OrderedJson* reference = member(schema, "$ref")) {
      ++parts;
      const OrderedJson* target =
          reference->is_string() ? target_of(document_, reference->get_ref<const std::string&>())
                                 : nullptr;
      other = target == nullptr ? Shape{} : shape_of(*target, depth + 1);
    }
    for (const char* keyword : {"allOf", "anyOf", "oneOf"}) {
      const OrderedJson* list = member(schema, keyword);
      if (list == nullptr || !list->is_array() || list->empty()) continue;
      ++parts;
      const bool all = std::string_view(keyword) == "allOf";
      other = list->size() > JsonSchema::kAlternativesMax ? Shape{}
              : all                                       ? all_of(*list, depth + 1)
                                                          : any_of(*list, depth + 1);
    }
    if (parts != 1) return own;
    if (const auto both = static_cast<std::uint8_t>(own.types & other->types); both != 0) {
      own.types = both;
    }
    if (own.choices == 0) own.choices = other->choices;
    if (own.items == nullptr) own.items = other->items;
    const OrderedJson* properties = member(schema, "properties");
    const bool more_properties =
        (properties != nullptr && !properties->empty()) ||
        has_any(schema, {"required", "additionalProperties", "unevaluatedProperties",
                         "patternProperties", "dependentSchemas", "dependencies",
                         "dependentRequired", "if", "not", "$dynamicRef", "$recursiveRef"});
    own.object = more_properties ? nullptr : other->object;
    return own;
  }

  Shape all_of(const OrderedJson& list, int depth) {
    if (list.size() == 1) return shape_of(list.front(), depth);
    Shape made;
    for (const OrderedJson& one : list) {
      const auto both = static_cast<std::uint8_t>(made.types & shape_of(one, depth).types);
      if (both != 0) made.types = both;
    }
    return made;
  }

  /// Nothing that one of them allows gets lost.
  Shape any_of(const OrderedJson& list, int depth) {
    Shape made;
    made.types = 0;
    Spellings choices;
    bool only_choices = true;
    int objects = 0;
    int arrays = 0;
    for (const OrderedJson& one : list) {
      const Shape shape = shape_of(one, depth);
      made.types |= shape.types;
      const Spellings& more = made_.choices[shape.choices];
      if (shape.choices != 0 && choices.size() + more.size() <= choices_left_) {
        choices.insert(choices.end(), more.begin(), more.end());
      } else if (shape.types == json_type::kNull) {
        choices.emplace_back("null");
      } else {
        only_choices = false;
        if ((shape.types & json_type::kObject) != 0) {
          made.object = ++objects == 1 ? shape.object : nullptr;
        }
        if ((shape.types & json_type::kArray) != 0) {
          made.items = ++arrays == 1 ? shape.items : nullptr;
        }
      }
    }
    if (only_choices) made.choices = keep(std::move(choices));
    return made;
  }

  /// The spellings of `count` values from `first` on that have one of `types`, which become those
  /// that they have. 0 if none can be followed.
  JsonSchema::Id choices_of(const OrderedJson* first, std::size_t count, std::uint8_t& types) {
    if (count > JsonSchema::kChoicesMax) return 0;
    Spellings spellings;
    std::uint8_t found = 0;
    for (const OrderedJson* value = first; value != first + count; ++value) {
      const std::uint8_t type = type_of(*value);
      if (type == 0) return 0;
      if ((type & types) == 0) continue;
      found |= type;
      spellings.push_back(spelling_of(*value));
      if (value->is_number_float() && type == json_type::kInteger &&
          std::fabs(value->get<double>()) < 1e15) {
        spellings.push_back(std::to_string(static_cast<long long>(value->get<double>())));
      }
    }
    const JsonSchema::Id id = keep(std::move(spellings));
    if (id != 0) types = found;
    return id;
  }

  JsonSchema::Id with_null(JsonSchema::Id choices) {
    if (made_.choices[choices].size() >= choices_left_) return 0;
    Spellings more = made_.choices[choices];
    more.emplace_back("null");
    return keep(std::move(more));
  }

  /// 0 if there are none, or too many.
  JsonSchema::Id keep(Spellings spellings) {
    std::sort(spellings.begin(), spellings.end());
    spellings.erase(std::unique(spellings.begin(), spellings.end()), spellings.end());
    std::size_t bytes = 0;
    for (const std::string& spelling : spellings) bytes += spelling.size();
    if (spellings.empty() || spellings.size() > choices_left_ || bytes > choices_bytes_left_) {
      return 0;
    }
    choices_left_ -= spellings.size();
    choices_bytes_left_ -= bytes;
    made_.choices.push_back(std::move(spellings));
    return static_cast<JsonSchema::Id>(made_.choices.size() - 1);
  }

  const OrderedJson& document_;
  JsonSchema made_;
  std::size_t choices_left_ = JsonSchema::kChoicesMax;
  std::size_t choices_bytes_left_ = JsonSchema::kChoicesBytesMax;
  std::map<const OrderedJson*, JsonSchema::Id> nodes_;
  std::map<const OrderedJson*, JsonSchema::Id> objects_;
  std::map<const OrderedJson*, Shape> shapes_;
  std::deque<std::pair<JsonSchema::Id, Shape>> unread_;
};

}  // namespace

JsonSchema read_json_schema(const OrderedJson& schema) { return Reader(schema).read(); }

}  // namespace hearth::protocol
