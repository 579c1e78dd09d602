// What a conversation asks of the terminal it is on.
#pragma once

#include <termios.h>

#include <optional>

namespace hearth::app {

/// Columns of the terminal that the descriptor leads to; 0 when it is none, or one that knows no
/// cursor movement (TERM is dumb or not set).
int terminal_columns(int descriptor);

/// Makes text a matter of UTF-8 for the C library, whatever LANG says: widths of characters and
/// libedit depend on it. Call once, before threads exist.
void use_utf8_locale();

/// What TypingHidden's destructor does, for a process that ends without it. May be called from a
/// signal handler.
void show_typing();

/// While it lives, what is typed is not shown (an answer is being written) but kept for later.
/// One at a time.
class TypingHidden {
 public:
  explicit TypingHidden(int descriptor);
  ~TypingHidden();
  TypingHidden(const TypingHidden&) = delete;
  TypingHidden& operator=(const TypingHidden&) = delete;

 private:
  int descriptor_;
  std::optional<struct termios> before_;
};

}  // namespace hearth::app
