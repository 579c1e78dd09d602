// The lines of a file that holds one thing on each.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace hearth::eval {

/// Calls `read(line, where)` for every line that holds more than white space, until one fails;
/// `where` is "SOURCE: line N" for errors.
template <class Read>
Result<void> read_lines(std::string_view text, std::string_view source, Read&& read) {
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    HEARTH_TRY_VOID(read(line, std::string(source) + ": line " + std::to_string(number)));
  }
  return {};
}

}  // namespace hearth::eval
