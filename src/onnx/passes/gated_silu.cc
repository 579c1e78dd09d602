// Pass: (gate * sigmoid(gate)) * up in one walk over the rows instead of three.
#include "onnx/passes/passes.h"

namespace hearth::onnx::passes {
namespace {

using ::onnx::NodeProto;

struct GateMatch {
  const NodeProto* product = nullptr;
  std::string gate;
  std::string up;
  const NodeProto* silu = nullptr;
  const NodeProto* sigmoid = nullptr;
};

/// `value` as gate * sigmoid(gate) that nothing else reads.
bool read_silu(const GraphView& view, std::string_view value, GateMatch& match) {
  const NodeProto* silu = view.producer(value);
  if (silu == nullptr || !is_op(*silu, "Mul") || uses(view, value) != 1) return false;
  for (const int side : {0, 1}) {
    const NodeProto* sigmoid = view.producer(input_name(*silu, side));
    if (sigmoid == nullptr || !is_op(*sigmoid, "Sigmoid")) continue;
    if (input_name(*sigmoid, 0) != input_name(*silu, 1 - side)) continue;
    if (uses(view, output_name(*sigmoid, 0)) != 1) continue;
    match.gate = std::string(input_name(*sigmoid, 0));
    match.silu = silu;
    match.sigmoid = sigmoid;
    return true;
  }
  return false;
}

/// Both factors must be rows of the same width: outputs of quantised products.
bool is_linear_output(const GraphView& view, std::string_view value) {
  const NodeProto* node = view.producer(value);
  return node != nullptr && is_hearth(*node, kQuantLinear);
}

}  // namespace

Result<void> gated_silu(RaggedGraph& ragged) {
  auto& graph = *ragged.model.mutable_graph();
  std::vector<GateMatch> matches;
  {
    HEARTH_TRY(const GraphView view, GraphView::build(graph));
    for (const NodeProto* node : view.nodes()) {
      if (!is_op(*node, "Mul")) continue;
      GateMatch match;
      for (const int side : {0, 1}) {
        if (!read_silu(view, input_name(*node, side), match)) continue;
        match.up = std::string(input_name(*node, 1 - side));
        if (!is_linear_output(view, match.gate) || !is_linear_output(view, match.up)) continue;
        match.product = node;
        matches.push_back(match);
        break;
      }
    }
  }
  std::vector<const NodeProto*> gone;
  for (const GateMatch& match : matches) {
    become(editable(graph, match.product), kGatedSilu, {match.gate, match.up});
    gone.push_back(match.silu);
    gone.push_back(match.sigmoid);
  }
  remove_nodes(graph, gone);
  return {};
}

}  // namespace hearth::onnx::passes
