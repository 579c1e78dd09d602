// How much white space a text begins or ends with.
#pragma once

#include <cstddef>
#include <string_view>

namespace hearth::text {

/// Bytes of white space, as is_white_space() knows it, at the begin of valid UTF-8.
std::size_t leading_white_space(std::string_view text);

/// The same at its end.
std::size_t trailing_white_space(std::string_view text);

}  // namespace hearth::text
