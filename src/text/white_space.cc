#include "text/white_space.h"

#include "text/utf8.h"

namespace hearth::text {

std::size_t leading_white_space(std::string_view text) {
  std::size_t bytes = 0;
  while (bytes < text.size()) {
    const Utf8Step step = utf8_step(text.substr(bytes));
    if (!is_white_space(step.code_point)) break;
    bytes += step.length;
  }
  return bytes;
}

std::size_t trailing_white_space(std::string_view text) {
  std::size_t end = text.size();
  while (end > 0) {
    std::size_t begin = end - 1;
    while (begin > 0 && (static_cast<unsigned char>(text[begin]) & 0xC0) == 0x80) --begin;
    if (!is_white_space(utf8_step(text.substr(begin)).code_point)) break;
    end = begin;
  }
  return text.size() - end;
}

}  // namespace hearth::text
