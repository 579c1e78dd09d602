#include "onnx/safetensors_weights.h"

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "base/check.h"
#include "onnx/tensor_job.h"

namespace hearth::onnx {
namespace {

/// Names in an error: enough to see what is wrong.
constexpr std::size_t kNamesMax = 5;

/// Where Hugging Face keeps a role. Names of layers go behind "model.layers.N.".
struct RoleNames {
  WeightRole role;
  const char* own;
  const char* fused = nullptr;  ///< the matrix that holds several roles one after another
  bool is_vector = false;
};

constexpr std::array<RoleNames, 17> kNames = {{
    {WeightRole::kEmbedding, "model.embed_tokens.weight"},
    {WeightRole::kLmHead, "lm_head.weight"},
    {WeightRole::kFinalNorm, "model.norm.weight", nullptr, true},
    {WeightRole::kInputNorm, "input_layernorm.weight", nullptr, true},
    {WeightRole::kPostAttentionNorm, "post_attention_layernorm.weight", nullptr, true},
    {WeightRole::kQuery, "self_attn.q_proj.weight", "self_attn.qkv_proj.weight"},
    {WeightRole::kKey, "self_attn.k_proj.weight", "self_attn.qkv_proj.weight"},
    {WeightRole::kValue, "self_attn.v_proj.weight", "self_attn.qkv_proj.weight"},
    {WeightRole::kQueryBias, "self_attn.q_proj.bias", nullptr, true},
    {WeightRole::kKeyBias, "self_attn.k_proj.bias", nullptr, true},
    {WeightRole::kValueBias, "self_attn.v_proj.bias", nullptr, true},
    {WeightRole::kQueryNorm, "self_attn.q_norm.weight", nullptr, true},
    {WeightRole::kKeyNorm, "self_attn.k_norm.weight", nullptr, true},
    {WeightRole::kAttentionOutput, "self_attn.o_proj.weight"},
    {WeightRole::kGate, "mlp.gate_proj.weight", "mlp.gate_up_proj.weight"},
    {WeightRole::kUp, "mlp.up_proj.weight", "mlp.gate_up_proj.weight"},
    {WeightRole::kDown, "mlp.down_proj.weight"},
}};

const RoleNames& names_of(WeightRole role) {
  const RoleNames& names = kNames[static_cast<std::size_t>(role)];
  HEARTH_CHECK(names.role == role);
  return names;
}

std::string full_name(const WeightId& id, const char* name) {
  return id.layer < 0 ? name : "model.layers." + std::to_string(id.layer) + "." + name;
}

/// Rows of the fused matrix before those of `role`, and all of them.
std::pair<std::int64_t, std::int64_t> fused_rows(WeightRole role, const DecoderConfig& config) {
  const std::int64_t q = config.query_width();
  const std::int64_t kv = config.kv_width();
  switch (role) {
    case WeightRole::kQuery:
      return {0, q + 2 * kv};
    case WeightRole::kKey:
      return {q, q + 2 * kv};
    case WeightRole::kValue:
      return {q + kv, q + 2 * kv};
    case WeightRole::kUp:
      return {config.intermediate_size, 2 * config.intermediate_size};
    default:
      return {0, 2 * config.intermediate_size};
  }
}

std::string shape_text(const std::vector<std::int64_t>& shape) {
  std::string text = "[";
  for (const std::int64_t dim : shape) {
    if (text.size() > 1) text += ", ";
    text += std::to_string(dim);
  }
  return text + "]";
}

Result<void> check_place(const SafetensorsFolder::Place& place,
                         const std::vector<std::int64_t>& shape) {
  if (place.tensor->shape != shape) {
    return fail(ErrorCode::kCorrupt, place.file->path().string() + ": '" + place.tensor->name +
                                         "' is " + describe_shape(*place.tensor) +
                                         "; by config.json it must be " + shape_text(shape));
  }
  return place.file->check_readable(*place.tensor);
}

std::string some_of(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < names.size() && i < kNamesMax; ++i) {
    text += (i == 0 ? "'" : ", '") + names[i] + "'";
  }
  if (names.size() > kNamesMax) text += ", ... (" + std::to_string(names.size()) + " in all)";
  return text;
}

/// True when some layer has a tensor of this name: tells fused models from others.
bool has_suffix(const SafetensorsFolder& folder, std::string_view suffix) {
  return std::any_of(folder.tensors().begin(), folder.tensors().end(),
                     [&](const auto& entry) { return entry.first.ends_with(suffix); });
}

/// Tensors that change nothing: frequencies follow from config.json, and a head beside tied
/// embeddings is not used by the model's own code either.
bool is_harmless(const std::string& name, const DecoderConfig& config) {
  if (name == "lm_head.weight") return config.tie_word_embeddings;
  return name.ends_with("rotary_emb.inv_freq");
}

Result<void> refuse_unused(const SafetensorsFolder& folder, const std::set<std::string>& used,
                           const DecoderConfig& config) {
  std::vector<std::string> unused;
  for (const auto& [name, place] : folder.tensors()) {
    if (!used.contains(name) && !is_harmless(name, config)) unused.push_back(name);
  }
  if (unused.empty()) return {};
  const auto& place = folder.tensors().at(unused.front());
  return fail(ErrorCode::kUnsupported, place.file->path().string() +
                                           " holds what a model of the type '" + config.model_type +
                                           "' with " + std::to_string(config.layers) +
                                           " layers has no use for: " + some_of(unused) +
                                           "; built without it, the model would be another");
}

}  // namespace

