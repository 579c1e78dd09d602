// Unicode properties in patterns, as members of a PCRE2 character class: PCRE2's own tables may be
// older than the Unicode version of unicode/general_category.h, and are completed from there.
#pragma once

#include <string>
#include <string_view>

namespace hearth::text {

/// True for the names of general categories: "L", "Lu", ... (not "L&" or "Any").
bool is_category_name(std::string_view name);

/// Members that match what \p{name} matches, or \P{name} where `negated`.
std::string category_members(std::string_view name, bool negated);

/// Members for \w as Oniguruma has it.
const std::string& word_members();

}  // namespace hearth::text
