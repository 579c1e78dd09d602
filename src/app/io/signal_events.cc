#include "app/io/signal_events.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>

#include "base/check.h"

namespace hearth::app {
namespace {

// Signal handlers may touch lock-free atomics only, and they need them to be global.
std::atomic<bool> cancelled_flag{false};
std::atomic<bool> interrupt_seen{false};
std::atomic<bool> redraw_seen{false};
std::atomic<int> ending_signal{0};
std::atomic<int> wake_writer{-1};
static_assert(std::atomic<bool>::is_always_lock_free && std::atomic<int>::is_always_lock_free);

constexpr std::array<int, 5> kTerminalSignals = {SIGINT, SIGTERM, SIGHUP, SIGWINCH, SIGCONT};
std::array<struct sigaction, kTerminalSignals.size()> before;
int wake_reader = -1;

void on_terminal_signal(int signal) {
  const int saved_errno = errno;
  if (signal == SIGWINCH || signal == SIGCONT) {
    redraw_seen.store(true);
  } else if (signal == SIGINT) {
    interrupt_seen.store(true);
    cancelled_flag.store(true);
  } else {
    if (ending_signal.exchange(signal) != 0) _exit(128 + signal);
    cancelled_flag.store(true);
  }
  // A full pipe wakes as well as one byte more.
  [[maybe_unused]] const ssize_t ignored = ::write(wake_writer.load(), "", 1);
  errno = saved_errno;
}

}  // namespace

SignalEvents::SignalEvents() {
  std::array<int, 2> ends{};
  HEARTH_CHECK(wake_reader < 0 && ::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) == 0);
  wake_reader = ends[0];
  wake_writer.store(ends[1]);
  struct sigaction action {};
  action.sa_handler = on_terminal_signal;
  action.sa_flags = SA_RESTART;  // waiting happens in poll(), which a signal ends all the same
  sigemptyset(&action.sa_mask);
  for (std::size_t i = 0; i < kTerminalSignals.size(); ++i) {
    ::sigaction(kTerminalSignals[i], nullptr, &before[i]);
    if (before[i].sa_handler != SIG_IGN) ::sigaction(kTerminalSignals[i], &action, nullptr);
  }
}

SignalEvents::~SignalEvents() {
  for (std::size_t i = 0; i < kTerminalSignals.size(); ++i)
    ::sigaction(kTerminalSignals[i], &before[i], nullptr);
  ::close(wake_writer.exchange(-1));
  ::close(wake_reader);
  wake_reader = -1;
}

const std::atomic<bool>& SignalEvents::cancelled() const { return cancelled_flag; }

bool SignalEvents::take_interrupt() {
  if (ending_signal.load() == 0) cancelled_flag.store(false);
  return interrupt_seen.exchange(false);
}

bool SignalEvents::take_redraw() { return redraw_seen.exchange(false); }

std::optional<ExitCode> SignalEvents::ending() const {
  if (ending_signal.load() == 0) return std::nullopt;
  return ExitCode::kTerminated;
}

void SignalEvents::cancel() { cancelled_flag.store(true); }

bool SignalEvents::wait_readable(int descriptor) const {
  struct pollfd entries[] = {{descriptor, POLLIN, 0}, {wake_reader, POLLIN, 0}};
  for (;;) {
    if (cancelled_flag.load() || redraw_seen.load()) return false;
    if (::poll(entries, 2, -1) < 0) continue;  // the handler has run: look again
    if (entries[1].revents != 0) {
      char bytes[64];
      while (::read(wake_reader, bytes, sizeof bytes) > 0) {
      }
      continue;
    }
    if (entries[0].revents != 0) return true;
  }
}

}  // namespace hearth::app
