// Numbers as text in the forms that format() and % know.
#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <limits>

#include "text/jinja/text_format.h"

namespace hearth::text::jinja {
namespace {

/// Room for the digits of the largest double before the point and kPrecisionMax after it.
constexpr std::size_t kDigitsMax = 310 + kPrecisionMax + 16;

std::string sign_of(bool negative, char sign) {
  if (negative) return "-";
  return sign == '-' ? std::string() : std::string(1, sign);
}

std::string in_upper_case(std::string text) {
  for (char& c : text) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return text;
}

std::string digits_of(double magnitude, std::chars_format format, int precision) {
  std::array<char, kDigitsMax> buffer{};
  const auto end =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), magnitude, format, precision);
  return {buffer.data(), end.ptr};
}

/// The exponent of a number in the form "1.5e+07".
int exponent_of(std::string_view scientific) {
  std::string_view text = scientific.substr(scientific.find('e') + 1);
  if (text.starts_with('+')) text.remove_prefix(1);  // from_chars takes none
  int exponent = 0;
  std::from_chars(text.data(), text.data() + text.size(), exponent);
  return exponent;
}

/// format(value, ".3"): as 'g', but a whole number keeps ".0", and numbers that then would need
/// more digits than the precision have an exponent.
std::string short_digits(double magnitude, int precision) {
  const int significant = std::max(precision, 1);
  std::string text = digits_of(magnitude, std::chars_format::scientific, significant - 1);
  const int exponent = exponent_of(text);
  if (exponent >= -4 && exponent < significant - 1) {
    text = digits_of(magnitude, std::chars_format::general, significant);
    return text.find('.') == std::string::npos ? text + ".0" : text;
  }
  const std::size_t e = text.find('e');
  std::string mantissa = text.substr(0, e);
  if (mantissa.find('.') != std::string::npos) {
    mantissa.erase(mantissa.find_last_not_of('0') + 1);
    if (mantissa.back() == '.') mantissa.pop_back();
  }
  return mantissa + text.substr(e);
}

std::string finite_digits(double magnitude, const NumberStyle& style) {
  const int precision = style.precision < 0 ? 6 : style.precision;
  switch (style.type) {
    case 'f':
    case 'F':
      return digits_of(magnitude, std::chars_format::fixed, precision);
    case '%':
      return digits_of(magnitude * 100.0, std::chars_format::fixed, precision) + "%";
    case 'e':
    case 'E':
      return digits_of(magnitude, std::chars_format::scientific, precision);
    case 'g':
    case 'G':
      return digits_of(magnitude, std::chars_format::general, std::max(precision, 1));
    default:
      return style.precision < 0 ? float_text(magnitude) : short_digits(magnitude, precision);
  }
}

}  // namespace

NumberText number_text(std::int64_t value, const NumberStyle& style) {
  const auto bits = static_cast<std::uint64_t>(value);
  const std::uint64_t magnitude = value < 0 ? 0 - bits : bits;
  const char type = style.type;
  const int base = type == 'x' || type == 'X' ? 16 : type == 'o' ? 8 : type == 'b' ? 2 : 10;
  std::array<char, 64> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), magnitude, base);
  NumberText text{sign_of(value < 0, style.sign), std::string(buffer.data(), end.ptr)};
  if (type == 'X') text.digits = in_upper_case(text.digits);
  if (style.alternate && base != 10) (text.prefix += '0') += type;
  return text;
}

NumberText number_text(double value, const NumberStyle& style) {
  const bool negative = std::signbit(value) && !std::isnan(value);
  const double magnitude = std::fabs(value);
  std::string digits = std::isnan(value)   ? "nan"
                       : std::isinf(value) ? "inf"
                                           : finite_digits(magnitude, style);
  if (style.type == '%' && !std::isfinite(value)) digits += '%';
  const bool upper = style.type == 'E' || style.type == 'F' || style.type == 'G';
  return {sign_of(negative, style.sign), upper ? in_upper_case(digits) : digits};
}

std::string group_digits(std::string_view digits, char grouping, int group_size,
                         std::size_t width) {
  const auto whole_end = std::find_if_not(digits.begin(), digits.end(), [](char c) {
    return std::isxdigit(static_cast<unsigned char>(c)) != 0 && c != 'e' && c != 'E';
  });
  const bool is_hexadecimal = group_size == 4;
  const auto whole_size =
      is_hexadecimal ? digits.size() : static_cast<std::size_t>(whole_end - digits.begin());
  const std::string_view rest = digits.substr(whole_size);
  std::string whole(digits.substr(0, whole_size));
  const auto group = static_cast<std::size_t>(group_size);
  const auto length = [&](std::size_t count) {
    return count + rest.size() + (grouping != 0 && count > 0 ? (count - 1) / group : 0);
  };
  std::size_t count = whole.size();
  while (length(count) < width) ++count;
  whole.insert(0, count - whole.size(), '0');
  std::string out;
  for (std::size_t i = 0; i < whole.size(); ++i) {
    if (grouping != 0 && i > 0 && (whole.size() - i) % group == 0) out += grouping;
    out += whole[i];
  }
  return out + std::string(rest);
}

double round_to(double value, int digits) {
  if (!std::isfinite(value) || value == 0.0) return value;
  if (digits > 323) return value;
  if (digits < -308) return std::copysign(0.0, value);
  const double magnitude = std::fabs(value);
  std::string text;
  if (digits >= 0) {
    text = digits_of(magnitude, std::chars_format::fixed, digits);
  } else {
    // As a decimal with an exponent: its digits are exact, so that halves are seen as such.
    const int exponent = exponent_of(digits_of(magnitude, std::chars_format::scientific, 17));
    if (exponent + digits < -1) return std::copysign(0.0, value);
    if (exponent + digits == -1) {  // less than one unit: up from its half (half itself to even)
      const double unit = std::pow(10.0, -digits);
      return std::copysign(magnitude > 0.5 * unit ? unit : 0.0, value);
    }
    text = digits_of(magnitude, std::chars_format::scientific, exponent + digits);
  }
  double rounded = 0.0;
  std::from_chars(text.data(), text.data() + text.size(), rounded);
  return std::copysign(rounded, value);
}

}  // namespace hearth::text::jinja
