// A model folder in the released layout from a published one: safetensors in, ONNX out.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "onnx/decoder_builder.h"
#include "onnx/decoder_config.h"

namespace hearth::onnx {

struct BuildOptions {
  /// config.json, model.safetensors (or shards with their index), tokenizer.json, and what else of
  /// the tokenizer's files there is.
  std::filesystem::path from;
  Precision precision = Precision::kInt4;
  std::filesystem::path out_dir;
  int threads = 2;  ///< 1 to 64; the bytes do not depend on it
  ProgressFn progress;
  /// Told what is in tokenizer.json, and of how many tokens the model knows, before anything is
  /// written; its error is this one's. May be empty: then nobody looks at it.
  std::function<Result<void>(std::string_view text, std::string_view source,
                             std::int64_t vocab_size)>
      check_tokenizer;
};

struct BuildReport {
  std::uint64_t source_bytes = 0;   ///< of the safetensors files
  std::uint64_t written_bytes = 0;  ///< of model.onnx and model.onnx.data
  std::vector<std::string> notes;   ///< what config.json says and does not matter, for people
};

/// Makes `out_dir`: model.onnx, model.onnx.data, genai_config.json, the tokenizer's and licence
/// files of `from`, its config.json, and hearth_build.json, which records what it was made of.
/// Everything is checked before anything is written; then it is written into a folder beside
/// `out_dir` that takes its name at the end and is removed on failure. Memory stays below 100 MB
/// for each thread, whatever the model's size.
/// kNotFound, kCorrupt or kUnsupported, naming file and tensor or key, for what cannot be built;
/// kInvalidArgument when out_dir is not empty, or is a place that output_folder_is_free() refuses;
/// kResourceExhausted, with both numbers, when the disk is too small; kCancelled when `progress`
/// returned false.
Result<BuildReport> build_folder(const BuildOptions& options);

}  // namespace hearth::onnx
