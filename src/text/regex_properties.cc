#include "text/regex_properties.h"

#include <fmt/format.h>

#include "text/unicode/general_category.h"

namespace hearth::text {
namespace {

/// "L" names all categories that begin with it.
bool belongs(GeneralCategory category, std::string_view name) {
  return short_name(category).starts_with(name);
}

// PCRE2 reads UTF-8, where surrogates do not occur, and refuses them as the ends of ranges.
void append_range(std::string& out, char32_t first, char32_t last) {
  constexpr char32_t kSurrogatesBegin = 0xD800;
  constexpr char32_t kSurrogatesEnd = 0xE000;
  if (first < kSurrogatesBegin && last >= kSurrogatesBegin) {
    append_range(out, first, kSurrogatesBegin - 1);
  }
  if (last >= kSurrogatesBegin && first < kSurrogatesEnd) first = kSurrogatesEnd;
  if (first > last) return;
  out += fmt::format("\\x{{{:x}}}", static_cast<std::uint32_t>(first));
  if (last > first) out += fmt::format("-\\x{{{:x}}}", static_cast<std::uint32_t>(last));
}

/// Every code point that is in the category, or every one that is not.
std::string all_members(std::string_view name, bool negated) {
  std::string out;
  const auto runs = category_runs();
  for (std::size_t i = 0; i < runs.size();) {
    const char32_t first = runs[i].first;
    const bool is_member = belongs(runs[i].category, name) != negated;
    while (i < runs.size() && (belongs(runs[i].category, name) != negated) == is_member) ++i;
    const char32_t last = i < runs.size() ? runs[i].first - 1 : 0x10FFFF;
    if (is_member) append_range(out, first, last);
  }
  return out;
}

std::string newer_members(std::string_view name) {
  std::string out;
  for (const CategoryRange& range : newer_category_ranges()) {
    if (belongs(range.category, name)) append_range(out, range.first, range.last);
  }
  return out;
}

}  // namespace

bool is_category_name(std::string_view name) {
  if (name.empty() || name.size() > 2) return false;
  for (const CategoryRun& run : category_runs()) {
    if (belongs(run.category, name)) return true;
  }
  return false;
}

std::string category_members(std::string_view name, bool negated) {
  // What is newly assigned leaves the unassigned ones, and a class has no way to take members out.
  if (negated || name[0] == 'C') return all_members(name, negated);
  return "\\p{" + std::string(name) + "}" + newer_members(name);
}

// PCRE2's own \w lacks marks and letter-like symbols. The digits and fractions of Latin-1 (and no
// other numbers of category No) are word characters to Oniguruma.
const std::string& word_members() {
  static const std::string kMembers = [] {
    std::string members = R"(\p{Alphabetic}\xb2\xb3\xb9\xbc-\xbe)";
    for (const char* name : {"L", "M", "Nd", "Nl", "Pc"}) members += category_members(name, false);
    return members;
  }();
  return kMembers;
}

}  // namespace hearth::text
