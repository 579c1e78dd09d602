// The two configuration files that generation reads.
#include "onnx/genai_config_writer.h"

#include <algorithm>
#include <cctype>

#include "base/json_reader.h"

namespace hearth::onnx {
namespace {

/// "Phi3ForCausalLM" is of the type "phi3".
std::string genai_type(const std::string& architecture) {
  std::string type = architecture.substr(0, architecture.find("For"));
  std::transform(type.begin(), type.end(), type.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return type;
}

OrderedJson eos_ids(const DecoderConfig& config) {
  if (config.eos_token_ids.size() == 1) return config.eos_token_ids.front();
  return config.eos_token_ids;
}

OrderedJson decoder_section(const DecoderConfig& config) {
  OrderedJson decoder;
  decoder["session_options"]["log_id"] = "onnxruntime-genai";
  decoder["session_options"]["provider_options"] = OrderedJson::array();
  decoder["filename"] = "model.onnx";
  decoder["head_size"] = config.head_dim;
  decoder["hidden_size"] = config.hidden_size;
  OrderedJson& inputs = decoder["inputs"];
  inputs["input_ids"] = "input_ids";
  inputs["attention_mask"] = "attention_mask";
  if (config.switches.position_ids) inputs["position_ids"] = "position_ids";
  inputs["past_key_names"] = "past_key_values.%d.key";
  inputs["past_value_names"] = "past_key_values.%d.value";
  OrderedJson& outputs = decoder["outputs"];
  outputs["logits"] = "logits";
  outputs["present_key_names"] = "present.%d.key";
  outputs["present_value_names"] = "present.%d.value";
  decoder["num_attention_heads"] = config.heads;
  decoder["num_hidden_layers"] = config.layers;
  decoder["num_key_value_heads"] = config.kv_heads;
  return decoder;
}

}  // namespace

std::string genai_config_json(const DecoderConfig& config) {
  OrderedJson json;
  OrderedJson& model = json["model"];
  model["bos_token_id"] = config.bos_token_id;
  model["context_length"] = config.max_position_embeddings;
  model["decoder"] = decoder_section(config);
  model["eos_token_id"] = eos_ids(config);
  model["pad_token_id"] = config.pad_token_id;
  model["type"] = genai_type(config.architecture);
  model["vocab_size"] = config.vocab_size;
  OrderedJson& search = json["search"];
  search["diversity_penalty"] = 0.0;
  search["do_sample"] = config.sampling.do_sample;
  search["early_stopping"] = true;
  search["length_penalty"] = 1.0;
  search["max_length"] = config.max_position_embeddings;
  search["min_length"] = 0;
  search["no_repeat_ngram_size"] = 0;
  search["num_beams"] = 1;
  search["num_return_sequences"] = 1;
  search["past_present_share_buffer"] = true;
  search["repetition_penalty"] = config.sampling.repetition_penalty;
  search["temperature"] = config.sampling.temperature;
  search["top_k"] = config.sampling.top_k;
  search["top_p"] = config.sampling.top_p;
  return json.dump(4);
}

std::string generation_config_json(const DecoderConfig& config) {
  OrderedJson json;
  json["_from_model_config"] = true;
  json["bos_token_id"] = config.bos_token_id;
  json["eos_token_id"] = eos_ids(config);
  json["pad_token_id"] = config.pad_token_id;
  json["transformers_version"] = "4.45.0";
  return json.dump(2);
}

}  // namespace hearth::onnx
