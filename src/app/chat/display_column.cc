#include "app/chat/display_column.h"

#include <wchar.h>

#include <algorithm>

namespace hearth::app {
namespace {

constexpr int kTabWidth = 8;

/// The code point at `at` of valid UTF-8, and its length in `bytes`.
char32_t code_point(std::string_view utf8, std::size_t at, std::size_t& bytes) {
  const auto byte = [&](std::size_t i) {
    return i < utf8.size() ? static_cast<unsigned char>(utf8[i]) : 0u;
  };
  const unsigned first = byte(at);
  bytes = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  char32_t value = first < 0x80 ? first : first & (0xFFu >> (bytes + 1));
  for (std::size_t i = 1; i < bytes; ++i) value = value << 6 | (byte(at + i) & 0x3F);
  return value;
}

/// The column after one character that stands at `column`.
int after(int column, char32_t c, int width) {
  if (c == '\n') return 0;
  if (column >= width) column = 0;  // the wrap that was waiting
  if (c == '\t') return std::min((column / kTabWidth + 1) * kTabWidth, width - 1);
  const int cells = std::max(0, ::wcwidth(static_cast<wchar_t>(c)));
  return column + cells > width ? cells : column + cells;
}

}  // namespace

bool DisplayColumn::fills_line(std::string_view utf8, int width) const {
  if (utf8.find('\n') != std::string_view::npos) return true;
  int column = column_;
  for (std::size_t i = 0, bytes = 0; i < utf8.size(); i += bytes) {
    const int next = after(column, code_point(utf8, i, bytes), width);
    if (next < column || next >= width) return true;
    column = next;
  }
  return column >= width;
}

void DisplayColumn::advance(std::string_view utf8, int width) {
  for (std::size_t i = 0, bytes = 0; i < utf8.size(); i += bytes) {
    const char32_t c = code_point(utf8, i, bytes);
    column_ = after(column_, c, width);
    if (c == '\n') known_ = true;
  }
}

}  // namespace hearth::app
