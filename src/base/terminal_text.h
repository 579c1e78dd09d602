// What may be sent to a screen at all.
#pragma once

#include <string>
#include <string_view>

namespace hearth {

/// The UTF-8 text without control characters other than line break and tab: what a model, a file or
/// its name says must not be able to command the terminal. Each becomes U+FFFD, and so does each
/// byte that is no UTF-8: to some terminals it is a control character.
std::string for_terminal(std::string_view utf8);

}  // namespace hearth
