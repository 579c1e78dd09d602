// genai_config.json and generation_config.json as the release's builder writes them.
#pragma once

#include <string>

#include "onnx/decoder_config.h"

namespace hearth::onnx {

/// For a graph that DecoderPlan builds from `config`. For phi_4_mini() equal to the published file.
std::string genai_config_json(const DecoderConfig& config);

std::string generation_config_json(const DecoderConfig& config);

}  // namespace hearth::onnx
