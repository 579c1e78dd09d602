// This program once more, as a child whose memory and threads are its own.
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "base/result.h"

namespace hearth::app {

struct ChildOutcome {
  int exit_code = 0;   ///< 128 + N where signal N ended it
  std::string output;  ///< its standard output
};

/// Runs this program with these arguments to its end; standard input is /dev/null, standard error
/// this process's own. When `cancelled` is raised the child gets a SIGTERM, also where this process
/// was started with that ignored. kIo when it cannot be started, kCorrupt when it writes more than
/// 64 MiB.
Result<ChildOutcome> run_child(const std::vector<std::string>& arguments,
                               const std::atomic<bool>& cancelled);

/// To be called first of all: where this process was started by run_child(), it ends when the other
/// does, also when that is killed.
void end_with_parent();

}  // namespace hearth::app
