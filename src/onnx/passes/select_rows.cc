// Pass: logits only for the rows that are asked for. The rows are gathered before the matrix
// product that the logits come from; what follows it (a softcap, a scale) then sees those rows
// alone.
#include <algorithm>

#include "onnx/passes/passes.h"

namespace hearth::onnx::passes {
namespace {

using ::onnx::AttributeProto;
using ::onnx::NodeProto;
using ::onnx::TensorProto;

/// Rows that no step reaches: all rows behind the Gather take the exact recipe, because there are
/// few of them and their choice must not depend on what else is in the step.
constexpr std::int32_t kAllRows = 1 << 30;

bool is_product(const NodeProto& node) {
  return is_hearth(node, kQuantLinear) || is_op(node, "MatMulNBits", kMicrosoftDomain) ||
         is_op(node, "MatMul") || is_op(node, "Gemm");
}

/// The product that `logits` come from, through nodes of which only one input is no constant.
const NodeProto* last_product(const GraphView& view, std::string_view value) {
  constexpr int kStepsMax = 32;
  for (int step = 0; step < kStepsMax; ++step) {
    const NodeProto* node = view.producer(value);
    if (node == nullptr || is_product(*node)) return node;
    std::string_view next;
    for (const std::string& input : node->input()) {
      if (input.empty() || view.constant(input) != nullptr) continue;
      if (!next.empty()) return nullptr;
      next = input;
    }
    if (uses(view, value) != 1) return nullptr;
    value = next;
  }
  return nullptr;
}

}  // namespace

Result<void> select_rows(RaggedGraph& ragged) {
  auto& graph = *ragged.model.mutable_graph();
  const NodeProto* found = nullptr;
  {
    HEARTH_TRY(const GraphView view, GraphView::build(graph));
    found = last_product(view, ragged.names.logits);
    if (found == nullptr || uses(view, output_name(*found, 0)) != 1) {
      return fail(ErrorCode::kUnsupported,
                  "the logits do not come from one matrix product whose rows could be chosen");
    }
  }
  const std::string selected = fresh_name(graph, "selected_rows");
  NodeProto& product = editable(graph, found);
  const std::string all = product.input(0);
  product.set_input(0, selected);
  if (is_hearth(product, kQuantLinear)) {
    TensorProto& constant = *graph.add_initializer();
    constant.set_name(fresh_name(graph, "all_rows_exact"));
    constant.set_data_type(TensorProto::INT32);
    constant.add_dims(1);
    constant.add_int32_data(kAllRows);
    product.set_input(1, constant.name());
  }
  NodeProto& gather = *graph.add_node();
  gather.set_op_type("Gather");
  gather.set_name(selected);
  gather.add_input(all);
  gather.add_input(ragged.names.logit_rows);
  gather.add_output(selected);
  AttributeProto& axis = *gather.add_attribute();
  axis.set_name("axis");
  axis.set_type(AttributeProto::INT);
  axis.set_i(1);
  return {};
}

}  // namespace hearth::onnx::passes
