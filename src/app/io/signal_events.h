// Signals of a conversation as events: Ctrl-C stops an answer or clears a line, but never the
// program.
#pragma once

#include <atomic>
#include <optional>

#include "app/exit_code.h"

namespace hearth::app {

/// While it lives, SIGINT, SIGTERM and SIGHUP raise cancelled() and wake whoever waits here;
/// SIGWINCH and SIGCONT only wake. A second SIGTERM or SIGHUP ends the process at once. Signals
/// that were ignored when the process started stay ignored. At most one at a time; the main thread.
class SignalEvents {
 public:
  SignalEvents();
  ~SignalEvents();
  SignalEvents(const SignalEvents&) = delete;
  SignalEvents& operator=(const SignalEvents&) = delete;

  /// For the request that runs. Stays raised until take_interrupt().
  const std::atomic<bool>& cancelled() const;

  /// True when Ctrl-C was pressed since the last call; cancelled() is lowered, unless the program
  /// is to end.
  bool take_interrupt();

  /// The window changed, or the process goes on after a stop, since the last call.
  bool take_redraw();

  /// kTerminated when the program was asked to end.
  std::optional<ExitCode> ending() const;

  /// Raises cancelled(), for a reader of standard output that went away.
  void cancel();

  /// Waits until the descriptor can be read (or is at its end). False when a signal came first.
  bool wait_readable(int descriptor) const;
};

}  // namespace hearth::app
