// Case mapping by PCRE2's substitution, which knows Unicode's simple case mappings.
#define PCRE2_CODE_UNIT_WIDTH 8
#include "text/letter_case.h"

#include <pcre2.h>

#include <algorithm>
#include <iterator>

#include "base/ascii.h"
#include "base/check.h"
#include "text/letter_case_table.h"
#include "text/utf8.h"

namespace hearth::text {
namespace {

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

/// The whole text through one forced-case substitution; `replacement` is "\\U$0" or "\\L$0".
std::string force_case(std::string_view text, std::string_view replacement) {
  if (text.empty()) return {};
  static pcre2_code* const kAll = [] {
    int error = 0;
    PCRE2_SIZE offset = 0;
    return pcre2_compile(reinterpret_cast<PCRE2_SPTR>("\\A.*\\z"), PCRE2_ZERO_TERMINATED,
                         PCRE2_UTF | PCRE2_UCP | PCRE2_DOTALL, &error, &offset, nullptr);
  }();
  HEARTH_CHECK(kAll != nullptr);
  // The other case of a character never takes twice its bytes.
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

/// Forces the case of what the table does not know, and takes the rest from it.
template <std::size_t kSize>
std::string map_case(std::string_view text, const CaseException (&table)[kSize],
                     std::string_view replacement) {
  std::string out;
  std::size_t begin = 0;  // of the run without exceptions
  for (std::size_t i = 0; i < text.size();) {
    const Utf8Step step = utf8_step(text.substr(i));
    const auto* const found =
        std::lower_bound(std::begin(table), std::end(table), step.code_point,
                         [](const CaseException& entry, char32_t c) { return entry.from < c; });
    if (found != std::end(table) && found->from == step.code_point) {
      out += force_case(text.substr(begin, i - begin), replacement);
      out += found->to;
      begin = i + step.length;
    }
    i += step.length;
  }
  return out + force_case(text.substr(begin), replacement);
}

}  // namespace

std::string to_upper(std::string_view utf8) {
  if (!is_ascii(utf8)) return map_case(utf8, kUpperExceptions, "\\U$0");
  std::string text(utf8);
  std::transform(text.begin(), text.end(), text.begin(), ascii_upper);
  return text;
}

std::string to_lower(std::string_view utf8) {
  if (!is_ascii(utf8)) return map_case(utf8, kLowerExceptions, "\\L$0");
  std::string text(utf8);
  std::transform(text.begin(), text.end(), text.begin(), ascii_lower);
  return text;
}

}  // namespace hearth::text
