// Standard input as the task or its attachment: bounded, checked, and never waited for in vain.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/result.h"

namespace hearth::app {

struct InputLimits {
  std::uint64_t bytes_max = std::uint64_t{16} << 20;
  /// How long a pipe that stays silent is waited for when the input is optional.
  int first_byte_wait_ms = 3000;
};

struct PipedInput {
  std::string text;      ///< without one final line break; empty when there was nothing
  bool gave_up = false;  ///< a pipe was there, but nothing came in time
};

/// Reads `descriptor` to its end. A terminal, a closed descriptor and an empty file are no input.
/// With `needed` a pipe is waited for as long as it takes. kInvalidArgument when there is more than
/// bytes_max, or it is not UTF-8, naming the byte.
Result<PipedInput> read_piped_input(int descriptor, bool needed, const InputLimits& limits = {});

/// The same bytes joined to a task: the task, an empty line, the attachment.
std::string join_task(const std::string& task, const std::string& attachment);

}  // namespace hearth::app
