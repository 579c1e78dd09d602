// Where on the screen's line the next character goes.
#pragma once

#include <string_view>

namespace hearth::app {

/// Follows the cursor through text that a terminal wraps at its width. Needs a UTF-8 locale.
class DisplayColumn {
 public:
  /// True when printing the text leaves the current line, or fills it: what is below it on the
  /// screen has to go first, since erasing from a full line takes its last character along.
  bool fills_line(std::string_view utf8, int width) const;

  /// The text is printed.
  void advance(std::string_view utf8, int width);

  /// The window changed; the column is not known before the next line begins.
  void lose() { known_ = false; }

  bool known() const { return known_; }

  /// The line is exactly full: the terminal is about to wrap, and moving the cursor away and back
  /// would lose that.
  bool about_to_wrap(int width) const { return column_ >= width; }

 private:
  bool known_ = true;
  int column_ = 0;
};

}  // namespace hearth::app
