// The line that says how far writing a model is.
#pragma once

#include <atomic>

#include "onnx/decoder_builder.h"

namespace hearth::app {

/// Shows how far writing is, at most every hundredth, where standard error is a terminal; and ends
/// the writing when `cancelled` is raised (by guard_request()), so that nothing half-made is left
/// behind. `cancelled` must outlive what is returned.
onnx::ProgressFn writing_line(const std::atomic<bool>& cancelled);

}  // namespace hearth::app
