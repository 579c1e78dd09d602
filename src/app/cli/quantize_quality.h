// What quantisation cost in quality, measured by this program once more.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <string>

#include "base/json_reader.h"
#include "base/result.h"

namespace hearth::app {

struct QualityQuestion {
  std::filesystem::path source;  ///< folder of the weights as they were
  std::filesystem::path out;     ///< folder of the new ones
  std::filesystem::path text;    ///< what both predict; see EvaluationOptions::text
  bool cache_has_type = true;    ///< the new model's executor chooses how keys and values are kept
  std::uint64_t source_bytes = 0;  ///< sizes of the folders
  std::uint64_t out_bytes = 0;
};

/// The command that asks the same, for people.
std::string quality_command(const QualityQuestion& question);

/// Both models on the text, in a child, so that its memory is not this process's: "text" of what
/// `hearth eval --against` prints as JSON. kResourceExhausted, without an attempt, where the two
/// models would not fit into the memory that is free; kCancelled when `cancelled` was raised. What
/// goes wrong in the child it tells on standard error itself.
Result<OrderedJson> measure_quality(const QualityQuestion& question,
                                    const std::atomic<bool>& cancelled);

}  // namespace hearth::app
