#include "onnx/sensitive_linears.h"

#include <algorithm>
#include <set>
#include <string_view>

namespace hearth::onnx {
namespace {

using ::onnx::NodeProto;
using Nodes = std::set<const NodeProto*>;

bool is_attention(const NodeProto& node) {
  return is_op(node, "GroupQueryAttention", kMicrosoftDomain) ||
         is_op(node, "MultiHeadAttention", kMicrosoftDomain) ||
         is_op(node, "Attention", kMicrosoftDomain);
}

bool is_head(const GraphView& view, const NodeProto& node) {
  const std::string_view output = output_name(node, 0);
  if (view.is_output(output)) return true;
  const auto consumers = view.consumers(output);
  return std::any_of(consumers.begin(), consumers.end(), [&](const NodeProto* consumer) {
    return is_op(*consumer, "Cast") && view.is_output(output_name(*consumer, 0));
  });
}

/// The product that `value` comes from, through biases, norms, reshapes and rotations; null where
/// there is none.
const NodeProto* source_linear(const GraphView& view, const Nodes& linears,
                               std::string_view value) {
  constexpr int kStepsMax = 6;
  for (int step = 0; step < kStepsMax; ++step) {
    const NodeProto* node = view.producer(value);
    if (node == nullptr || linears.contains(node)) return node;
    value = input_name(*node, 0);
  }
  return nullptr;
}

bool is_sensitive_layer(std::size_t layer, std::size_t layers) {
  const std::size_t eighth = layers / 8;
  return layer < eighth || layer >= 7 * layers / 8 || (layer - eighth) % 3 == 2;
}

/// One layer's products that matter here; null where it has none.
struct Layer {
  const NodeProto* value = nullptr;
  const NodeProto* last = nullptr;
};

}  // namespace

std::vector<const NodeProto*> sensitive_linears(const GraphView& view,
                                                std::span<const NodeProto* const> linears) {
  const Nodes all(linears.begin(), linears.end());
  std::vector<Layer> layers;
  Nodes before_attention;
  for (const NodeProto* node : view.nodes()) {
    if (!is_attention(*node)) continue;
    for (int input = 0; input < 3; ++input) {
      const auto* source = source_linear(view, all, input_name(*node, input));
      if (source != nullptr) before_attention.insert(source);
    }
    const int value_input = input_name(*node, 2).empty() ? 0 : 2;
    layers.push_back({source_linear(view, all, input_name(*node, value_input)), nullptr});
  }
  std::vector<const NodeProto*> chosen;
  std::size_t layers_seen = 0;
  for (const NodeProto* node : view.nodes()) {
    if (is_attention(*node)) ++layers_seen;
    if (!all.contains(node) || before_attention.contains(node)) continue;
    if (is_head(view, *node)) {
      chosen.push_back(node);
    } else if (layers_seen > 0) {
      layers[layers_seen - 1].last = node;
    }
  }
  for (std::size_t i = 0; i < layers.size(); ++i) {
    if (!is_sensitive_layer(i, layers.size())) continue;
    for (const NodeProto* node : {layers[i].value, layers[i].last}) {
      if (node != nullptr) chosen.push_back(node);
    }
  }
  return chosen;
}

}  // namespace hearth::onnx
