// What a tool's definition says about the arguments of a call, as far as ToolCallGrammar follows
// it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "protocol/chat.h"
#include "protocol/json_value.h"

namespace hearth::protocol {

/// JSON texts in ascending order of their bytes, each once, so that those that begin alike stand
/// together.
using Spellings = std::vector<std::string>;

/// `value` as it is written without white space. Bytes that are no UTF-8 become U+FFFD.
std::string spelling_of(const OrderedJson& value);

struct ToolSchema {
  struct Property {
    std::uint8_t types = json_type::kAny;
    Spellings choices;  ///< the values of an enum or const; none: any of the types
    bool required = false;
  };

  Spellings keys;                    ///< names of the properties, quotes included
  std::vector<Property> properties;  ///< of each key
  /// Any object is taken instead, and nothing of the above is known: the definition lists no
  /// properties without forbidding them, lists more than properties_max, allows more than it lists,
  /// or has keywords that are not followed here (allOf, anyOf, oneOf, not, if, $ref,
  /// patternProperties).
  bool any_object = false;

  static constexpr std::size_t properties_max = 64;
};

/// Of a property, "type" (one or a list), "nullable", "enum" and "const" are followed; a property
/// whose schema is false cannot be written. "required" counts where the definition states it
/// itself, and only for properties that it lists.
ToolSchema read_tool_schema(const ToolDefinition& definition);

}  // namespace hearth::protocol
