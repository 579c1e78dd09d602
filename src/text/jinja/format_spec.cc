// format(value, spec): fill, alignment, sign, width, grouping, precision, type.
#include <algorithm>
#include <optional>

#include "text/jinja/operators.h"
#include "text/jinja/text_format.h"
#include "text/jinja/wrong.h"
#include "text/utf8.h"

namespace hearth::text::jinja {
namespace {

struct Spec {
  std::string fill = " ";
  bool has_fill = false;
  bool zero_flag = false;  ///< '=' comes from the flag '0'
  char align = 0;          ///< '<', '>', '^', '=' or 0
  bool has_sign = false;
  std::size_t width = 0;
  std::optional<char> type;
  NumberStyle style;
};

bool is_align(char c) { return c == '<' || c == '>' || c == '^' || c == '='; }

/// Reads a spec from left to right.
class SpecParser {
 public:
  explicit SpecParser(std::string_view spec) : rest_(spec) {}

  Result<Spec> run() {
    Spec spec;
    fill_and_align(spec);
    if (next_is("+- ")) {
      spec.has_sign = true;
      spec.style.sign = take();
    }
    if (next_is("#")) spec.style.alternate = (take(), true);
    if (next_is("0")) {
      take();
      if (!spec.has_fill) spec.fill = "0";
      spec.zero_flag = spec.align == 0;
      if (spec.zero_flag) spec.align = '=';
    }
    HEARTH_TRY(const auto width, number(kFieldWidthMax));
    spec.width = static_cast<std::size_t>(width.value_or(0));
    if (next_is(",_")) spec.style.grouping = take();
    if (next_is(".")) {
      take();
      HEARTH_TRY(const auto precision, number(kPrecisionMax));
      if (!precision) return wrong("a format without its precision");
      spec.style.precision = static_cast<int>(*precision);
    }
    if (rest_.size() == 1) spec.type = take();
    if (!rest_.empty()) return wrong("the format '" + std::string(rest_) + "' is not known");
    return spec;
  }

 private:
  bool next_is(std::string_view characters) const {
    return !rest_.empty() && characters.find(rest_.front()) != std::string_view::npos;
  }
  char take() {
    const char c = rest_.front();
    rest_.remove_prefix(1);
    return c;
  }

  void fill_and_align(Spec& spec) {
    if (rest_.empty()) return;
    const std::size_t length = utf8_step(rest_).length;
    if (rest_.size() > length && is_align(rest_[length])) {
      spec.fill = rest_.substr(0, length);
      spec.has_fill = true;
      rest_.remove_prefix(length);
      spec.align = take();
    } else if (is_align(rest_.front())) {
      spec.align = take();
    }
  }

  Result<std::optional<std::int64_t>> number(std::int64_t max) {
    if (rest_.empty() || rest_.front() < '0' || rest_.front() > '9') return std::nullopt;
    std::int64_t value = 0;
    while (!rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9') {
      value = value * 10 + (take() - '0');
      if (value > max) {
        return fail(ErrorCode::kResourceExhausted,
                    "a width or precision of more than " + std::to_string(max));
      }
    }
    return value;
  }

  std::string_view rest_;
};

std::string times(const std::string& fill, std::size_t count) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) out += fill;
  return out;
}

/// `prefix` and `body` in a field; with '=' the fill goes between the two.
std::string padded(const std::string& prefix, const std::string& body, const Spec& spec,
                   char default_align) {
  const std::size_t length = utf8_length(prefix) + utf8_length(body);
  const std::size_t space = spec.width > length ? spec.width - length : 0;
  switch (spec.align == 0 ? default_align : spec.align) {
    case '<':
      return prefix + body + times(spec.fill, space);
    case '^':
      return times(spec.fill, space / 2) + prefix + body + times(spec.fill, space - space / 2);
    case '=':
      return prefix + times(spec.fill, space) + body;
    default:
      return times(spec.fill, space) + prefix + body;
  }
}

