// Dates as text, through the C library's conversions.
#include "text/jinja/strftime.h"

#include <locale.h>
#include <time.h>

#include <array>
#include <cstddef>
#include <string_view>

namespace hearth::text::jinja {
namespace {

/// The longest that one conversion makes (%c, %x) is far below this.
constexpr std::size_t kConvertedMax = 128;

locale_t c_locale() {
  static const locale_t locale = newlocale(LC_ALL_MASK, "C", nullptr);
  return locale;
}

/// The conversion at `at` (a '%'): its length with flags; 0 where it is not one of those known.
std::size_t conversion_length(std::string_view format, std::size_t at) {
  constexpr std::string_view kFlags = "-_0^#";
  constexpr std::string_view kLetters = "aAbBcCdDeFgGhHIjklmMnpPrRStTuUVwWxXyYzZ%";
  std::size_t end = at + 1;
  if (end < format.size() && kFlags.find(format[end]) != std::string_view::npos) ++end;
  if (end >= format.size() || kLetters.find(format[end]) == std::string_view::npos) return 0;
  return end + 1 - at;
}

std::string converted(const std::tm& time, const std::string& conversion) {
  // A time without a zone prints none.
  if (conversion.back() == 'z' || conversion.back() == 'Z') return {};
  std::array<char, kConvertedMax> buffer{};
  const std::size_t length =
      strftime_l(buffer.data(), buffer.size(), conversion.c_str(), &time, c_locale());
  return {buffer.data(), length};
}

}  // namespace

Result<std::string> format_time(const std::tm& time, const std::string& format) {
  std::string out;
  for (std::size_t at = 0; at < format.size();) {
    if (format[at] != '%') {
      out += format[at++];
      continue;
    }
    const std::size_t length = conversion_length(format, at);
    if (length == 0) {
      return fail(ErrorCode::kUnsupported,
                  "the conversion " + format.substr(at, 2) + " of a date is not supported");
    }
    out += converted(time, format.substr(at, length));
    at += length;
  }
  return out;
}

}  // namespace hearth::text::jinja
