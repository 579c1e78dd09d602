// Upper and lower case of UTF-8 text, as Python's str.upper() and str.lower().
#pragma once

#include <string>
#include <string_view>

namespace hearth::text {

/// Simple case mappings by PCRE2's Unicode tables, and of the mappings to several letters only
/// U+00DF ("ß" to "SS"). Invalid UTF-8 must not be given.
std::string to_upper(std::string_view utf8);
std::string to_lower(std::string_view utf8);

}  // namespace hearth::text
