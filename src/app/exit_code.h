// What the process returns, in one table: by kind of failure, and in words for --help and
// docs/cli.md.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace hearth::app {

enum class ExitCode {
  kOk = 0,
  kFailure = 1,
  kUsage = 2,
  kModel = 3,
  kContext = 4,
  kResources = 5,
  kInterrupted = 130,
  kBrokenPipe = 141,
  kTerminated = 143,
};

struct ExitCodeRow {
  ExitCode code;
  std::string_view meaning;
};

std::span<const ExitCodeRow> exit_code_table();

ExitCode exit_code_for(ErrorCode code);

/// The table as lines "  2  wrong flags ...", for --help.
std::string exit_codes_text();

}  // namespace hearth::app
