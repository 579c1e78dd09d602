#include "app/io/mapping_failure.h"

#include <unistd.h>

#include <atomic>
#include <csignal>
#include <string_view>

#include "app/exit_code.h"
#include "app/io/terminal.h"

namespace hearth::app {
namespace {

constexpr std::string_view kWords =
    "\nhearth: error: a file of the model could not be read any more: it was changed or cut off "
    "while it was in use, or its disk failed. Put the file back (or wait until its download is "
    "complete) and start again; files in use can be replaced under their name, but not written "
    "to\n";

std::atomic_flag told;

/// Nothing but what signal handlers may do. Several threads may come here at once.
void on_bus_error(int) {
  while (told.test_and_set()) ::pause();
  std::string_view left = kWords;
  while (!left.empty()) {
    const ssize_t written = ::write(STDERR_FILENO, left.data(), left.size());
    if (written <= 0) break;
    left.remove_prefix(static_cast<std::size_t>(written));
  }
  show_typing();
  ::_exit(static_cast<int>(ExitCode::kModel));
}

}  // namespace

void tell_mapping_failures() {
  struct sigaction action {};
  action.sa_handler = on_bus_error;
  sigemptyset(&action.sa_mask);
  sigaction(SIGBUS, &action, nullptr);
}

}  // namespace hearth::app
