// Filters of numbers, and the conversions to them.
#include <array>
#include <charconv>
#include <cmath>

#include "text/jinja/builtins.h"
#include "text/jinja/operators.h"
#include "text/jinja/text_format.h"

namespace hearth::text::jinja {
namespace {

std::string lower_ascii(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

/// Digits with single underscores between them, as Python reads them; nothing for other uses.
std::optional<std::string> without_underscores(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '_') {
      out += text[i];
      continue;
    }
    const auto is_digit = [&](std::size_t at) {
      return at < text.size() && std::isalnum(static_cast<unsigned char>(text[at])) != 0;
    };
    if (i == 0 || !is_digit(i - 1) || !is_digit(i + 1)) return std::nullopt;
  }
  return out;
}

/// Takes "0x" and the like off where the base allows it; `base` 0 follows what is written.
void take_base_prefix(std::string& digits, int& base) {
  constexpr std::pair<char, int> kPrefixes[] = {{'x', 16}, {'o', 8}, {'b', 2}};
  for (const auto& [letter, value] : kPrefixes) {
    if (digits.size() > 2 && digits[0] == '0' && digits[1] == letter &&
        (base == 0 || base == value)) {
      digits.erase(0, 2);
      base = value;
      return;
    }
  }
  if (base == 0) base = 10;
}

/// Undefined values fail when they are asked for a number; all others that have none do not.
Result<std::optional<double>> float_of(const Call& call) {
  if (call.self.is_undefined()) return call.wrong("a number of " + call.self.describe());
  if (call.self.is_number()) return to_double(call.self);
  if (const std::string* text = call.self.as_string()) {
    HEARTH_TRY_VOID(call.budget.charge(text->size()));
    return parse_float(*text);
  }
  return std::nullopt;
}

Result<Value> filter_int(const Call& call) {
  HEARTH_TRY(const std::int64_t base, call.whole_or(1, 10));
  if (call.self.is_whole()) return Value::integer(to_integer(call.self));
  if (const std::string* text = call.self.as_string()) {
    HEARTH_TRY_VOID(call.budget.charge(text->size()));
    if (base == 0 || (base >= 2 && base <= 36)) {
      HEARTH_TRY(const auto whole, parse_whole(*text, static_cast<int>(base)));
      if (whole) return Value::integer(*whole);
    }
  }
  HEARTH_TRY(const auto number, float_of(call));
  if (!number) return call.value_or(0, Value::integer(0));
  if (std::isinf(*number)) return call.wrong("infinity has no whole number");
  HEARTH_TRY(const auto whole, cut_off(*number));
  return whole ? Value::integer(*whole) : call.value_or(0, Value::integer(0));
}

Result<Value> filter_float(const Call& call) {
  HEARTH_TRY(const auto number, float_of(call));
  return number ? Value::number(*number) : call.value_or(0, Value::number(0.0));
}

Result<Value> filter_abs(const Call& call) {
  if (call.self.is_float()) return Value::number(std::fabs(to_double(call.self)));
  if (!call.self.is_whole()) return call.wrong("needs a number, not " + call.self.describe());
  return to_integer(call.self) < 0 ? negate(call.self) : plus(call.self);
}

/// round() of a whole number to tens, hundreds, ...: halves go to the even one.
Result<Value> round_whole(std::int64_t value, std::int64_t digits) {
  if (digits >= 0) return Value::integer(value);
  if (digits < -18) return Value::integer(0);
  std::int64_t unit = 1;
  for (std::int64_t i = digits; i < 0; ++i) unit *= 10;
  std::int64_t quotient = value / unit;
  const std::int64_t rest = std::abs(value % unit);
  if (rest > unit - rest || (rest == unit - rest && quotient % 2 != 0)) {
    quotient += value < 0 ? -1 : 1;
  }
  return arithmetic(BinaryOp::kMultiply, Value::integer(quotient), Value::integer(unit));
}

/// ceil and floor work on value * 10 ** precision, in the steps that Jinja takes.
Result<Value> round_one_way(const Call& call, const Value& value, std::int64_t digits,
                            bool upwards) {
  HEARTH_TRY(const Value scale,
             arithmetic(BinaryOp::kPower, Value::integer(10), Value::integer(digits)));
  HEARTH_TRY(const Value scaled, arithmetic(BinaryOp::kMultiply, value, scale));
  const double number = to_double(scaled);
  if (!std::isfinite(number)) return call.wrong("infinity and nan have no whole number");
  HEARTH_TRY(const auto whole, scaled.is_whole()
                                   ? std::optional(to_integer(scaled))
                                   : cut_off(upwards ? std::ceil(number) : std::floor(number)));
  return arithmetic(BinaryOp::kDivide, Value::integer(*whole), scale);
}

Result<Value> filter_round(const Call& call) {
  HEARTH_TRY(const std::int64_t digits, call.whole_or(0, 0));
  const std::string method = call.given(1) ? to_text(call.at(1)) : "common";
  if (method != "common" && method != "ceil" && method != "floor") {
    return call.wrong("method must be common, ceil or floor");
  }
  if (!call.self.is_number()) return call.wrong("needs a number, not " + call.self.describe());
  if (method != "common") return round_one_way(call, call.self, digits, method == "ceil");
  if (call.self.is_whole()) return round_whole(to_integer(call.self), digits);
  const auto places = static_cast<int>(std::clamp<std::int64_t>(digits, -400, 400));
  return Value::number(round_to(to_double(call.self), places));
}

Result<Value> filter_filesizeformat(const Call& call) {
  HEARTH_TRY(const auto number, float_of(call));
  if (!number) return call.wrong("needs a number, not " + call.self.describe());
  const bool binary = call.truth(0);
  const double base = binary ? 1024 : 1000;
  if (*number == 1.0) return Value::string("1 Byte");
  if (*number < base) {
    HEARTH_TRY(const auto whole, cut_off(*number));
    return Value::string(std::to_string(whole.value_or(0)) + " Bytes");
  }
  constexpr std::string_view kUnits = "kMGTPEZY";
  double unit = base;
  std::size_t i = 0;
  while (i + 1 < kUnits.size() && *number >= unit * base) {
    unit *= base;
    ++i;
  }
  const NumberText text = number_text(*number / unit, {.precision = 1, .type = 'f'});
  std::string suffix(1, binary && kUnits[i] == 'k' ? 'K' : kUnits[i]);
  return Value::string(text.digits + " " + suffix + (binary ? "iB" : "B"));
}

constexpr Function kNumberFilters[] = {
    {"abs", {}, filter_abs},
    {"filesizeformat", {.names = {"binary"}}, filter_filesizeformat},
    {"float", {.names = {"default"}}, filter_float},
    {"int", {.names = {"default", "base"}}, filter_int},
    {"round", {.names = {"precision", "method"}}, filter_round},
};

}  // namespace

