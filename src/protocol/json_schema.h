// What a JSON Schema says about a value, as far as SchemaValue follows it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "protocol/chat.h"
#include "protocol/json_value.h"
#include "protocol/spellings.h"

namespace hearth::protocol {

/// Nodes, one for each part of a schema; they refer to each other by number, because a schema may
/// contain itself.
struct JsonSchema {
  using NodeId = std::uint16_t;

  struct Property {
    NodeId node = 0;
    bool required = false;
  };
  /// What one value may be.
  struct Node {
    std::uint8_t types = json_type::kAny;
    Spellings choices;    ///< the values of an enum or const; none: any of the types
    bool closed = false;  ///< of an object just the properties below are known; else it may be any
    Spellings keys;       ///< their names, quotes included
    std::vector<Property> properties;  ///< of each key
    NodeId items = kAnything;          ///< the elements of an array
  };

  static constexpr NodeId kAnything = 0;
  static constexpr std::size_t properties_max = 64;
  static constexpr std::size_t nodes_max = 1024;  ///< what is beyond may be anything

  std::vector<Node> nodes = {Node{}};  ///< [kAnything] may be anything
  NodeId root = kAnything;
};

/// "type" (one or a list), "nullable", "enum", "const", "properties", "required", "items", and
/// "$ref" into the same document are followed, and "anyOf" and "oneOf" where they stand alone; of
/// several alternatives that are objects, or lists, any of that kind is taken. A property whose
/// schema is false cannot be written. An object may be any if it lists no properties without
/// forbidding them, lists more than properties_max, allows more than it lists, or has keywords that
/// are not followed (not, if, patternProperties, and allOf of more than one).
JsonSchema read_json_schema(const OrderedJson& schema);

}  // namespace hearth::protocol