Result<SafetensorsWeights> SafetensorsWeights::find(const SafetensorsFolder& folder,
                                                    const DecoderPlan& plan) {
  const auto& tensors = folder.tensors();
  std::map<std::pair<WeightRole, std::int64_t>, Slice> slices;
  std::set<std::string> used;
  std::vector<std::string> missing;
  for (const TensorJob& job : plan.jobs()) {
    for (const WeightId& id : job.parts) {
      if (slices.contains({id.role, id.layer})) continue;
      const RoleNames& names = names_of(id.role);
      const std::string own = full_name(id, names.own);
      const std::string fused = names.fused == nullptr ? "" : full_name(id, names.fused);
      std::vector<std::int64_t> shape{id.rows, id.columns};
      if (names.is_vector) shape = {id.columns};
      std::int64_t first_row = 0;
      auto found = tensors.find(own);
      if (found == tensors.end() && !fused.empty()) {
        found = tensors.find(fused);
        std::tie(first_row, shape[0]) = fused_rows(id.role, plan.config());
      }
      if (found == tensors.end()) {
        const bool as_fused = !fused.empty() && has_suffix(folder, names.fused);
        const std::string& name = as_fused ? fused : own;
        if (missing.empty() || missing.back() != name) missing.push_back(name);
        continue;
      }
      HEARTH_TRY_VOID(check_place(found->second, shape));
      used.insert(found->first);
      slices.emplace(std::pair(id.role, id.layer),
                     Slice{found->second, first_row, id.rows, id.columns});
    }
  }
  if (!missing.empty()) {
    return fail(ErrorCode::kCorrupt, folder.files().front()->path().parent_path().string() +
                                         ": the weights lack " + some_of(missing) +
                                         ", which config.json asks for");
  }
  HEARTH_TRY_VOID(refuse_unused(folder, used, plan.config()));
  return SafetensorsWeights(std::move(slices));
}

Result<void> SafetensorsWeights::read_rows(const WeightId& id, std::int64_t first_row,
                                           std::int64_t count, std::span<float> out) {
  const auto found = slices_.find({id.role, id.layer});
  HEARTH_CHECK(found != slices_.end());
  const Slice& slice = found->second;
  HEARTH_CHECK(id.rows == slice.rows && id.columns == slice.columns);
  HEARTH_CHECK(first_row >= 0 && first_row + count <= slice.rows);
  HEARTH_CHECK(std::ssize(out) == count * slice.columns);
  return slice.place.file->read_floats(*slice.place.tensor,
                                       (slice.first_row + first_row) * slice.columns, out);
}

}  // namespace hearth::onnx
