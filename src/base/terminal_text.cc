#include "base/terminal_text.h"

#include <cstddef>

namespace hearth {
namespace {

/// Bytes of the control character that begins there: C0 and DEL take one, C1 take two; 0 for none.
std::size_t control_at(std::string_view utf8, std::size_t at) {
  const auto byte = static_cast<unsigned char>(utf8[at]);
  if (byte == '\n' || byte == '\t') return 0;
  if (byte < 0x20 || byte == 0x7F) return 1;
  if (byte != 0xC2 || at + 1 >= utf8.size()) return 0;
  const auto next = static_cast<unsigned char>(utf8[at + 1]);
  return next >= 0x80 && next < 0xA0 ? 2 : 0;
}

}  // namespace

std::string for_terminal(std::string_view utf8) {
  std::string safe;
  for (std::size_t i = 0; i < utf8.size();) {
    if (const std::size_t bytes = control_at(utf8, i); bytes > 0) {
      safe += "\xEF\xBF\xBD";
      i += bytes;
    } else {
      safe += utf8[i++];
    }
  }
  return safe;
}

}  // namespace hearth
