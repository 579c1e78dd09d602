// Python's three ways of formatting: "%s" % value, "{}".format(value) and format(value, ">10").
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "text/jinja/budget.h"
#include "text/jinja/function.h"
#include "text/jinja/value.h"

namespace hearth::text::jinja {

/// The widest field and the most digits after the point.
inline constexpr std::int64_t kFieldWidthMax = 10'000;
inline constexpr int kPrecisionMax = 500;

/// text % value: a tuple gives the values of all conversions, a dict those with a name.
/// kInvalidArgument as where Python raises; kUnsupported for text that is marked as safe.
Result<Value> format_percent(const Value& text, const Value& values, Budget& budget);

/// text.format(arguments...), with fields like {}, {0}, {name.part[key]!r:>10}.
Result<std::string> format_braces(std::string_view text, const Arguments& arguments,
                                  Budget& budget);

/// format(value, spec), spec as in "{:spec}".
Result<std::string> format_value(const Value& value, std::string_view spec, Budget& budget);

/// How a number is written: sign ('-', '+' or ' '), '#' form, grouping (',', '_' or 0), digits
/// after the point (-1: the type's default) and type ('d', 'x', 'o', 'b', 'f', 'e', 'g', 'F', 'E',
/// 'G', 'X', '%' or 'r' for repr()).
struct NumberStyle {
  char sign = '-';
  bool alternate = false;
  char grouping = 0;
  int precision = -1;
  char type = 'r';
};

/// A number in two parts, so that zeros can be put between: "-0x" and "1f".
struct NumberText {
  std::string prefix;
  std::string digits;
};

NumberText number_text(std::int64_t value, const NumberStyle& style);
NumberText number_text(double value, const NumberStyle& style);

/// `digits` (of the whole part, up to '.', 'e' or the end) filled with zeros to `width` in all and
/// grouped.
std::string group_digits(std::string_view digits, char grouping, int group_size, std::size_t width);

/// Python's round(value, digits) of a float: the nearest decimal, halves decided by the exact
/// binary value.
double round_to(double value, int digits);

}  // namespace hearth::text::jinja
