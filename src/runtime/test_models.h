// Small models for tests, made anew in a temporary folder.
#pragma once

#include <filesystem>
#include <string>

#include "base/test_folder.h"
#include "onnx/decoder_config.h"

namespace hearth::runtime {

/// Phi-4-mini's shape in small: 2 layers, 4 query and 2 key-value heads of 64, vocabulary 512, and
/// with `long_rope` two rotary tables that change places beyond 32 tokens.
onnx::DecoderConfig tiny_config(bool long_rope);

/// Synthesises `config` into `parent`/model and returns that folder; a failure fails the test.
std::filesystem::path make_model(const std::filesystem::path& parent,
                                 const onnx::DecoderConfig& config,
                                 onnx::Precision precision = onnx::Precision::kInt4);

/// tiny_config(true) with a model file so large that what is worked out from it is kept.
std::filesystem::path make_large_model(const std::filesystem::path& parent);

/// A tokenizer.json of sixteen letters and nothing else.
std::string letters_tokenizer_json();

/// A model whose attention is no known operator: every layer's cache is concatenated in the graph,
/// and the logits are a projection of the sum over the whole history. One layer, one head of 8,
/// vocabulary 16.
std::filesystem::path make_concatenating_model(const std::filesystem::path& parent);

}  // namespace hearth::runtime
