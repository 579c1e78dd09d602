#include "protocol/json_value.h"

namespace hearth::protocol {
namespace {

constexpr int kDepthMax = 32;
constexpr int kDigitsMax = 18;
constexpr int kExponentDigitsMax = 2;

bool is_digit(char byte) { return byte >= '0' && byte <= '9'; }

bool is_hex(char byte) {
  return is_digit(byte) || (byte >= 'a' && byte <= 'f') || (byte >= 'A' && byte <= 'F');
}

/// The types of the values that begin with this byte.
std::uint8_t types_beginning_with(char byte) {
  switch (byte) {
    case '"':
      return json_type::kString;
    case '{':
      return json_type::kObject;
    case '[':
      return json_type::kArray;
    case 't':
    case 'f':
      return json_type::kBoolean;
    case 'n':
      return json_type::kNull;
    default:
      return byte == '-' || is_digit(byte) ? json_type::kInteger | json_type::kNumber : 0;
  }
}

}  // namespace

bool JsonSpaces::is_space(char byte) {
  return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

bool JsonSpaces::push(char byte) {
  constexpr int kInLineMax = 2;
  constexpr int kIndentMax = 32;
  if (byte == '\n' && !broken_line_) {
    broken_line_ = true;
    count_ = 0;
    return true;
  }
  return byte != '\n' && ++count_ <= (broken_line_ ? kIndentMax : kInLineMax);
}

JsonValue::Step JsonValue::push(char byte) {
  if (state_ == State::kDone) return Step::kEnded;
  if (in_number()) {
    if (push_number(byte)) return Step::kTaken;
    if (!number_may_end()) return Step::kRefused;
    if (depth_ == 0) return Step::kEnded;
    state_ = State::kAfterValue;
  }
  if (in_string()) return push_string(byte) ? Step::kTaken : Step::kRefused;
  if (state_ == State::kLiteral) {
    if (byte != literal_.front()) return Step::kRefused;
    literal_.remove_prefix(1);
    if (literal_.empty()) end_value();
    return Step::kTaken;
  }
  if (depth_ == 0) {
    const bool fits = (types_beginning_with(byte) & types_) != 0;
    return fits && begin_value(byte) ? Step::kTaken : Step::kRefused;
  }
  if (JsonSpaces::is_space(byte)) return spaces_.push(byte) ? Step::kTaken : Step::kRefused;
  spaces_.reset();
  return push_structure(byte) ? Step::kTaken : Step::kRefused;
}

bool JsonValue::may_end() const {
  return state_ == State::kDone || (depth_ == 0 && in_number() && number_may_end());
}

bool JsonValue::number_may_end() const {
  return state_ == State::kZero || state_ == State::kDigits || state_ == State::kFraction ||
         state_ == State::kExponentDigits;
}

/// Between the values of an array or object.
bool JsonValue::push_structure(char byte) {
  switch (state_) {
    case State::kFirstElement:
      return byte == ']' ? close(false) : begin_value(byte);
    case State::kFirstKey:
      if (byte == '}') return close(true);
      [[fallthrough]];
    case State::kKey:
      string_is_key_ = true;
      state_ = State::kString;
      return byte == '"';
    case State::kColon:
      state_ = State::kValue;
      return byte == ':';
    case State::kAfterValue:
      if (byte == ',') {
        state_ = in_object() ? State::kKey : State::kValue;
        return true;
      }
      return (byte == '}' || byte == ']') && close(byte == '}');
    default:
      return begin_value(byte);
  }
}

bool JsonValue::begin_value(char byte) {
  digits_ = 0;
  switch (byte) {
    case '"':
      string_is_key_ = false;
      state_ = State::kString;
      return true;
    case '{':
      return open(true);
    case '[':
      return open(false);
    case '-':
      state_ = State::kMinus;
      return true;
    case '0':
      state_ = State::kZero;
      return true;
    case 't':
      literal_ = "rue";
      break;
    case 'f':
      literal_ = "alse";
      break;
    case 'n':
      literal_ = "ull";
      break;
    default:
      return is_digit(byte) && push_digit(State::kDigits);
  }
  state_ = State::kLiteral;
  return true;
}

bool JsonValue::push_string(char byte) {
  if (state_ == State::kHex) return push_hex(byte);
  if (state_ == State::kLowBackslash) {
    state_ = State::kLowU;
    return byte == '\\';
  }
  if (state_ == State::kEscape || state_ == State::kLowU) {
    constexpr std::string_view kEscapes = "\"\\/bfnrtu";
    wants_low_half_ = state_ == State::kLowU;
    state_ = byte == 'u' ? State::kHex : State::kString;
    hex_left_ = 4;
    escape_ = 0;
    return wants_low_half_ ? byte == 'u' : kEscapes.find(byte) != std::string_view::npos;
  }
  if (byte == '\\') {
    state_ = State::kEscape;
  } else if (byte == '"' && string_is_key_) {
    state_ = State::kColon;
  } else if (byte == '"') {
    end_value();
  }
  return static_cast<unsigned char>(byte) >= 0x20;
}

/// Characters beyond U+FFFF are spelt as two escapes, a high half (D800 to DBFF) and a low one
/// (DC00 to DFFF); one alone is no character.
bool JsonValue::push_hex(char byte) {
  if (!is_hex(byte)) return false;
  const int digit = is_digit(byte) ? byte - '0' : (byte | 0x20) - 'a' + 10;
  escape_ = static_cast<std::uint16_t>(escape_ << 4 | digit);
  --hex_left_;
  if (hex_left_ == 3) return !wants_low_half_ || escape_ == 0xd;
  if (hex_left_ == 2) return (escape_ >= 0xdc && escape_ <= 0xdf) == wants_low_half_;
  if (hex_left_ == 0) {
    const bool high = !wants_low_half_ && escape_ >= 0xd800 && escape_ <= 0xdbff;
    state_ = high ? State::kLowBackslash : State::kString;
  }
  return true;
}

/// One more digit, unless there are too many.
bool JsonValue::push_digit(State next) {
  if (digits_ == (next == State::kExponentDigits ? kExponentDigitsMax : kDigitsMax)) return false;
  ++digits_;
  state_ = next;
  return true;
}

/// Whether the number goes on with this byte.
bool JsonValue::push_number(char byte) {
  const auto go_to = [&](State state) {
    state_ = state;
    return true;
  };
  const bool whole_only = depth_ == 0 && (types_ & json_type::kNumber) == 0;
  switch (state_) {
    case State::kMinus:
      if (byte == '0') return go_to(State::kZero);
      return is_digit(byte) && push_digit(State::kDigits);
    case State::kDigits:
      if (is_digit(byte)) return push_digit(State::kDigits);
      [[fallthrough]];
    case State::kZero:
      if (byte == '.' && !whole_only && digits_ < kDigitsMax) return go_to(State::kPoint);
      break;
    case State::kPoint:
      return is_digit(byte) && push_digit(State::kFraction);
    case State::kFraction:
      if (is_digit(byte)) return push_digit(State::kFraction);
      break;
    case State::kExponent:
      digits_ = 0;
      if (byte == '+' || byte == '-') return go_to(State::kExponentSign);
      [[fallthrough]];
    case State::kExponentSign:
    default:
      return is_digit(byte) && push_digit(State::kExponentDigits);
  }
  return (byte == 'e' || byte == 'E') && !whole_only && go_to(State::kExponent);
}

bool JsonValue::open(bool is_object) {
  if (depth_ == kDepthMax) return false;
  const std::uint64_t bit = std::uint64_t{1} << depth_;
  nesting_ = is_object ? nesting_ | bit : nesting_ & ~bit;
  ++depth_;
  state_ = is_object ? State::kFirstKey : State::kFirstElement;
  return true;
}

bool JsonValue::close(bool is_object) {
  if (in_object() != is_object) return false;
  --depth_;
  end_value();
  return true;
}

}  // namespace hearth::protocol
