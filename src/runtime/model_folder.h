// A model folder as released (genai_config.json, model.onnx with its data, tokenizer files),
// opened, checked against itself, and described. No weights are read and ONNX Runtime has not seen
// anything yet.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/token.h"
#include "onnx/decoder_graph.h"
#include "runtime/digest.h"
#include "text/chat_template.h"
#include "text/tokenizer.h"

namespace hearth::runtime {

/// How the model's makers want it sampled; absent values leave it to the caller.
struct SearchDefaults {
  bool do_sample = false;
  double temperature = 1.0;
  double top_p = 1.0;
  std::int64_t top_k = 0;
  double repetition_penalty = 1.0;
};

/// genai_config.json, typed. The file's search.max_length is deliberately not kept: it is the
/// model's whole context, and sizing a cache from it reserves tens of gigabytes.
struct GenaiConfig {
  std::string model_type;
  std::string model_file_name;  ///< a plain file name inside the folder
  std::int64_t context_length = 0;
  std::int64_t vocab_size = 0;
  std::int64_t head_size = 0;
  std::int64_t hidden_size = 0;
  std::int64_t num_attention_heads = 0;
  std::int64_t num_hidden_layers = 0;
  std::int64_t num_key_value_heads = 0;
  std::vector<TokenId> eos_token_ids;
  onnx::DecoderIoNames io;
  SearchDefaults search;
};

/// Errors name `source`, the key, and what was expected there.
Result<GenaiConfig> parse_genai_config(std::string_view text, std::string_view source);

/// What text needs of a model: nothing here depends on its weights.
struct ModelText {
  std::filesystem::path folder;
  std::string name;  ///< for people: the folder's name, or parent/name where that says little
  GenaiConfig config;
  std::vector<TokenId> stop_ids;  ///< of genai_config.json and generation_config.json together
  std::optional<text::Tokenizer> tokenizer;         ///< always there in an opened folder
  std::optional<text::ChatTemplate> chat_template;  ///< nothing when the folder has none
  std::string bos_token;
  std::string eos_token;
};

/// Invariant: configuration, graph and files agree in every number that two of them state.
struct ModelFolder : ModelText {
  std::filesystem::path model_file;
  Digest model_digest;  ///< of the model file's bytes
  onnx::DecoderGraphInfo graph;
  std::uint64_t size_bytes = 0;  ///< all files of the folder
};

/// kCorrupt when `tokenizer`, read from `source`, has ids that a model of `vocab_size` tokens does
/// not know.
Result<void> check_vocabulary(const text::Tokenizer& tokenizer, std::int64_t vocab_size,
                              const std::string& source);

/// Opens and checks a folder. Errors name the file, and for sizes the bytes expected and found:
/// kNotFound for missing files, kCorrupt for damaged ones, kUnsupported for models of other kinds.
/// What is made of the folder's files to open it faster is kept in it, or in `cache_folder` where
/// the folder cannot be written to (empty: nowhere).
Result<ModelFolder> open_model_folder(const std::filesystem::path& folder,
                                      const std::filesystem::path& cache_folder = {});

/// The same without the graph and its data, which need not be there: milliseconds instead of a look
/// at every weight. For counting tokens.
Result<ModelText> open_model_text(const std::filesystem::path& folder,
                                  const std::filesystem::path& cache_folder = {});

/// kUnsupported when the folder has no chat template.
Result<void> check_has_chat_template(const ModelText& model);

}  // namespace hearth::runtime
