// Pass: a tensor of the graph that is only reshaped gets its new dimensions at once. ONNX Runtime
// would copy it, hundreds of megabytes when the embedding shares the head's matrix.
#include <utility>

#include "onnx/passes/passes.h"
#include "onnx/tensor_size.h"

namespace hearth::onnx::passes {
namespace {

using ::onnx::NodeProto;
using ::onnx::TensorProto;

/// Dimensions of `tensor` reshaped to `wish`; nothing when they do not fit.
std::optional<std::vector<std::int64_t>> reshaped(const TensorProto& tensor,
                                                  const std::vector<std::int64_t>& wish,
                                                  bool zero_is_zero) {
  const auto count = element_count(tensor);
  if (!count) return std::nullopt;
  std::vector<std::int64_t> dims = wish;
  std::optional<std::size_t> open;
  std::uint64_t known = 1;
  for (std::size_t i = 0; i < dims.size(); ++i) {
    if (dims[i] == 0 && !zero_is_zero) {
      if (static_cast<int>(i) >= tensor.dims_size()) return std::nullopt;
      dims[i] = tensor.dims(static_cast<int>(i));
    }
    if (dims[i] == -1 && !open) {
      open = i;
      continue;
    }
    if (dims[i] <= 0 || known > *count / static_cast<std::uint64_t>(dims[i])) return std::nullopt;
    known *= static_cast<std::uint64_t>(dims[i]);
  }
  if (known == 0 || *count % known != 0 || (!open && known != *count)) return std::nullopt;
  if (open) dims[*open] = static_cast<std::int64_t>(*count / known);
  return dims;
}

}  // namespace

Result<void> fold_reshape(RaggedGraph& ragged) {
  auto& graph = *ragged.model.mutable_graph();
  std::vector<const NodeProto*> gone;
  std::vector<TensorProto> made;
  {
    HEARTH_TRY(const GraphView view, GraphView::build(graph));
    for (const NodeProto* node : view.nodes()) {
      if (!is_op(*node, "Reshape") || view.is_output(output_name(*node, 0))) continue;
      const TensorProto* tensor = view.initializer(input_name(*node, 0));
      const auto shape = view.constant_integers(input_name(*node, 1));
      if (tensor == nullptr || !shape) continue;
      HEARTH_TRY(const std::int64_t zero_is_zero, attribute_int_or(*node, "allowzero", 0));
      const auto dims = reshaped(*tensor, *shape, zero_is_zero != 0);
      if (!dims) continue;
      TensorProto folded = *tensor;
      folded.set_name(std::string(output_name(*node, 0)));
      folded.clear_dims();
      for (const std::int64_t dim : *dims) folded.add_dims(dim);
      made.push_back(std::move(folded));
      gone.push_back(node);
    }
  }
  remove_nodes(graph, gone);
  for (TensorProto& tensor : made) *graph.add_initializer() = std::move(tensor);
  return {};
}

}  // namespace hearth::onnx::passes
