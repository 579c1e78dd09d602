// A model folder in words and as JSON.
#pragma once

#include <cstdint>
#include <string>

#include "base/json_reader.h"
#include "runtime/model_folder.h"

namespace hearth::app {

/// The precision that most matrices have, such as "int4 block 32".
std::string precision_in_words(const onnx::DecoderGraphInfo& graph);

/// Bytes of keys and values that one token of a conversation keeps in memory.
std::uint64_t cache_bytes_per_token(const onnx::DecoderGraphInfo& graph);

OrderedJson model_json(const runtime::ModelFolder& model);
std::string model_text(const runtime::ModelFolder& model);

}  // namespace hearth::app
