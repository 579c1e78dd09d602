// Ctrl-C, SIGTERM and SIGHUP: the first asks the running request to stop, the second ends the
// process.
#pragma once

#include <atomic>
#include <optional>

#include "app/exit_code.h"

namespace hearth::app {

/// Installs handlers for SIGINT, SIGTERM and SIGHUP (the terminal went away). Until guard_request()
/// the first signal ends the process at once with code 130, or 143 for the other two, because there
/// is nothing to save. A signal that was ignored when the process started stays ignored. SIGPIPE is
/// ignored from here on; writes report it as an error instead. Call once, from the main thread.
void install_interrupt_handlers();

/// From now on the first signal raises the flag that is returned, and the second one kills.
const std::atomic<bool>& guard_request();

/// Raises the same flag, for a reader of standard output that went away.
void cancel_request();

/// Which signal asked to stop: kInterrupted, or kTerminated for SIGTERM and SIGHUP; nothing
/// when none did.
std::optional<ExitCode> interrupted_by();

}  // namespace hearth::app
