// Checking and writing decoder configurations.
#include "onnx/decoder_config.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <numbers>
#include <utility>

#include "base/file.h"
#include "base/json_reader.h"
#include "onnx/decoder_config_parts.h"
#include "onnx/quantise.h"

namespace hearth::onnx {
namespace {

constexpr std::array<std::pair<std::string_view, Precision>, 4> kPrecisions = {
    {{"int4", Precision::kInt4},
     {"int8", Precision::kInt8},
     {"fp16", Precision::kFp16},
     {"fp32", Precision::kFp32}}};

constexpr std::array<std::pair<const char*, bool GraphSwitches::*>, 6> kBoolSwitches = {
    {{"position_ids", &GraphSwitches::position_ids},
     {"fp16_io", &GraphSwitches::fp16_io},
     {"quantised_embedding", &GraphSwitches::quantised_embedding},
     {"qk_norm", &GraphSwitches::qk_norm},
     {"qkv_bias", &GraphSwitches::qkv_bias},
     {"asymmetric", &GraphSwitches::asymmetric}}};

constexpr std::array<std::pair<const char*, int GraphSwitches::*>, 2> kIntSwitches = {
    {{"block_size", &GraphSwitches::block_size},
     {"accuracy_level", &GraphSwitches::accuracy_level}}};

constexpr double kFactorMin = 1e-3;
constexpr double kFactorMax = 1e6;

}  // namespace

double FrequencyScaling::divisor(double frequency) const {
  if (kind == Kind::kNone) return 1.0;
  if (kind == Kind::kLinear) return factor;
  // Turns that the wave makes within the length the model was first trained on.
  const double turns = static_cast<double>(original_positions) * frequency / (2 * std::numbers::pi);
  if (turns > high_freq_factor) return 1.0;
  if (turns < low_freq_factor) return factor;
  const double kept = (turns - low_freq_factor) / (high_freq_factor - low_freq_factor);
  return 1.0 / ((1.0 - kept) / factor + kept);
}

Result<void> read_switches(const JsonReader& reader, GraphSwitches& switches) {
  if (!reader.has("hearth_synth")) return {};
  HEARTH_TRY(const JsonReader block, reader.object("hearth_synth"));
  for (const auto& [key, member] : kBoolSwitches) {
    HEARTH_TRY(switches.*member, block.boolean_or(key, switches.*member));
  }
  for (const auto& [key, member] : kIntSwitches) {
    HEARTH_TRY(const std::int64_t value, block.integer_or(key, switches.*member, 0, 65536));
    switches.*member = static_cast<int>(value);
  }
  for (const auto& [key, value] : block.json().items()) {
    const auto known = [&key = key](const auto& entry) { return key == entry.first; };
    if (std::none_of(kBoolSwitches.begin(), kBoolSwitches.end(), known) &&
        std::none_of(kIntSwitches.begin(), kIntSwitches.end(), known)) {
      return fail(ErrorCode::kInvalidArgument, block.where(key) + " is not a known switch");
    }
  }
  return {};
}

Result<Precision> parse_precision(std::string_view text) {
  for (const auto& [name, precision] : kPrecisions) {
    if (name == text) return precision;
  }
  return fail(ErrorCode::kInvalidArgument,
              "precision is '" + std::string(text) + "', expected int4, int8, fp16 or fp32");
}

std::string_view precision_name(Precision precision) {
  return kPrecisions[static_cast<std::size_t>(precision)].first;
}

DecoderConfig phi_4_mini() {
  DecoderConfig config;
  config.hidden_size = 3072;
  config.intermediate_size = 8192;
  config.layers = 32;
  config.heads = 24;
  config.kv_heads = 8;
  config.head_dim = 128;
  config.vocab_size = 200064;
  config.max_position_embeddings = 131072;
  config.original_max_position_embeddings = 4096;
  config.partial_rotary_factor = 0.75;
  config.short_factor.assign(48, 1.0);
  config.long_factor = {
      1,           1.118320672, 1.250641126, 1.398617824, 1.564103225, 1.74916897,  1.956131817,
      2.187582649, 2.446418898, 2.735880826, 3.059592084, 3.421605075, 3.826451687, 4.279200023,
      4.785517845, 5.351743533, 5.984965424, 6.693110555, 7.485043894, 8.370679318, 9.36110372,
      10.4687158,  11.70738129, 13.09260651, 14.64173252, 16.37415215, 18.31155283, 20.47818807,
      22.90118105, 25.61086418, 28.64115884, 32.03,       32.1,        32.13,       32.23,
      32.6,        32.61,       32.64,       32.66,       32.7,        32.71,       32.93,
      32.97,       33.28,       33.49,       33.5,        44.16,       47.77};
  config.bos_token_id = 199999;
  config.pad_token_id = 199999;
  config.eos_token_ids = {200020, 199999};
  return config;
}

Result<void> check_decoder_config(const DecoderConfig& config, std::string_view source) {
  const auto refuse = [&](const std::string& message) {
    return fail(ErrorCode::kInvalidArgument, std::string(source) + ": " + message);
  };
  const bool plain_name = !config.architecture.empty() &&
                          config.architecture.find("For") != std::string::npos &&
                          std::all_of(config.architecture.begin(), config.architecture.end(),
                                      [](unsigned char c) { return std::isalnum(c) != 0; });
  if (!plain_name) return refuse("architectures must name one like 'Phi3ForCausalLM'");
  if (config.heads % config.kv_heads != 0) {
    return refuse("num_attention_heads (" + std::to_string(config.heads) +
                  ") must be a multiple of num_key_value_heads (" +
                  std::to_string(config.kv_heads) + ")");
  }
  if (config.head_dim < 8 || config.head_dim % 8 != 0) {
    return refuse("head_dim (" + std::to_string(config.head_dim) + ") must be a multiple of 8");
  }
  if (config.rotary_dim() < 16 || config.rotary_dim() % 16 != 0) {
    return refuse("partial_rotary_factor rotates " + std::to_string(config.rotary_dim()) +
                  " dimensions of a head, which must be a multiple of 16");
  }
  if (config.original_max_position_embeddings > config.max_position_embeddings) {
    return refuse("original_max_position_embeddings exceeds max_position_embeddings");
  }
  const auto pairs = static_cast<std::size_t>(config.rotary_dim() / 2);
  for (const auto* factors : {&config.short_factor, &config.long_factor}) {
    const bool valid = std::all_of(factors->begin(), factors->end(), [](double factor) {
      return factor >= kFactorMin && factor <= kFactorMax;
    });
    if (!valid) return refuse("rope_scaling factors must be 0.001 to 1e6");
    if (config.has_long_rope() && factors->size() != pairs) {
      return refuse("rope_scaling factors must be " + std::to_string(pairs) + ", found " +
                    std::to_string(factors->size()));
    }
  }
  const QuantFormat format{4, config.switches.block_size};
  if (const auto checked = check_format(format); !checked) return refuse(checked.error().message);
  if (config.switches.accuracy_level < 0 || config.switches.accuracy_level > 4) {
    return refuse("accuracy_level must be 0 to 4");
  }
  return {};
}

Result<DecoderConfig> load_decoder_config(const std::string& name_or_path) {
  if (name_or_path == "phi-4-mini") return phi_4_mini();
  auto text = read_file(name_or_path, std::uint64_t{1} << 20);
  if (!text) {
    return fail(text.error().code,
                text.error().message + " (a config.json or the preset phi-4-mini was expected)");
  }
  return parse_decoder_config(*text, name_or_path);
}

std::string config_json(const DecoderConfig& config) {
  OrderedJson json;
  json["architectures"] = {config.architecture};
  json["attention_bias"] = config.switches.qkv_bias;
  json["bos_token_id"] = config.bos_token_id;
  if (config.eos_token_ids.size() == 1) {
    json["eos_token_id"] = config.eos_token_ids.front();
  } else {
    json["eos_token_id"] = config.eos_token_ids;
  }
  json["head_dim"] = config.head_dim;
  json["hidden_act"] = "silu";
  json["hidden_size"] = config.hidden_size;
  json["intermediate_size"] = config.intermediate_size;
  json["max_position_embeddings"] = config.max_position_embeddings;
  json["model_type"] = config.model_type;
  json["num_attention_heads"] = config.heads;
  json["num_hidden_layers"] = config.layers;
  json["num_key_value_heads"] = config.kv_heads;
  json["original_max_position_embeddings"] = config.original_max_position_embeddings;
  json["pad_token_id"] = config.pad_token_id;
  json["partial_rotary_factor"] = config.partial_rotary_factor;
  json["rms_norm_eps"] = config.rms_norm_eps;
  if (config.has_long_rope()) {
    json["rope_scaling"]["long_factor"] = config.long_factor;
    json["rope_scaling"]["short_factor"] = config.short_factor;
    json["rope_scaling"]["type"] = "longrope";
  } else if (config.scaling.kind == FrequencyScaling::Kind::kLinear) {
    json["rope_scaling"]["factor"] = config.scaling.factor;
    json["rope_scaling"]["rope_type"] = "linear";
  } else if (config.scaling.kind == FrequencyScaling::Kind::kLlama3) {
    json["rope_scaling"]["factor"] = config.scaling.factor;
    json["rope_scaling"]["high_freq_factor"] = config.scaling.high_freq_factor;
    json["rope_scaling"]["low_freq_factor"] = config.scaling.low_freq_factor;
    json["rope_scaling"]["original_max_position_embeddings"] = config.scaling.original_positions;
    json["rope_scaling"]["rope_type"] = "llama3";
  } else {
    json["rope_scaling"] = nullptr;
  }
  json["rope_theta"] = config.rope_theta;
  if (config.sliding_window > 0) {
    json["sliding_window"] = config.sliding_window;
    json["use_sliding_window"] = true;
    json["max_window_layers"] = config.full_layers;
  } else if (config.model_type == "mistral") {
    json["sliding_window"] = nullptr;  // left out it would mean 4096 for this type
  }
  json["tie_word_embeddings"] = config.tie_word_embeddings;
  json["vocab_size"] = config.vocab_size;
  OrderedJson switches;
  for (const auto& [key, member] : kBoolSwitches) switches[key] = config.switches.*member;
  for (const auto& [key, member] : kIntSwitches) switches[key] = config.switches.*member;
  json["hearth_synth"] = switches;
  return json.dump(2) + "\n";
}

}  // namespace hearth::onnx
