// The passes behind make_ragged(), each in a file of its own. Internal to this folder.
//
// A pass reads the graph through a GraphView, decides, and only then changes nodes: the view's keys
// are the graph's own strings.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "onnx/graph_view.h"
#include "onnx/passes/ragged_graph.h"

namespace hearth::onnx::passes {

/// That a pass does not take `node`, and why.
inline tl::unexpected<Error> refuse(const ::onnx::NodeProto& node, const std::string& why) {
  return fail(ErrorCode::kUnsupported, describe(node) + " " + why);
}

/// MatMulNBits -> hearth.QuantLinear; weights, scales, zero points and bias leave the graph. Nodes
/// with something unknown stay as they are.
Result<void> quant_linear(RaggedGraph& ragged);

/// GroupQueryAttention, with the RotaryEmbedding nodes before it -> hearth.PagedAttention; the
/// cache's inputs and outputs, the mask and the switch of rotary tables lose their last reader.
Result<void> paged_attention(RaggedGraph& ragged, const DecoderIoNames& names);

/// Reshape of a tensor of the graph -> the same bytes with other dimensions.
Result<void> fold_reshape(RaggedGraph& ragged);

/// A Gather of the wanted rows before the last matrix product.
Result<void> select_rows(RaggedGraph& ragged);

/// QuantLinear nodes that read the same rows -> one node with several outputs.
Result<void> join_linears(RaggedGraph& ragged);

/// (gate * sigmoid(gate)) * up -> hearth.GatedSilu.
Result<void> gated_silu(RaggedGraph& ragged);

/// A norm and the QuantLinear that alone reads it -> hearth.NormLinear.
Result<void> norm_linear(RaggedGraph& ragged);

/// Drops all that the logits do not need, and what the graph says about shapes that have changed.
Result<void> drop_unused(RaggedGraph& ragged);

/// Checks that every node that a row reaches treats it alone.
Result<void> check_rows(RaggedGraph& ragged, bool allow_library_products);

/// A name that nothing in the graph has.
std::string fresh_name(const ::onnx::GraphProto& graph, std::string_view wish);

/// The node itself, to be changed.
::onnx::NodeProto& editable(::onnx::GraphProto& graph, const ::onnx::NodeProto* node);

/// Makes `node` into an operator of Hearth's, without attributes.
void become(::onnx::NodeProto& node, std::string_view op, const std::vector<std::string>& inputs);

/// Removes the nodes for which `gone` is true, by position.
void remove_nodes(::onnx::GraphProto& graph, const std::vector<const ::onnx::NodeProto*>& gone);

/// True for an operator of Hearth's.
bool is_hearth(const ::onnx::NodeProto& node, std::string_view op);

/// How often `value` is read: by consumers, and as an output.
std::size_t uses(const GraphView& view, std::string_view value);

}  // namespace hearth::onnx::passes
