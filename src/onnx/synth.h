// A whole model folder in the released layout with reproducible random weights: the test material
// for everything that reads models, and the true-shape model for measurements.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include "base/result.h"
#include "onnx/decoder_builder.h"
#include "onnx/decoder_config.h"

namespace hearth::onnx {

struct SynthOptions {
  DecoderConfig config;
  Precision precision = Precision::kInt4;
  std::optional<std::int64_t> layers;  ///< instead of the configuration's
  std::uint64_t seed = 0;
  std::filesystem::path out_dir;
  int threads = 2;  ///< 1 to 64; the bytes do not depend on it
  ProgressFn progress;
};

enum class SynthOutcome {
  kWritten,
  kAlreadyThere,  ///< out_dir holds a complete folder made with the same options; nothing was done
};

/// Makes `out_dir`: model.onnx, model.onnx.data, genai_config.json, config.json,
/// generation_config.json, tokenizer.json, tokenizer_config.json, special_tokens_map.json,
/// added_tokens.json, vocab.json, merges.txt, and hearth_synth.json, which records the options.
/// Everything is written into a folder beside `out_dir` that takes its name at the end and is
/// removed on failure. kResourceExhausted, with both numbers, when the disk is too small;
/// kInvalidArgument when out_dir exists and is neither empty nor a former output with the same
/// options.
Result<SynthOutcome> synthesise(const SynthOptions& options);

}  // namespace hearth::onnx