std::span<const Function> number_filters() { return kNumberFilters; }

Result<std::optional<std::int64_t>> parse_whole(std::string_view text, int base) {
  text = strip(text, true, true);
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  auto digits = without_underscores(lower_ascii(text));
  if (!digits || digits->empty() || digits->front() == '-') return std::nullopt;
  const bool by_prefix = base == 0;
  take_base_prefix(*digits, base);
  const bool leading_zero = by_prefix && base == 10 && digits->size() > 1 && digits->front() == '0';
  if (leading_zero && digits->find_first_not_of('0') != std::string::npos) return std::nullopt;
  std::uint64_t magnitude = 0;
  const char* const end = digits->data() + digits->size();
  const auto parsed = std::from_chars(digits->data(), end, magnitude, base);
  if (parsed.ptr != end) return std::nullopt;
  constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (parsed.ec != std::errc() || magnitude > kMost) {
    return fail(ErrorCode::kUnsupported, "a whole number beyond 64 bits");
  }
  const auto whole = static_cast<std::int64_t>(magnitude);
  return negative ? -whole : whole;
}

std::optional<double> parse_float(std::string_view text) {
  text = strip(text, true, true);
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  const auto digits = without_underscores(lower_ascii(text));
  if (!digits || digits->empty() || digits->front() == '-') return std::nullopt;
  double number = 0.0;
  const char* const end = digits->data() + digits->size();
  const auto parsed = std::from_chars(digits->data(), end, number);
  if (parsed.ptr != end || digits->find('(') != std::string::npos) return std::nullopt;
  if (parsed.ec == std::errc::result_out_of_range) {
    // from_chars leaves the value alone; Python gives infinity or zero.
    const bool is_small = digits->find("e-") != std::string::npos || digits->starts_with("0.");
    number = is_small ? 0.0 : HUGE_VAL;
  } else if (parsed.ec != std::errc()) {
    return std::nullopt;
  }
  return negative ? -number : number;
}

Result<std::optional<std::int64_t>> cut_off(double number) {
  if (!std::isfinite(number)) return std::nullopt;
  if (std::fabs(number) >= 9223372036854775808.0) {
    return fail(ErrorCode::kUnsupported, "a whole number beyond 64 bits");
  }
  return static_cast<std::int64_t>(number);
}

}  // namespace hearth::text::jinja
