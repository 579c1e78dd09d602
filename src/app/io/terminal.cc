#include "app/io/terminal.h"

#include <langinfo.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <clocale>
#include <cstdlib>
#include <string_view>

namespace hearth::app {

int terminal_columns(int descriptor) {
  constexpr int kUsual = 80;
  const char* const kind = std::getenv("TERM");  // NOLINT(concurrency-mt-unsafe): nobody sets it
  if (::isatty(descriptor) != 1 || kind == nullptr || *kind == '\0') return 0;
  if (std::string_view(kind) == "dumb") return 0;
  struct winsize size {};
  if (::ioctl(descriptor, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return kUsual;
  return size.ws_col;
}

void use_utf8_locale() {
  std::setlocale(LC_CTYPE, "");  // NOLINT(concurrency-mt-unsafe): before threads exist
  // NOLINTNEXTLINE(concurrency-mt-unsafe): before threads exist, too
  if (std::string_view(::nl_langinfo(CODESET)) == "UTF-8") return;
  std::setlocale(LC_CTYPE, "C.UTF-8");  // NOLINT(concurrency-mt-unsafe)
}

TypingHidden::TypingHidden(int descriptor) : descriptor_(descriptor) {
  struct termios now {};
  if (::isatty(descriptor) != 1 || ::tcgetattr(descriptor, &now) != 0) return;
  before_ = now;
  now.c_lflag &= ~static_cast<tcflag_t>(ECHO);
  ::tcsetattr(descriptor, TCSADRAIN, &now);
}

TypingHidden::~TypingHidden() {
  if (before_) ::tcsetattr(descriptor_, TCSADRAIN, &*before_);
}

}  // namespace hearth::app
