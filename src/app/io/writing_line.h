// The lines that say how far writing a model is, and what has to be worked out for it.
#pragma once

#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <functional>

#include "onnx/decoder_builder.h"

namespace hearth::app {

/// Shows how far writing is, at most every hundredth, where standard error is a terminal; and ends
/// the writing when `cancelled` is raised (by guard_request()), so that nothing half-made is left
/// behind. `cancelled` must outlive what is returned.
onnx::ProgressFn writing_line(const std::atomic<bool>& cancelled);

/// The same for the tokens of a calibration text that the model is run on `runs` times: whoever
/// waits for hours sees that it goes on. `descriptor` is where people read.
std::function<bool(std::size_t done, std::size_t total)> calibrating_line(
    const std::atomic<bool>& cancelled, std::size_t runs, int descriptor = STDERR_FILENO);

}  // namespace hearth::app
