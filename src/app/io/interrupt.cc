#include "app/io/interrupt.h"

#include <unistd.h>

#include <array>
#include <csignal>

namespace hearth::app {
namespace {

// Signal handlers may touch lock-free atomics only, and they need them to be global.
std::atomic<bool> cancelled{false};
std::atomic<bool> guarded{false};
std::atomic<int> signal_seen{0};
static_assert(std::atomic<bool>::is_always_lock_free && std::atomic<int>::is_always_lock_free);

constexpr std::array<int, 3> kInterrupts = {SIGINT, SIGTERM, SIGHUP};

void on_interrupt(int signal) {
  if (!guarded.load()) _exit(128 + (signal == SIGINT ? SIGINT : SIGTERM));
  signal_seen.store(signal);
  cancelled.store(true);
}

}  // namespace

void install_interrupt_handlers() {
  struct sigaction action {};
  action.sa_handler = on_interrupt;
  sigemptyset(&action.sa_mask);
  for (const int signal : kInterrupts) {
    struct sigaction before {};
    // A process started with the signal ignored (nohup, a background job) keeps it ignored.
    if (sigaction(signal, nullptr, &before) == 0 && before.sa_handler == SIG_IGN) continue;
    sigaction(signal, &action, nullptr);
  }
  std::signal(SIGPIPE, SIG_IGN);
  // A file-size limit shows as an error of write(), which is reported, instead of an unexplained
  // end.
  std::signal(SIGXFSZ, SIG_IGN);
}

const std::atomic<bool>& guard_request() {
  struct sigaction action {};
  action.sa_handler = on_interrupt;
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  sigemptyset(&action.sa_mask);
  guarded.store(true);
  for (const int signal : kInterrupts) {
    struct sigaction before {};
    if (sigaction(signal, nullptr, &before) == 0 && before.sa_handler == SIG_IGN) continue;
    sigaction(signal, &action, nullptr);
  }
  return cancelled;
}

void cancel_request() { cancelled.store(true); }

std::optional<ExitCode> interrupted_by() {
  switch (signal_seen.load()) {
    case SIGINT:
      return ExitCode::kInterrupted;
    case SIGTERM:
    case SIGHUP:
      return ExitCode::kTerminated;
    default:
      return std::nullopt;
  }
}

}  // namespace hearth::app
