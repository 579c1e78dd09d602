// A JSON value that arrives byte by byte, of a schema.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "protocol/json_schema.h"
#include "protocol/json_value.h"
#include "protocol/spellings.h"

namespace hearth::protocol {

/// Accepts one value that the schema allows, from its first byte on, and nothing but prefixes of
/// such values; of properties each at most once, in any order, and all that are required. What the
/// schema leaves open, and what is nested deeper than kDepthMax, may be whatever JsonValue takes.
/// From every state some byte leads on, of ASCII or of the schema's spellings. A small value type;
/// must not outlive the schema.
class SchemaValue {
 public:
  static constexpr std::size_t kDepthMax = 8;

  explicit SchemaValue(const JsonSchema& schema) : schema_(&schema), node_(schema.root) {}

  /// As JsonValue::push().
  JsonValue::Step push(char byte);

  /// As JsonValue::in_text(), of what the schema does not spell.
  bool in_text() const { return stage_ == Stage::kFree && value_.in_text(); }

 private:
  enum class Stage : std::uint8_t {
    kBegin,         ///< a value begins
    kFree,          ///< inside one that JsonValue reads
    kChoice,        ///< inside one that the schema spells
    kFirstKey,      ///< behind {: a key or }
    kKey,           ///< behind a comma in an object, and inside a key
    kColon,         ///< behind a key
    kFirstElement,  ///< behind [: a value or ]
    kAfter,         ///< behind an element or a property
    kDone,
  };
  /// An object or array that is open and whose parts the schema knows.
  struct Frame {
    std::uint64_t used = 0;     ///< properties that have come
    JsonSchema::Id object = 0;  ///< 0: it is an array
    JsonSchema::Id items = 0;
  };

  JsonValue::Step push_inside(char byte);
  bool push_token(char byte);
  bool begin_value(char byte);
  bool begin_next();
  bool push_key(char byte);
  void open(const JsonSchema::Node& node, bool is_object);
  bool close();
  void end_value() { stage_ = depth_ == 0 ? Stage::kDone : Stage::kAfter; }

  Frame& frame() { return frames_[depth_ - 1]; }
  const JsonSchema::Object& object() const { return schema_->objects[frames_[depth_ - 1].object]; }
  const Spellings& choices() const { return schema_->choices[schema_->nodes[node_].choices]; }
  static bool is_used(const Frame& frame, std::size_t property) {
    return (frame.used >> property & 1U) != 0;
  }

  const JsonSchema* schema_;
  JsonValue value_;
  SpellingPrefix prefix_;  ///< of the key or choice that is being written
  std::array<Frame, kDepthMax> frames_;
  JsonSchema::Id node_;  ///< of the value that begins or is being written
  std::uint8_t depth_ = 0;
  Stage stage_ = Stage::kBegin;
  JsonSpaces spaces_;
};

}  // namespace hearth::protocol
