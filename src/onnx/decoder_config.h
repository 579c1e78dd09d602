// The sizes and switches a decoder graph is built from: Hugging Face's config.json, or a preset.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace hearth::onnx {

inline constexpr std::int64_t kDecoderLayersMax = 512;

enum class Precision { kInt4, kInt8, kFp16, kFp32 };

/// "int4", "int8", "fp16", "fp32"; anything else is kInvalidArgument with the allowed list.
Result<Precision> parse_precision(std::string_view text);
std::string_view precision_name(Precision precision);

/// Variants of the graph that other builders and options produce. All off is the released CPU
/// graph.
struct GraphSwitches {
  bool position_ids = false;  ///< a position_ids input, separate q/k/v, RotaryEmbedding nodes
  bool fp16_io = false;       ///< float16 activations, cache and logits; implied by fp16 precision
  bool quantised_embedding = false;  ///< GatherBlockQuantized; shares lm_head's bytes when tied
  bool qk_norm = false;              ///< norms over each head of q and k, before rotary
  bool qkv_bias = false;             ///< a bias on q, k and v
  bool asymmetric = false;           ///< zero points in the quantised matrices
  int block_size = 32;               ///< 16, 32, 64, 128 or 256
  int accuracy_level = 4;            ///< 0 (left out) to 4
};

/// How the frequencies of the rotary angles are stretched, the same for every length of a sequence
/// (LongRoPE, which changes with the length, has its own lists).
struct FrequencyScaling {
  enum class Kind {
    kNone,
    kLinear,  ///< every frequency divided by `factor`
    kLlama3,  ///< waves longer than original / low_freq_factor divided by `factor`, those shorter
              ///< than original / high_freq_factor left alone, a mixture between
  };

  Kind kind = Kind::kNone;
  double factor = 1.0;
  double low_freq_factor = 1.0;
  double high_freq_factor = 4.0;
  std::int64_t original_positions = 0;

  /// What `frequency` (radians a position) is divided by.
  double divisor(double frequency) const;
};

/// How the publisher would have answers chosen where nobody says otherwise.
struct SamplingDefaults {
  bool do_sample = false;
  double temperature = 1.0;
  double top_p = 1.0;
  std::int64_t top_k = 1;
  double repetition_penalty = 1.0;
};

/// A decoder of the Phi-3/Llama kind. Every field within the ranges that parse_decoder_config
/// names.
struct DecoderConfig {
  std::string architecture = "Phi3ForCausalLM";
  std::string model_type = "phi3";
  std::int64_t hidden_size = 0;
  std::int64_t intermediate_size = 0;
  std::int64_t layers = 0;
  std::int64_t heads = 0;
  std::int64_t kv_heads = 0;
  std::int64_t head_dim = 0;
  std::int64_t vocab_size = 0;
  std::int64_t max_position_embeddings = 0;
  std::int64_t original_max_position_embeddings = 0;
  double partial_rotary_factor = 1.0;
  double rope_theta = 10000.0;
  double rms_norm_eps = 1e-5;
  std::vector<double> short_factor;  ///< LongRoPE's, rotary_dim() / 2 each; both empty without it
  std::vector<double> long_factor;
  FrequencyScaling scaling;  ///< none with LongRoPE
  /// Keys that a row sees, itself included; 0: all. Less than max_position_embeddings.
  std::int64_t sliding_window = 0;
  std::int64_t full_layers = 0;  ///< with a window: so many layers from the first see everything
  bool tie_word_embeddings = true;
  std::int64_t bos_token_id = 0;
  std::int64_t pad_token_id = 0;
  std::vector<std::int64_t> eos_token_ids;
  SamplingDefaults sampling;
  GraphSwitches switches;

  bool has_long_rope() const { return !long_factor.empty(); }
  /// Dimensions of a head that are rotated.
  std::int64_t rotary_dim() const {
    return static_cast<std::int64_t>(partial_rotary_factor * static_cast<double>(head_dim));
  }
  std::int64_t query_width() const { return heads * head_dim; }
  std::int64_t kv_width() const { return kv_heads * head_dim; }
  /// Of one layer; 0: it sees everything.
  std::int64_t window_of(std::int64_t layer) const {
    return layer < full_layers ? 0 : sliding_window;
  }
};

/// microsoft/Phi-4-mini-instruct.
DecoderConfig phi_4_mini();

/// The model types whose config.json and weights are known: "phi3", "llama", "mistral", "qwen2" and
/// "qwen3". kUnsupported, with this list, for another, and for an architecture that is not the
/// type's decoder with a language head.
Result<void> check_known_family(const DecoderConfig& config, std::string_view source);

/// Reads the text of a config.json: Hugging Face's keys with the defaults that the model's type
/// gives them, and an optional object "hearth_synth" with the GraphSwitches by name. Keys that
/// change the arithmetic in a way that cannot be built (other activations, biases and kinds of rope
/// scaling, quantised weights) are kUnsupported; other unknown keys of Hugging Face's are ignored
/// (they describe training), unknown switches are errors. Every value is checked against its range
/// and against the others. What was left out because it cannot matter is added to `notes`.
Result<DecoderConfig> parse_decoder_config(std::string_view text, std::string_view source,
                                           std::vector<std::string>* notes = nullptr);

/// The same from a file; or a preset when `name_or_path` is the name of one ("phi-4-mini").
Result<DecoderConfig> load_decoder_config(const std::string& name_or_path);

/// config.json for the folder: parse_decoder_config reads it back to the same value.
std::string config_json(const DecoderConfig& config);

/// What parse_decoder_config checks, for configurations that came another way.
Result<void> check_decoder_config(const DecoderConfig& config, std::string_view source);

}  // namespace hearth::onnx
