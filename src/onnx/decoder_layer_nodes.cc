// One decoder layer: norms, projections, attention, MLP.
#include <cmath>

#include "onnx/decoder_nodes.h"

namespace hearth::onnx {

using ::onnx::NodeProto;

std::string DecoderGraphBuilder::make_norm(const std::string& location, const WeightId& weight_id,
                                           std::string& hidden, const std::string& skip,
                                           bool is_last) {
  const std::string layer = std::to_string(layer_);
  const std::string path = "/model/layers." + layer + "/" + location + "_layernorm";
  const std::string weight = "model.layers." + layer + "." + location + "_layernorm.weight";
  make_vector(weight, {weight_id});
  const Shape shape{kBatch, kSequence, config_.hidden_size};
  std::string output = path + "/output_0";
  const auto epsilon = static_cast<float>(config_.rms_norm_eps);
  if (skip.empty()) {
    NodeProto& node = maker_.node("SimplifiedLayerNormalization", path + "/LayerNorm",
                                  {hidden, weight}, {output});
    set_float(node, "epsilon", epsilon);
    set_int(node, "axis", -1);
    set_int(node, "stash_type", 1);
    maker_.value(output, io_type_, shape);
    return output;
  }
  const std::string sum = path + "/output_3";
  const std::vector<std::string> outputs =
      is_last ? std::vector<std::string>{output} : std::vector<std::string>{output, "", "", sum};
  NodeProto& node = maker_.node("SkipSimplifiedLayerNormalization", path + "/SkipLayerNorm",
                                {hidden, skip, weight}, outputs, kMicrosoft);
  set_float(node, "epsilon", epsilon);
  maker_.value(output, io_type_, shape);
  if (!is_last) {
    maker_.value(sum, io_type_, shape);
    hidden = sum;
  }
  return output;
}

void DecoderGraphBuilder::make_layer(std::int64_t layer, std::string& hidden, std::string& skip) {
  layer_ = layer;
  const std::int64_t width = config_.hidden_size;
  const std::string attention_in =
      make_norm("input", layer_weight(WeightRole::kInputNorm, 1, width), hidden, skip, false);
  skip = make_attention(attention_in);
  const std::string mlp_in =
      make_norm("post_attention", layer_weight(WeightRole::kPostAttentionNorm, 1, width), hidden,
                skip, false);
  skip = make_mlp(mlp_in);
}

DecoderGraphBuilder::Projections DecoderGraphBuilder::make_projections(const std::string& path,
                                                                       const std::string& input) {
  const std::int64_t q = config_.query_width();
  const std::int64_t kv = config_.kv_width();
  const std::int64_t h = config_.hidden_size;
  const WeightId query = layer_weight(WeightRole::kQuery, q, h);
  const WeightId key = layer_weight(WeightRole::kKey, kv, h);
  const WeightId value = layer_weight(WeightRole::kValue, kv, h);
  const WeightId query_bias = layer_weight(WeightRole::kQueryBias, 1, q);
  const WeightId key_bias = layer_weight(WeightRole::kKeyBias, 1, kv);
  const WeightId value_bias = layer_weight(WeightRole::kValueBias, 1, kv);
  Projections out;
  if (packed_qkv()) {
    out.query = make_matmul(path + "/qkv_proj/MatMul", input, {query, key, value});
    if (config_.switches.qkv_bias) {
      out.query = make_bias(path + "/qkv_proj/Add", out.query, {query_bias, key_bias, value_bias});
    }
    return out;
  }
  out.query = make_matmul(path + "/q_proj/MatMul", input, {query});
  out.key = make_matmul(path + "/k_proj/MatMul", input, {key});
  out.value = make_matmul(path + "/v_proj/MatMul", input, {value});
  if (config_.switches.qkv_bias) {
    out.query = make_bias(path + "/q_proj/Add", out.query, {query_bias});
    out.key = make_bias(path + "/k_proj/Add", out.key, {key_bias});
    out.value = make_bias(path + "/v_proj/Add", out.value, {value_bias});
  }
  return out;
}

std::string DecoderGraphBuilder::make_head_norm(const std::string& path, const std::string& input,
                                                WeightRole role, std::int64_t heads) {
  const std::int64_t dim = config_.head_dim;
  const std::string weight = tensor_path(path) + ".layernorm.weight";
  make_vector(weight, {layer_weight(role, 1, dim)});
  // Two symbols: ONNX Runtime takes values of the same symbolic shape for equally large.
  const Shape by_head{
      kBatch,
      std::string("sequence_length * ") +
          (role == WeightRole::kQueryNorm ? "num_attention_heads" : "num_key_value_heads"),
      dim};
  const std::string split = maker_.simple(
      "Reshape", path + "/Reshape_1", {input, GraphMaker::list({0, -1, dim})}, io_type_, by_head);
  const std::string norm = path + "/SimplifiedLayerNormalization";
  NodeProto& node =
      maker_.node("SimplifiedLayerNormalization", norm, {split, weight}, {norm + "/output_0"});
  set_float(node, "epsilon", static_cast<float>(config_.rms_norm_eps));
  set_int(node, "axis", -1);
  set_int(node, "stash_type", 1);
  maker_.value(norm + "/output_0", io_type_, by_head);
  return maker_.simple("Reshape", path + "/Reshape_2",
                       {norm + "/output_0", GraphMaker::list({0, -1, heads * dim})}, io_type_,
                       {kBatch, kSequence, heads * dim});
}

std::string DecoderGraphBuilder::make_rotary(const std::string& path, const std::string& input,
                                             std::int64_t heads) {
  std::string output = path + "/output_0";
  NodeProto& node =
      maker_.node("RotaryEmbedding", path, {input, position_ids_, "cos_cache", "sin_cache"},
                  {output}, kMicrosoft);
  const bool whole = config_.rotary_dim() == config_.head_dim;
  set_int(node, "interleaved", 0);
  set_int(node, "num_heads", whole ? 0 : heads);
  set_int(node, "rotary_embedding_dim", whole ? 0 : config_.rotary_dim());
  maker_.value(output, io_type_, {kBatch, kSequence, heads * config_.head_dim});
  return output;
}

std::string DecoderGraphBuilder::make_attention(const std::string& input) {
  const std::string path = "/model/layers." + std::to_string(layer_) + "/attn";
  Projections in = make_projections(path, input);
  if (config_.switches.qk_norm) {
    in.query = make_head_norm(path + "/q_norm", in.query, WeightRole::kQueryNorm, config_.heads);
    in.key = make_head_norm(path + "/k_norm", in.key, WeightRole::kKeyNorm, config_.kv_heads);
  }
  if (!config_.has_long_rope() && layer_ == 0) make_external_caches(RotaryTable::kPlain);
  const bool rotary_inside = !config_.switches.position_ids;
  if (!rotary_inside) {
    in.query = make_rotary(path + "/q_rotary/RotaryEmbedding", in.query, config_.heads);
    in.key = make_rotary(path + "/k_rotary/RotaryEmbedding", in.key, config_.kv_heads);
  }
  const std::string past = "past_key_values." + std::to_string(layer_);
  const std::string present = "present." + std::to_string(layer_);
  const std::string name = path + "/GroupQueryAttention";
  const std::string output = name + "/output_0";
  NodeProto& node = maker_.node(
      "GroupQueryAttention", name,
      {in.query, in.key, in.value, past + ".key", past + ".value", past_lengths_, total_length_,
       rotary_inside ? "cos_cache" : "", rotary_inside ? "sin_cache" : ""},
      {output, present + ".key", present + ".value"}, kMicrosoft);
  set_int(node, "num_heads", config_.heads);
  set_int(node, "kv_num_heads", config_.kv_heads);
  set_float(node, "scale",
            static_cast<float>(1.0 / std::sqrt(static_cast<double>(config_.head_dim))));
  set_float(node, "softcap", 0.0F);
  if (const std::int64_t window = config_.window_of(layer_); window > 0) {
    set_int(node, "local_window_size", window);
  }
  set_int(node, "do_rotary", rotary_inside ? 1 : 0);
  set_int(node, "rotary_interleaved", 0);
  maker_.value(output, io_type_, {kBatch, kSequence, config_.query_width()});
  return make_matmul(
      path + "/o_proj/MatMul", output,
      {layer_weight(WeightRole::kAttentionOutput, config_.hidden_size, config_.query_width())});
}

std::string DecoderGraphBuilder::make_mlp(const std::string& input) {
  const std::string path = "/model/layers." + std::to_string(layer_) + "/mlp";
  const std::int64_t h = config_.hidden_size;
  const std::int64_t inner = config_.intermediate_size;
  const Shape shape{kBatch, kSequence, inner};
  const std::string gate =
      make_matmul(path + "/gate_proj/MatMul", input, {layer_weight(WeightRole::kGate, inner, h)});
  const std::string up =
      make_matmul(path + "/up_proj/MatMul", input, {layer_weight(WeightRole::kUp, inner, h)});
  const std::string sigmoid =
      maker_.simple("Sigmoid", path + "/act_fn/Sigmoid", {gate}, io_type_, shape);
  const std::string silu =
      maker_.simple("Mul", path + "/act_fn/Mul", {gate, sigmoid}, io_type_, shape);
  const std::string product = maker_.simple("Mul", path + "/Mul", {silu, up}, io_type_, shape);
  return make_matmul(path + "/down_proj/MatMul", product,
                     {layer_weight(WeightRole::kDown, h, inner)});
}

}  // namespace hearth::onnx
