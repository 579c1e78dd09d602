// Model files are mapped: what goes wrong while they are read comes as a signal.
#pragma once

namespace hearth::app {

/// From now on a SIGBUS (a mapped file became shorter, or its disk failed) is told on standard
/// error and ends the process with the exit code for models. Call once, from the main thread.
void tell_mapping_failures();

}  // namespace hearth::app
