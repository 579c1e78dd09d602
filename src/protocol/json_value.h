// A JSON value that arrives byte by byte: may it go on like this, may it end here?
#pragma once

#include <cstdint>
#include <string_view>

namespace hearth::protocol {

/// White space between two tokens of JSON; more in a row is refused, so that a model cannot go on
/// with nothing else.
constexpr int kJsonSpacesMax = 16;

bool is_json_space(char byte);

/// Accepts one value of RFC 8259, from its first byte on, and nothing but prefixes of values.
/// Nesting is limited to 64 levels, a number to 18 digits and an exponent of two: more would not
/// fit into what readers keep numbers in. A small value type: a copy tries what may come next.
class JsonValue {
 public:
  enum class Kind { kAny, kString, kInteger, kNumber, kBoolean, kObject, kArray };

  enum class Step {
    kTaken,    ///< the byte belongs to the value
    kEnded,    ///< the value was complete without it; the byte is not part of it
    kRefused,  ///< no value of this kind goes on with it
  };

  explicit JsonValue(Kind kind = Kind::kAny) : kind_(kind) {}

  Step push(char byte);

  /// True when what came so far is a whole value.
  bool may_end() const;

 private:
  enum class State : std::uint8_t {
    kValue,         ///< a value begins
    kFirstElement,  ///< behind [: a value or ]
    kFirstKey,      ///< behind {: a key or }
    kKey,           ///< behind a comma in an object
    kColon,         ///< behind a key
    kAfterValue,    ///< in an array or object, behind an element
    kString,        ///< inside quotes
    kEscape,        ///< behind a backslash
    kHex,           ///< behind \u
    kMinus,         ///< a number, by its last byte
    kZero,
    kDigits,
    kPoint,
    kFraction,
    kExponent,
    kExponentSign,
    kExponentDigits,
    kLiteral,  ///< inside true, false, null
    kDone,
  };

  bool begin_value(char byte);
  bool push_string(char byte);
  bool push_number(char byte);
  bool push_digit(State next);
  bool push_structure(char byte);
  bool open(bool is_object);
  bool close(bool is_object);
  bool in_object() const { return (nesting_ >> (depth_ - 1) & 1U) != 0; }
  bool in_string() const { return state_ >= State::kString && state_ <= State::kHex; }
  bool in_number() const { return state_ >= State::kMinus && state_ <= State::kExponentDigits; }
  bool number_may_end() const;
  void end_value() { state_ = depth_ == 0 ? State::kDone : State::kAfterValue; }

  std::uint64_t nesting_ = 0;  ///< a bit for each open bracket, the innermost at depth_ - 1: 1 is {
  std::string_view literal_;   ///< what is left of true, false or null
  Kind kind_;
  State state_ = State::kValue;
  std::uint8_t depth_ = 0;
  std::uint8_t spaces_ = 0;     ///< in a row
  std::uint8_t hex_left_ = 0;   ///< digits behind \u still to come
  std::uint8_t digits_ = 0;     ///< of the number, or of its exponent
  bool string_is_key_ = false;  ///< of the string that is open
};

}  // namespace hearth::protocol
