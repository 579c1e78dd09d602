// Reading config.json: Hugging Face's keys, and what each family of models means by leaving one
// out.
#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "base/json_reader.h"
#include "onnx/decoder_config.h"
#include "onnx/decoder_config_parts.h"
#include "onnx/rotary_tables.h"

namespace hearth::onnx {
namespace {

/// Bounds of single values; parse_decoder_config's documentation refers to them.
constexpr std::int64_t kWidthMax = 65536;
constexpr std::int64_t kVocabMax = std::int64_t{1} << 24;
constexpr std::int64_t kPositionsMax = std::int64_t{1} << 22;

/// What a model's type says that its config.json may leave out: the defaults of Hugging Face's
/// configuration classes, and what is part of the architecture and has no key.
struct Family {
  std::string_view model_type;
  std::string_view architecture;
  std::int64_t kv_heads;  ///< 0: as many as query heads
  std::int64_t head_dim;  ///< 0: hidden size / query heads
  double rms_norm_eps;
  bool has_window;              ///< reads sliding_window at all
  std::int64_t sliding_window;  ///< where the key is left out; 0: none
  bool window_has_switch;       ///< use_sliding_window, off when it is left out
  std::int64_t full_layers;     ///< with the switch: max_window_layers
  bool qkv_bias;
  bool qk_norm;
};

constexpr std::array<Family, 5> kFamilies = {{
    {"phi3", "Phi3ForCausalLM", 0, 0, 1e-5, true, 0, false, 0, false, false},
    {"llama", "LlamaForCausalLM", 0, 0, 1e-6, false, 0, false, 0, false, false},
    {"mistral", "MistralForCausalLM", 8, 0, 1e-6, true, 4096, false, 0, false, false},
    {"qwen2", "Qwen2ForCausalLM", 32, 0, 1e-6, true, 4096, true, 28, true, false},
    {"qwen3", "Qwen3ForCausalLM", 32, 128, 1e-6, true, 4096, true, 28, false, true},
}};

/// The family of a model type; Phi-3's, which has the plainest, for a type that is not known.
const Family& family_of(std::string_view model_type) {
  const auto found = std::find_if(kFamilies.begin(), kFamilies.end(), [&](const Family& family) {
    return family.model_type == model_type;
  });
  return found == kFamilies.end() ? kFamilies.front() : *found;
}

bool is_given(const JsonReader& reader, std::string_view key) {
  const auto found = reader.json().find(key);
  return found != reader.json().end() && !found->is_null();
}

Result<std::vector<double>> read_factors(const JsonReader& scaling, const std::string& key) {
  const auto found = scaling.json().find(key);
  std::vector<double> factors;
  if (found != scaling.json().end() && found->is_array()) {
    for (const Json& factor : *found) {
      if (!factor.is_number()) break;
      factors.push_back(factor.get<double>());
    }
  }
  if (factors.empty() || factors.size() != found->size()) {
    return fail(ErrorCode::kInvalidArgument, scaling.where(key) + " must be a list of numbers");
  }
  return factors;
}

Result<void> read_long_rope(const JsonReader& reader, const JsonReader& scaling,
                            DecoderConfig& config) {
  HEARTH_TRY(config.short_factor, read_factors(scaling, "short_factor"));
  HEARTH_TRY(config.long_factor, read_factors(scaling, "long_factor"));
  if (!is_given(reader, "original_max_position_embeddings")) {
    HEARTH_TRY(config.original_max_position_embeddings,
               scaling.integer("original_max_position_embeddings", 1, kPositionsMax));
  }
  for (const char* key : {"short_mscale", "long_mscale"}) {
    if (is_given(scaling, key)) {
      return fail(ErrorCode::kUnsupported, scaling.where(key) + " cannot be built");
    }
  }
  const double magnitude = rotary_magnitude(config);
  HEARTH_TRY(const double stated, scaling.number_or("attention_factor", magnitude, 0.0, 1e6));
  if (std::abs(stated - magnitude) > 1e-6) {
    return fail(ErrorCode::kUnsupported,
                scaling.where("attention_factor") + " is " + std::to_string(stated) +
                    "; only the factor that follows from the lengths can be built, " +
                    std::to_string(magnitude));
  }
  return {};
}

Result<void> read_llama3(const JsonReader& scaling, FrequencyScaling& out) {
  out.kind = FrequencyScaling::Kind::kLlama3;
  HEARTH_TRY(out.factor, scaling.number("factor", 1.0, 1e4));
  HEARTH_TRY(out.low_freq_factor, scaling.number("low_freq_factor", 1e-3, 1e4));
  HEARTH_TRY(out.high_freq_factor, scaling.number("high_freq_factor", 1e-3, 1e4));
  HEARTH_TRY(out.original_positions,
             scaling.integer("original_max_position_embeddings", 1, kPositionsMax));
  if (out.high_freq_factor <= out.low_freq_factor) {
    return fail(ErrorCode::kInvalidArgument,
                scaling.where("high_freq_factor") + " must exceed low_freq_factor");
  }
  return {};
}

/// `rope` is the object that holds rope_scaling's keys.
Result<void> read_scaling(const JsonReader& reader, const JsonReader& rope, DecoderConfig& config) {
  HEARTH_TRY(const std::string old_key, rope.string_or("type", "default"));
  HEARTH_TRY(const std::string type, rope.string_or("rope_type", old_key));
  if (type == "default") return {};
  if (type == "longrope" || type == "su") return read_long_rope(reader, rope, config);
  if (type == "llama3") return read_llama3(rope, config.scaling);
  if (type == "linear") {
    config.scaling.kind = FrequencyScaling::Kind::kLinear;
    HEARTH_TRY(config.scaling.factor, rope.number("factor", 1.0, 1e4));
    return {};
  }
  return fail(ErrorCode::kUnsupported,
              rope.where("type") + " is '" + type +
                  "'; 'longrope', 'llama3' and 'linear' are those this builder knows");
}

/// Two places of one file say different things, so that one of them is wrong.
tl::unexpected<Error> contradiction(const std::string& one, const std::string& says,
                                    const std::string& other, const std::string& other_says) {
  return fail(ErrorCode::kInvalidArgument, one + " is " + says + ", but " + other + " is " +
                                               other_says +
                                               "; only one of them can be right: correct the file");
}

/// A number that older files have at the top and newer ones in `inner`; both may have it when they
/// agree.
Result<double> read_at_either(const JsonReader& top, const JsonReader& inner,
                              const std::string& key, double fallback, double min, double max) {
  HEARTH_TRY(const double old, top.number_or(key, fallback, min, max));
  HEARTH_TRY(const double value, inner.number_or(key, old, min, max));
  if (value == old || !is_given(top, key)) return value;
  return contradiction(inner.where(key), inner.json()[key].dump(), top.where(key),
                       top.json()[key].dump());
}

/// What the kind of scaling is called in this object; null where it is not said.
Json scaling_type(const Json& rope) {
  for (const char* key : {"rope_type", "type"}) {
    const auto found = rope.find(key);
    if (found != rope.end() && !found->is_null()) return *found == "su" ? Json("longrope") : *found;
  }
  return nullptr;
}

/// rope_parameters with what only rope_scaling says, which it takes the place of.
Result<Json> joined_scaling(const JsonReader& newer, const JsonReader& older) {
  Json joined = newer.json();
  const Json type = scaling_type(newer.json());
  const Json old_type = scaling_type(older.json());
  if (!type.is_null() && !old_type.is_null() && type != old_type) {
    return contradiction(newer.where("rope_type"), type.dump(), older.where("rope_type"),
                         old_type.dump());
  }
  if (!old_type.is_null()) joined["rope_type"] = old_type;
  for (const auto& [key, value] : older.json().items()) {
    if (key == "rope_type" || key == "type" || value.is_null()) continue;
    if (!is_given(newer, key)) {
      joined[key] = value;
    } else if (joined[key] != value) {
      return contradiction(newer.where(key), joined[key].dump(), older.where(key), value.dump());
    }
  }
  return joined;
}

/// Published files have rope_theta and rope_scaling; newer ones one object rope_parameters, and
/// some have both.
Result<void> read_rope(const JsonReader& reader, const std::string& source, DecoderConfig& config) {
  const bool newer = is_given(reader, "rope_parameters");
  const bool older = is_given(reader, "rope_scaling");
  HEARTH_TRY(const JsonReader inner, newer ? reader.object("rope_parameters") : reader);
  HEARTH_TRY(config.rope_theta, read_at_either(reader, inner, "rope_theta", 10000.0, 1.0, 1e9));
  HEARTH_TRY(config.partial_rotary_factor,
             read_at_either(reader, inner, "partial_rotary_factor", 1.0, 0.01, 1.0));
  if (!older) return newer ? read_scaling(reader, inner, config) : Result<void>();
  HEARTH_TRY(const JsonReader scaling, reader.object("rope_scaling"));
  if (!newer) return read_scaling(reader, scaling, config);
  Json whole = Json::object();
  HEARTH_TRY(whole["rope_parameters"], joined_scaling(inner, scaling));
  HEARTH_TRY(const JsonReader joined, JsonReader(whole, source).object("rope_parameters"));
  return read_scaling(reader, joined, config);
}

Result<void> read_sizes(const JsonReader& reader, const Family& family, DecoderConfig& config) {
  HEARTH_TRY(config.hidden_size, reader.integer("hidden_size", 16, kWidthMax));
  HEARTH_TRY(config.intermediate_size, reader.integer("intermediate_size", 16, 4 * kWidthMax));
  HEARTH_TRY(config.layers, reader.integer("num_hidden_layers", 1, kDecoderLayersMax));
  HEARTH_TRY(config.heads, reader.integer("num_attention_heads", 1, kWidthMax));
  const std::int64_t kv_heads = family.kv_heads == 0 ? config.heads : family.kv_heads;
  HEARTH_TRY(config.kv_heads, reader.integer_or("num_key_value_heads", kv_heads, 1, config.heads));
  if (config.kv_heads > config.heads) {
    return fail(ErrorCode::kInvalidArgument,
                reader.where("num_key_value_heads") + " is not given; for this model type it is " +
                    std::to_string(kv_heads) + ", more than num_attention_heads");
  }
  const std::int64_t head_dim =
      family.head_dim == 0 ? config.hidden_size / config.heads : family.head_dim;
  HEARTH_TRY(config.head_dim, reader.integer_or("head_dim", head_dim, 0, kWidthMax));
  HEARTH_TRY(config.vocab_size, reader.integer("vocab_size", 2, kVocabMax));
  HEARTH_TRY(config.max_position_embeddings,
             reader.integer("max_position_embeddings", 1, kPositionsMax));
  HEARTH_TRY(config.original_max_position_embeddings,
             reader.integer_or("original_max_position_embeddings", config.max_position_embeddings,
                               1, kPositionsMax));
  return {};
}

Result<void> read_tokens(const JsonReader& reader, DecoderConfig& config) {
  const std::int64_t last = config.vocab_size - 1;
  HEARTH_TRY(config.eos_token_ids, reader.integers("eos_token_id", 0, last));
  if (config.eos_token_ids.empty()) config.eos_token_ids = {last};
  HEARTH_TRY(config.bos_token_id,
             reader.integer_or("bos_token_id", config.eos_token_ids.back(), 0, last));
  // -1 stands for "none" in older files.
  HEARTH_TRY(config.pad_token_id,
             reader.integer_or("pad_token_id", config.eos_token_ids.back(), -1, last));
  if (config.pad_token_id < 0) config.pad_token_id = config.eos_token_ids.back();
  return {};
}

/// The layers from the first that see everything. Newer files list what each layer is, which then
/// counts instead of max_window_layers.
Result<std::int64_t> read_full_layers(const JsonReader& reader, const Family& family,
                                      const DecoderConfig& config) {
  if (!family.window_has_switch) return 0;
  if (!is_given(reader, "layer_types")) {
    return reader.integer_or("max_window_layers", family.full_layers, 0, kPositionsMax);
  }
  const Json& types = reader.json().at("layer_types");
  const std::size_t layers = types.is_array() ? types.size() : 0;
  std::size_t full = 0;
  while (full < layers && types.at(full) == "full_attention") ++full;
  std::size_t known = full;
  while (known < layers && types.at(known) == "sliding_attention") ++known;
  if (known == layers && static_cast<std::int64_t>(layers) == config.layers) {
    return static_cast<std::int64_t>(full);
  }
  return fail(ErrorCode::kUnsupported,
              reader.where("layer_types") + " is not full_attention for the first of " +
                  std::to_string(config.layers) +
                  " layers and sliding_attention for the others; other mixtures cannot be built");
}

/// A window that cannot matter is left out, with a note.
Result<void> read_window(const JsonReader& reader, const Family& family, DecoderConfig& config,
                         std::vector<std::string>& notes) {
  bool used = family.has_window;
  if (family.window_has_switch) {
    HEARTH_TRY(used, reader.boolean_or("use_sliding_window", false));
  }
  std::int64_t window = family.sliding_window;
  if (reader.json().contains("sliding_window")) {  // null is "none", not the default
    HEARTH_TRY(window, reader.integer_or("sliding_window", 0, 0, std::int64_t{1} << 40));
  }
  if (window == 0) return {};
  const std::string said = reader.where("sliding_window") + " is " + std::to_string(window);
  if (!used) {
    if (is_given(reader, "sliding_window")) {
      notes.push_back(said +
                      (family.has_window ? ", which use_sliding_window leaves unused"
                                         : ", which models of this type do not read") +
                      ": attention sees everything");
    }
    return {};
  }
  if (window >= config.max_position_embeddings) {
    notes.push_back(said + ", no shorter than max_position_embeddings (" +
                    std::to_string(config.max_position_embeddings) +
                    "), so it is left out: attention sees everything");
    return {};
  }
  HEARTH_TRY(const std::int64_t full, read_full_layers(reader, family, config));
  if (full >= config.layers) {
    notes.push_back(said + ", for layers from the " + std::to_string(full + 1) +
                    "th on, which there are none of: attention sees everything");
    return {};
  }
  config.sliding_window = window;
  config.full_layers = full;
  return {};
}

/// Keys of Hugging Face's that change the graph in ways the builder does not know.
Result<void> refuse_what_cannot_be_built(const JsonReader& reader, const GraphSwitches& switches) {
  HEARTH_TRY(const std::string activation, reader.string_or("hidden_act", "silu"));
  if (activation != "silu") {
    return fail(ErrorCode::kUnsupported,
                reader.where("hidden_act") + " is \"" + activation + "\"; only silu can be built");
  }
  HEARTH_TRY(const bool bias, reader.boolean_or("attention_bias", false));
  if (bias && !switches.qkv_bias) {
    return fail(ErrorCode::kUnsupported,
                reader.where("attention_bias") +
                    " is true; a bias on q, k and v alone can be built: say so with "
                    "\"hearth_synth\": {\"qkv_bias\": true}");
  }
  for (const char* key : {"mlp_bias", "lm_head_bias"}) {
    HEARTH_TRY(const bool given, reader.boolean_or(key, false));
    if (given) {
      return fail(ErrorCode::kUnsupported, reader.where(key) + " is true and cannot be built");
    }
  }
  if (is_given(reader, "quantization_config")) {
    return fail(ErrorCode::kUnsupported,
                reader.where("quantization_config") +
                    ": the weights are quantised already; take the release in bfloat16 or float");
  }
  return {};
}

}  // namespace

Result<void> check_known_family(const DecoderConfig& config, std::string_view source) {
  const Family& family = family_of(config.model_type);
  std::string known;
  for (const Family& row : kFamilies) {
    known += (known.empty() ? "" : ", ") + std::string(row.model_type);
  }
  if (family.model_type != config.model_type) {
    return fail(ErrorCode::kUnsupported, std::string(source) + ": model_type is '" +
                                             config.model_type + "'; models of the types " + known +
                                             " can be built");
  }
  if (family.architecture != config.architecture) {
    return fail(ErrorCode::kUnsupported, std::string(source) + ": architectures names '" +
                                             config.architecture + "'; for the model type '" +
                                             config.model_type + "', '" +
                                             std::string(family.architecture) + "' can be built");
  }
  return {};
}

Result<DecoderConfig> parse_decoder_config(std::string_view text, std::string_view source,
                                           std::vector<std::string>* notes) {
  HEARTH_TRY(const Json json, parse_json(text, source));
  const JsonReader reader(json, std::string(source));
  if (!json.is_object()) {
    return fail(ErrorCode::kInvalidArgument, std::string(source) + " must be a JSON object");
  }
  DecoderConfig config;
  HEARTH_TRY(config.model_type, reader.string_or("model_type", config.model_type));
  const Family& family = family_of(config.model_type);
  if (const auto names = json.find("architectures"); names != json.end()) {
    if (!names->is_array() || names->size() != 1 || !names->front().is_string()) {
      return fail(ErrorCode::kInvalidArgument,
                  reader.where("architectures") + " must be a list of one name");
    }
    config.architecture = names->front().get<std::string>();
  }
  config.switches.qkv_bias = family.qkv_bias;
  config.switches.qk_norm = family.qk_norm;
  HEARTH_TRY_VOID(read_sizes(reader, family, config));
  HEARTH_TRY(config.rms_norm_eps,
             reader.number_or("rms_norm_eps", family.rms_norm_eps, 1e-12, 0.1));
  HEARTH_TRY(config.tie_word_embeddings, reader.boolean_or("tie_word_embeddings", false));
  HEARTH_TRY_VOID(read_rope(reader, std::string(source), config));
  HEARTH_TRY_VOID(read_tokens(reader, config));
  HEARTH_TRY_VOID(read_switches(reader, config.switches));
  HEARTH_TRY_VOID(refuse_what_cannot_be_built(reader, config.switches));
  std::vector<std::string> ignored;
  HEARTH_TRY_VOID(read_window(reader, family, config, notes == nullptr ? ignored : *notes));
  HEARTH_TRY_VOID(check_decoder_config(config, source));
  return config;
}

}  // namespace hearth::onnx
