// Upper and lower case of UTF-8 text, as Python's str.upper() and str.lower().
#pragma once

#include <string>
#include <string_view>

namespace hearth::text {

/// Unicode 14's mappings, of one letter to several too ("ß" to "SS"); only the rule that a sigma at
/// the end of a word has a form of its own is not followed. `utf8` must be valid.
std::string to_upper(std::string_view utf8);
std::string to_lower(std::string_view utf8);

}  // namespace hearth::text
