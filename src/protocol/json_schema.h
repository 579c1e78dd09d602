// What a JSON Schema says about a value, as far as SchemaValue follows it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/json_reader.h"
#include "protocol/json_value.h"
#include "protocol/spellings.h"

namespace hearth::protocol {

/// Nodes, one for each part of a schema; they refer to each other by number, because a schema may
/// contain itself. What is beyond the limits may be anything.
struct JsonSchema {
  using Id = std::uint16_t;

  /// What one value may be.
  struct Node {
    std::uint8_t types = json_type::kAny;
    Id choices = 0;  ///< the values of an enum or const; 0: any of the types
    Id object = 0;   ///< the properties of an object; 0: any
    Id items = 0;    ///< the node of an array's elements
  };
  struct Property {
    Id node = 0;
    bool required = false;
  };
  /// All properties that an object can have.
  struct Object {
    Spellings keys;                    ///< their names, quotes included
    std::vector<Property> properties;  ///< of each key
  };

  static constexpr std::size_t kNodesMax = 1024;
  static constexpr std::size_t kPropertiesMax = 64;      ///< of one object
  static constexpr std::size_t kAlternativesMax = 64;    ///< of one list of them
  static constexpr std::size_t kChoicesMax = 1U << 14U;  ///< of the whole schema
  static constexpr std::size_t kChoicesBytesMax = 1U << 20U;

  std::vector<Node> nodes = {Node{}};  ///< [0] may be anything
  std::vector<Spellings> choices = {Spellings{}};
  std::vector<Object> objects = {Object{}};
  Id root = 0;
};

/// Followed are "type" (one or a list), "nullable", "enum", "const", "items", "properties",
/// "required", "additionalProperties", and "$ref" (into the same document), "allOf", "anyOf" and
/// "oneOf". Where something else is said, more is taken than the schema allows, never less, but for
/// this: an object that lists properties and does not say whether there may be others has no
/// others, and a property whose schema is false cannot be written.
///
/// So any object is taken where others are allowed, where a keyword could add some (a property that
/// is required and not listed, patternProperties, dependentSchemas, if, a list of allOf, anyOf or
/// oneOf or a $ref beside the properties), where several alternatives are objects, and where allOf
/// combines several schemas. Alternatives that are lists may have any elements if there are several
/// of them; an enum with an object or list in it is not followed, nor are the items behind
/// prefixItems.
JsonSchema read_json_schema(const OrderedJson& schema);

}  // namespace hearth::protocol
