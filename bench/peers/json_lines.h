// The side of a measured process that a benchmark talks to: a line of JSON in, a line of JSON out.
#pragma once

#include <functional>

#include "base/json_reader.h"
#include "base/result.h"

namespace hearth::bench {

/// Writes `greeting` (or its error), then answers the questions of standard input until it ends. An
/// error becomes {"error": message}. Returns the process's exit code.
int answer_lines(const Result<Json>& greeting,
                 const std::function<Result<Json>(const JsonReader& question)>& answer);

}  // namespace hearth::bench
