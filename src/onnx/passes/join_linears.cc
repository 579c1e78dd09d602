// Pass: quantised products of the same rows (gate and up; queries, keys and values) become one
// node, so that the rows are prepared once and the threads meet once.
#include <map>
#include <utility>

#include "onnx/passes/passes.h"

namespace hearth::onnx::passes {

using ::onnx::NodeProto;

Result<void> join_linears(RaggedGraph& ragged) {
  auto& graph = *ragged.model.mutable_graph();
  std::map<std::pair<std::string, std::string>, std::vector<const NodeProto*>> by_rows;
  {
    HEARTH_TRY(const GraphView view, GraphView::build(graph));
    for (const NodeProto* node : view.nodes()) {
      if (is_hearth(*node, kQuantLinear)) {
        by_rows[{node->input(0), node->input(1)}].push_back(node);
      }
    }
  }
  std::vector<const NodeProto*> gone;
  for (const auto& [rows, nodes] : by_rows) {
    NodeProto& first = editable(graph, nodes.front());
    for (std::size_t i = 1; i < nodes.size(); ++i) {
      first.mutable_attribute(0)->add_ints(nodes[i]->attribute(0).ints(0));
      first.add_output(nodes[i]->output(0));
      gone.push_back(nodes[i]);
    }
  }
  remove_nodes(graph, gone);
  return {};
}

}  // namespace hearth::onnx::passes
