// A JSON value that arrives byte by byte: may it go on like this, may it end here?
#pragma once

#include <cstdint>
#include <string_view>

namespace hearth::protocol {

/// White space between two tokens of JSON, as writers of JSON make it: a space or two, or a line
/// break and up to 32 more. Anything longer is refused, so that a model cannot go on with nothing
/// else.
class JsonSpaces {
 public:
  static bool is_space(char byte);
  /// One more space; false if it is too many.
  bool push(char byte);
  /// Something else came.
  void reset() { *this = {}; }

 private:
  std::uint8_t count_ = 0;
  bool broken_line_ = false;
};

/// The types that a value may have, as a set of bits.
namespace json_type {
constexpr std::uint8_t kString = 1;
constexpr std::uint8_t kInteger = 2;
constexpr std::uint8_t kNumber = 4;  ///< whole ones included
constexpr std::uint8_t kBoolean = 8;
constexpr std::uint8_t kObject = 16;
constexpr std::uint8_t kArray = 32;
constexpr std::uint8_t kNull = 64;
constexpr std::uint8_t kAny = 127;
}  // namespace json_type

/// Accepts one value of RFC 8259, from its first byte on, and nothing but prefixes of values; and
/// only such as every reader takes: nesting is limited to 32 levels, a number to 18 digits and an
/// exponent of two, and \u escapes are whole characters. Whatever was accepted, some byte of ASCII
/// can follow until the value is whole. A small value type: a copy tries what may come next.
class JsonValue {
 public:
  enum class Step {
    kTaken,    ///< the byte belongs to the value
    kEnded,    ///< the value was complete without it; the byte is not part of it
    kRefused,  ///< no value of these types goes on with it
  };

  /// `types`: of json_type, for the value itself; what is inside of it may have any.
  explicit JsonValue(std::uint8_t types = json_type::kAny) : types_(types) {}

  /// After kRefused the value is of no use.
  Step push(char byte);

  /// True when what came so far is a whole value.
  bool may_end() const;

  /// Inside the quotes of a text or key, where any character may come that is no quote, backslash
  /// or control character.
  bool in_text() const { return state_ == State::kString; }

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
    kLowBackslash,  ///< behind the first half of a surrogate pair
    kLowU,          ///< the same, and a backslash
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
  bool push_hex(char byte);
  bool push_number(char byte);
  bool push_digit(State next);
  bool push_structure(char byte);
  bool open(bool is_object);
  bool close(bool is_object);
  bool in_object() const { return (nesting_ >> (depth_ - 1) & 1U) != 0; }
  bool in_string() const { return state_ >= State::kString && state_ <= State::kLowU; }
  bool in_number() const { return state_ >= State::kMinus && state_ <= State::kExponentDigits; }
  bool number_may_end() const;
  void end_value() { state_ = depth_ == 0 ? State::kDone : State::kAfterValue; }

  std::uint64_t nesting_ = 0;  ///< a bit for each open bracket, the innermost at depth_ - 1: 1 is {
  std::string_view literal_;   ///< what is left of true, false or null
  std::uint16_t escape_ = 0;   ///< what the digits behind \u stand for so far
  std::uint8_t types_;
  State state_ = State::kValue;
  std::uint8_t depth_ = 0;
  JsonSpaces spaces_;
  std::uint8_t hex_left_ = 0;    ///< digits behind \u still to come
  std::uint8_t digits_ = 0;      ///< of the number, or of its exponent
  bool string_is_key_ = false;   ///< of the string that is open
  bool wants_low_half_ = false;  ///< of a surrogate pair
};

}  // namespace hearth::protocol
