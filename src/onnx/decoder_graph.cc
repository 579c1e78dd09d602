// Reads a decoder graph's inputs, outputs, cache and attention.
#include "onnx/decoder_graph.h"

#include <algorithm>
#include <set>

#include "onnx/decoder_parts.h"
#include "onnx/tensor_size.h"

namespace hearth::onnx {
namespace {

using ::onnx::NodeProto;
using ::onnx::TensorProto;

std::string shape_text(const GraphValue& value) {
  std::string text = element_type_name(value.element_type) + "[";
  for (const Dimension& dim : value.dims) {
    if (text.back() != '[') text += ", ";
    text += dim.value ? std::to_string(*dim.value) : dim.symbol.empty() ? "?" : dim.symbol;
  }
  return text + "]";
}

bool is_float_type(std::int32_t type) {
  return type == TensorProto::FLOAT || type == TensorProto::FLOAT16 ||
         type == TensorProto::BFLOAT16;
}

Result<const GraphValue*> require(const GraphValue* value, const char* what,
                                  const std::string& name) {
  if (value == nullptr) {
    return fail(ErrorCode::kCorrupt, std::string("the graph has no ") + what + " '" + name +
                                         "', which genai_config.json names");
  }
  return value;
}

tl::unexpected<Error> wrong_shape(const GraphValue& value, const std::string& expected) {
  return fail(ErrorCode::kUnsupported,
              "'" + value.name + "' is " + shape_text(value) + ", expected " + expected);
}

/// Token ids, mask and positions: integers of [batch, length].
Result<const GraphValue*> require_ids(const GraphView& view, const std::string& name) {
  HEARTH_TRY(const GraphValue* value, require(view.input(name), "input", name));
  if (value->element_type != TensorProto::INT64 || value->dims.size() != 2) {
    return wrong_shape(*value, "int64 of two dimensions");
  }
  return value;
}

/// One of past or present: [batch, kv_heads, tokens, head_dim].
struct CacheShape {
  std::int64_t kv_heads = 0;
  std::int64_t head_dim = 0;
  std::int32_t element_type = 0;
  bool operator==(const CacheShape&) const = default;
};

Result<CacheShape> cache_shape(const GraphValue& value) {
  if (!is_float_type(value.element_type) || value.dims.size() != 4) {
    return wrong_shape(value, "a float type of [batch, kv_heads, tokens, head_dim]");
  }
  const auto heads = value.dims[1].value.value_or(0);
  const auto dim = value.dims[3].value.value_or(0);
  if (heads < 1 || heads > 65536 || dim < 1 || dim > 65536) {
    return wrong_shape(value, "numbers for kv_heads and head_dim, each 1 to 65536");
  }
  return CacheShape{heads, dim, value.element_type};
}

constexpr std::int64_t kLayersMax = 1024;

/// Reads the cache of all layers into `info`, and collects the names it uses.
Result<void> read_cache(const GraphView& view, const DecoderIoNames& names, DecoderGraphInfo& info,
                        std::set<std::string>& used_inputs) {
  std::optional<CacheShape> first;
  for (std::int64_t layer = 0;; ++layer) {
    HEARTH_TRY(const std::string past_key, layer_name(names.past_key, layer));
    if (layer > 0 && view.input(past_key) == nullptr) break;
    if (layer == kLayersMax) {
      return fail(ErrorCode::kUnsupported, "the graph has the caches of more than " +
                                               std::to_string(kLayersMax) + " layers");
    }
    HEARTH_TRY(const std::string past_value, layer_name(names.past_value, layer));
    HEARTH_TRY(const std::string present_key, layer_name(names.present_key, layer));
    HEARTH_TRY(const std::string present_value, layer_name(names.present_value, layer));
    const GraphValue* values[4];
    HEARTH_TRY(values[0], require(view.input(past_key), "input", past_key));
    HEARTH_TRY(values[1], require(view.input(past_value), "input", past_value));
    HEARTH_TRY(values[2], require(view.output(present_key), "output", present_key));
    HEARTH_TRY(values[3], require(view.output(present_value), "output", present_value));
    for (const GraphValue* value : values) {
      HEARTH_TRY(const CacheShape shape, cache_shape(*value));
      if (!first) first = shape;
      if (shape != *first) {
        return fail(ErrorCode::kUnsupported, "'" + value->name + "' is " + shape_text(*value) +
                                                 ", which differs from '" + values[0]->name +
                                                 "' or from layer 0");
      }
    }
    used_inputs.insert(past_key);
    used_inputs.insert(past_value);
    info.layers = layer + 1;
  }
  info.kv_heads = first->kv_heads;
  info.head_dim = first->head_dim;
  info.cache_element_type = first->element_type;
  return {};
}

/// Looks at the operators that take the cache in.
Result<void> read_attention(const GraphView& view, const DecoderIoNames& names,
                            DecoderGraphInfo& info) {
  info.uses_group_query_attention = true;
  for (std::int64_t layer = 0; layer < info.layers; ++layer) {
    HEARTH_TRY(const std::string past_key, layer_name(names.past_key, layer));
    const auto consumers = view.consumers(past_key);
    if (consumers.size() != 1 || !is_op(*consumers[0], "GroupQueryAttention", kMicrosoftDomain)) {
      info.uses_group_query_attention = false;
      info.query_heads.reset();
      return {};
    }
    const NodeProto& node = *consumers[0];
    HEARTH_TRY(const std::int64_t kv_heads, attribute_int(node, "kv_num_heads"));
    HEARTH_TRY(const std::int64_t query_heads, attribute_int(node, "num_heads"));
    if (kv_heads != info.kv_heads || query_heads < kv_heads || query_heads % kv_heads != 0) {
      return fail(ErrorCode::kCorrupt, describe(node) + " has " + std::to_string(query_heads) +
                                           " query and " + std::to_string(kv_heads) +
                                           " key heads where the cache has " +
                                           std::to_string(info.kv_heads));
    }
    if (info.query_heads && *info.query_heads != query_heads) {
      return fail(ErrorCode::kUnsupported, describe(node) + " has " + std::to_string(query_heads) +
                                               " query heads, other layers have " +
                                               std::to_string(*info.query_heads));
    }
    info.query_heads = query_heads;
    // Input 7 is the table of cosines, [positions, rotary_dim / 2].
    const TensorProto* cosines = view.constant(input_name(node, 7));
    if (cosines != nullptr && cosines->dims_size() == 2) {
      const std::int64_t rows = cosines->dims(0);
      info.rotary_positions = std::min(info.rotary_positions.value_or(rows), rows);
    }
  }
  return {};
}

Result<void> read_logits(const GraphView& view, const DecoderIoNames& names,
                         DecoderGraphInfo& info) {
  HEARTH_TRY(const GraphValue* logits, require(view.output(names.logits), "output", names.logits));
  if (!is_float_type(logits->element_type) || logits->dims.size() != 3) {
    return wrong_shape(*logits, "a float type of [batch, length, vocabulary]");
  }
  info.logits_element_type = logits->element_type;
  info.vocab_size = logits->dims[2].value.value_or(0);
  if (info.vocab_size < 1 || info.vocab_size > (std::int64_t{1} << 31)) {
    return wrong_shape(*logits, "a number for the size of the vocabulary");
  }
  return {};
}

}  // namespace

Result<std::string> layer_name(const std::string& pattern, std::int64_t layer) {
  const auto at = pattern.find("%d");
  if (at == std::string::npos || pattern.find('%', at + 1) != std::string::npos ||
      pattern.find('%') != at) {
    return fail(ErrorCode::kInvalidArgument,
                "the name pattern '" + pattern + "' must hold one %d for the layer");
  }
  return pattern.substr(0, at) + std::to_string(layer) + pattern.substr(at + 2);
}

Result<DecoderGraphInfo> read_decoder_graph(const GraphView& view, const DecoderIoNames& names) {
  DecoderGraphInfo info;
  std::set<std::string> used_inputs{names.input_ids};
  HEARTH_TRY_VOID(require_ids(view, names.input_ids));
  if (!names.attention_mask.empty()) {
    HEARTH_TRY_VOID(require_ids(view, names.attention_mask));
    info.has_attention_mask = true;
    used_inputs.insert(names.attention_mask);
  }
  if (!names.position_ids.empty()) {
    HEARTH_TRY_VOID(require_ids(view, names.position_ids));
    info.has_position_ids = true;
    used_inputs.insert(names.position_ids);
  }
  HEARTH_TRY_VOID(read_cache(view, names, info, used_inputs));
  for (const GraphValue& input : view.inputs()) {
    if (!used_inputs.contains(input.name)) {
      return fail(ErrorCode::kUnsupported, "the graph wants the input '" + input.name + "' (" +
                                               shape_text(input) +
                                               "), which genai_config.json does not name");
    }
  }
  HEARTH_TRY_VOID(read_logits(view, names, info));
  HEARTH_TRY_VOID(read_attention(view, names, info));
  HEARTH_TRY(info.long_rope, find_long_rope(view, names));
  HEARTH_TRY(WeightSummary weights, summarise_weights(view, names));
  info.hidden_size = weights.hidden_size;
  info.matmul_precisions = std::move(weights.matmul_precisions);
  info.bytes_read_per_token = weights.bytes_read_per_token;
  info.weight_bytes = weights.weight_bytes;
  return info;
}

}  // namespace hearth::onnx
