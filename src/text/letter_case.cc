// Case mapping by PCRE2's substitution, which knows Unicode's simple case mappings.
#define PCRE2_CODE_UNIT_WIDTH 8
#include "text/letter_case.h"

#include <pcre2.h>

#include <algorithm>

#include "base/check.h"

namespace hearth::text {
namespace {

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

char ascii_upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }
char ascii_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

/// The whole text through one forced-case substitution; `replacement` is "\\U$0" or "\\L$0".
std::string force_case(std::string_view text, std::string_view replacement) {
  static pcre2_code* const kAll = [] {
    int error = 0;
    PCRE2_SIZE offset = 0;
    return pcre2_compile(reinterpret_cast<PCRE2_SPTR>("\\A.*\\z"), PCRE2_ZERO_TERMINATED,
                         PCRE2_UTF | PCRE2_UCP | PCRE2_DOTALL, &error, &offset, nullptr);
  }();
  HEARTH_CHECK(kAll != nullptr);
  // The other case of a character is at most one byte longer in UTF-8, save for U+0250 and a few
  // like it (2 to 3): half as much again always suffices.
  std::string out(text.size() * 2 + 16, '\0');
  PCRE2_SIZE length = out.size();
  const int rc =
      pcre2_substitute(kAll, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), 0,
                       PCRE2_SUBSTITUTE_EXTENDED | PCRE2_NO_UTF_CHECK, nullptr, nullptr,
                       reinterpret_cast<PCRE2_SPTR>(replacement.data()), replacement.size(),
                       reinterpret_cast<PCRE2_UCHAR*>(out.data()), &length);
  HEARTH_CHECK(rc >= 0);
  out.resize(length);
  return out;
}

}  // namespace

std::string to_upper(std::string_view utf8) {
  std::string text(utf8);
  if (is_ascii(text)) {
    std::transform(text.begin(), text.end(), text.begin(), ascii_upper);
    return text;
  }
  constexpr std::string_view kSharpS = "\xC3\x9F";
  for (std::size_t at = text.find(kSharpS); at != std::string::npos; at = text.find(kSharpS, at)) {
    text.replace(at, kSharpS.size(), "SS");
  }
  return force_case(text, "\\U$0");
}

std::string to_lower(std::string_view utf8) {
  std::string text(utf8);
  if (is_ascii(text)) {
    std::transform(text.begin(), text.end(), text.begin(), ascii_lower);
    return text;
  }
  return force_case(text, "\\L$0");
}

}  // namespace hearth::text
