#include "app/io/terminal.h"

#include <langinfo.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <atomic>
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

namespace {

// For show_typing(): written while `hidden_on` is -1, read by signal handlers while it is not.
struct termios shown_before;
std::atomic<int> hidden_on{-1};
static_assert(std::atomic<int>::is_always_lock_free);

}  // namespace

void show_typing() {
  if (const int descriptor = hidden_on.load(); descriptor >= 0) {
    ::tcsetattr(descriptor, TCSANOW, &shown_before);
  }
}

TypingHidden::TypingHidden(int descriptor) : descriptor_(descriptor) {
  struct termios now {};
  if (::isatty(descriptor) != 1 || ::tcgetattr(descriptor, &now) != 0) return;
  before_ = now;
  shown_before = now;
  hidden_on = descriptor;
  now.c_lflag &= ~static_cast<tcflag_t>(ECHO);
  ::tcsetattr(descriptor, TCSADRAIN, &now);
}

TypingHidden::~TypingHidden() {
  if (!before_) return;
  ::tcsetattr(descriptor_, TCSADRAIN, &*before_);
  hidden_on = -1;
}

}  // namespace hearth::app
