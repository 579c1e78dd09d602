// Interpreter: runs a compiled template over its variables.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "text/jinja/ast.h"
#include "text/jinja/strftime.h"
#include "text/jinja/value.h"

namespace hearth::text::jinja {

/// Bounds of one run; see TemplateLimits.
struct RunLimits {
  std::size_t output_bytes_max = 0;
  std::size_t steps_max = 0;
};

/// Renders. Beside `variables` a template finds the functions of global_functions(). Errors name
/// the template and the line. Thread-safe: all state is the call's own.
Result<std::string> run(const Program& program,
                        std::vector<std::pair<std::string, Value>> variables,
                        const RunLimits& limits, const LocalClock& clock);

}  // namespace hearth::text::jinja