Result<std::string> format_text(const std::string& text, Spec spec) {
  if (spec.type.value_or('s') != 's') return wrong("a format of numbers for a string");
  if (spec.has_sign || spec.style.grouping != 0 || spec.style.alternate) {
    return wrong("a sign or separator in the format of a string");
  }
  if (spec.align == '=' && spec.zero_flag) spec.align = '<';
  if (spec.align == '=') return wrong("the alignment = in the format of a string");
  std::string_view kept = text;
  if (spec.style.precision >= 0) {
    std::size_t end = 0;
    for (int i = 0; i < spec.style.precision && end < text.size(); ++i) {
      end += utf8_step(kept.substr(end)).length;
    }
    kept = kept.substr(0, end);
  }
  return padded("", std::string(kept), spec, '<');
}

/// Digits with separators; zeros of '0' before the width are digits too.
std::string format_digits(const NumberText& number, const Spec& spec, int group_size) {
  const bool zeros = spec.fill == "0" && spec.align == '=';
  const std::size_t width =
      zeros && spec.width > number.prefix.size() ? spec.width - number.prefix.size() : 0;
  return padded(number.prefix, group_digits(number.digits, spec.style.grouping, group_size, width),
                spec, '>');
}

constexpr std::string_view kFloatTypes = "eEfFgG%";

Result<std::string> format_float(double value, Spec spec) {
  if (spec.type == 'n' && spec.style.grouping != 0) return wrong("a separator with the format 'n'");
  if (spec.type && kFloatTypes.find(*spec.type) == std::string_view::npos && *spec.type != 'n') {
    return wrong(std::string("the format '") + *spec.type + "' for a float");
  }
  if (spec.style.alternate) {
    return fail(ErrorCode::kUnsupported, "the format '#' of a float is not supported");
  }
  spec.style.type = spec.type == 'n' ? 'g' : spec.type.value_or('r');
  return format_digits(number_text(value, spec.style), spec, 3);
}

Result<std::string> format_whole(std::int64_t value, Spec spec) {
  if (spec.type && kFloatTypes.find(*spec.type) != std::string_view::npos) {
    return format_float(static_cast<double>(value), spec);
  }
  if (spec.style.precision >= 0) return wrong("a precision in the format of a whole number");
  if (spec.type == 'n' && spec.style.grouping != 0) return wrong("a separator with the format 'n'");
  if (spec.type == 'c') {
    if (value < 0 || value > 0x10FFFF || spec.has_sign) return wrong("not a character");
    std::string character;
    utf8_append(character, static_cast<char32_t>(value));
    return padded("", character, spec, '<');
  }
  if (spec.type && std::string_view("bdoxXn").find(*spec.type) == std::string_view::npos) {
    return wrong(std::string("the format '") + *spec.type + "' for a whole number");
  }
  spec.style.type = spec.type.value_or('d');
  const bool is_decimal = spec.style.type == 'd' || spec.style.type == 'n';
  if (!is_decimal && spec.style.grouping == ',') return wrong("the separator ',' of such digits");
  return format_digits(number_text(value, spec.style), spec, is_decimal ? 3 : 4);
}

}  // namespace

Result<std::string> format_value(const Value& value, std::string_view text, Budget& budget) {
  HEARTH_TRY_VOID(budget.charge_text(value.weight() + kFieldWidthMax / 16));
  if (text.empty()) return to_text(value);
  HEARTH_TRY(const Spec spec, SpecParser(text).run());
  HEARTH_TRY_VOID(budget.charge_text(spec.width * spec.fill.size()));
  if (const std::string* s = value.as_string()) return format_text(*s, spec);
  if (value.is_whole()) return format_whole(to_integer(value), spec);
  if (value.is_float()) return format_float(to_double(value), spec);
  return wrong("a format for " + value.describe());
}

}  // namespace hearth::text::jinja
