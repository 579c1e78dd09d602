#include "base/terminal_text.h"

#include <cstddef>

namespace hearth {
namespace {

unsigned char byte_at(std::string_view text, std::size_t at) {
  return at < text.size() ? static_cast<unsigned char>(text[at]) : 0;
}

/// Bytes of the character that begins there; 0 where none does, as at a byte of another encoding.
std::size_t character_bytes(std::string_view utf8, std::size_t at) {
  const unsigned first = byte_at(utf8, at);
  const std::size_t bytes = first < 0x80   ? 1
                            : first < 0xC2 ? 0
                            : first < 0xE0 ? 2
                            : first < 0xF0 ? 3
                            : first < 0xF5 ? 4
                                           : 0;
  for (std::size_t i = 1; i < bytes; ++i) {
    if ((byte_at(utf8, at + i) & 0xC0) != 0x80) return 0;
  }
  return bytes;
}

/// C0 and DEL, and C1, which take two bytes.
bool is_control(std::string_view utf8, std::size_t at) {
  const unsigned first = byte_at(utf8, at);
  if (first == '\n' || first == '\t') return false;
  return first < 0x20 || first == 0x7F || (first == 0xC2 && byte_at(utf8, at + 1) < 0xA0);
}

}  // namespace

std::string for_terminal(std::string_view utf8) {
  std::string safe;
  for (std::size_t i = 0; i < utf8.size();) {
    const std::size_t bytes = character_bytes(utf8, i);
    if (bytes == 0 || is_control(utf8, i)) {
      safe += "\xEF\xBF\xBD";
    } else {
      safe += utf8.substr(i, bytes);
    }
    i += bytes == 0 ? 1 : bytes;
  }
  return safe;
}

}  // namespace hearth
