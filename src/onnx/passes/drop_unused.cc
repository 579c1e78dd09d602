// Pass: all that the logits do not need leaves the graph: the attention mask's sub-graph, the
// switch of rotary tables, the cache's inputs and outputs, tensors without a reader.
#include <set>

#include "onnx/passes/passes.h"

namespace hearth::onnx::passes {
namespace {

using ::onnx::GraphProto;
using ::onnx::NodeProto;

/// Nodes and values that `logits` depend on.
struct Needed {
  std::set<const NodeProto*> nodes;
  std::set<std::string> values;
};

Needed needed_for(const GraphView& view, const std::string& logits) {
  Needed needed;
  std::vector<std::string> open{logits};
  while (!open.empty()) {
    const std::string value = open.back();
    open.pop_back();
    if (value.empty() || !needed.values.insert(value).second) continue;
    const NodeProto* node = view.producer(value);
    if (node == nullptr || !needed.nodes.insert(node).second) continue;
    open.insert(open.end(), node->input().begin(), node->input().end());
    const auto captures = view.captures(*node);
    open.insert(open.end(), captures.begin(), captures.end());
  }
  return needed;
}

template <class Field, class Keep>
void keep_only(Field& field, const Keep& keep) {
  Field kept;
  for (auto& item : field) {
    if (keep(item)) *kept.Add() = std::move(item);
  }
  field.Swap(&kept);
}

}  // namespace

Result<void> drop_unused(RaggedGraph& ragged) {
  GraphProto& graph = *ragged.model.mutable_graph();
  const RaggedNames& names = ragged.names;
  Needed needed;
  {
    HEARTH_TRY(const GraphView view, GraphView::build(graph));
    needed = needed_for(view, names.logits);
  }
  std::vector<const NodeProto*> gone;
  for (const NodeProto& node : graph.node()) {
    if (!needed.nodes.contains(&node)) gone.push_back(&node);
  }
  remove_nodes(graph, gone);
  const std::set<std::string> fed{names.ids, names.segments, names.blocks, names.exact_rows,
                                  names.logit_rows};
  keep_only(*graph.mutable_initializer(),
            [&](const auto& tensor) { return needed.values.contains(tensor.name()); });
  keep_only(*graph.mutable_input(), [&](const auto& input) {
    return fed.contains(input.name()) || needed.values.contains(input.name());
  });
  keep_only(*graph.mutable_output(),
            [&](const auto& output) { return output.name() == names.logits; });
  // Symbols shared by rows and by logits would let ONNX Runtime take them for equally long.
  graph.clear_value_info();
  auto* shape = graph.mutable_output(0)->mutable_type()->mutable_tensor_type()->mutable_shape();
  shape->mutable_dim(0)->set_dim_value(1);
  shape->mutable_dim(1)->set_dim_param("wanted_rows");
  auto* ids = &*graph.mutable_input();
  for (auto& input : *ids) {
    if (input.name() != names.ids) continue;
    auto* dims = input.mutable_type()->mutable_tensor_type()->mutable_shape();
    dims->mutable_dim(0)->set_dim_value(1);
    dims->mutable_dim(1)->set_dim_param("rows");
  }
  return {};
}

}  // namespace hearth::onnx::passes
