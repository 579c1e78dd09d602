// A plain float64 forward pass of a decoder, written from the architecture alone: the oracle for
// built models.
#pragma once

#include <functional>
#include <vector>

#include "onnx/decoder_config.h"
#include "onnx/weight_source.h"

namespace hearth::onnx::testing {

using Matrix = std::vector<std::vector<double>>;  ///< [rows][columns]

/// Gives a weight whole (the head is always asked for as kLmHead); the test decides whether it
/// comes from a source or from a built file.
using WeightFn = std::function<Matrix(const WeightId&)>;

/// Logits [tokens][vocab] of one sequence computed in one go. `total_tokens` chooses the rotary
/// table of LongRoPE, and is tokens.size() unless a test wants otherwise.
Matrix reference_logits(const DecoderConfig& config, const WeightFn& weights,
                        const std::vector<std::int64_t>& tokens, std::size_t total_tokens);

}  // namespace hearth::onnx::testing
