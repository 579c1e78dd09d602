// The order of the passes, and the helpers they share.
#include "onnx/passes/ragged_graph.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/check.h"
#include "onnx/passes/passes.h"
#include "onnx/tensor_size.h"

namespace hearth::onnx {
namespace passes {

using ::onnx::GraphProto;
using ::onnx::NodeProto;

std::string fresh_name(const GraphProto& graph, std::string_view wish) {
  std::set<std::string_view> taken;
  for (const auto& value : graph.input()) taken.insert(value.name());
  for (const auto& tensor : graph.initializer()) taken.insert(tensor.name());
  for (const NodeProto& node : graph.node()) {
    taken.insert(node.output().begin(), node.output().end());
  }
  std::string name(wish);
  for (int i = 2; taken.contains(name); ++i) name = std::string(wish) + "_" + std::to_string(i);
  return name;
}

NodeProto& editable(GraphProto& graph, const NodeProto* node) {
  for (NodeProto& mine : *graph.mutable_node()) {
    if (&mine == node) return mine;
  }
  HEARTH_CHECK(false);
  return *graph.mutable_node(0);
}

void become(NodeProto& node, std::string_view op, const std::vector<std::string>& inputs) {
  node.set_op_type(std::string(op));
  node.set_domain(std::string(kHearthDomain));
  node.clear_attribute();
  node.clear_input();
  for (const std::string& input : inputs) node.add_input(input);
}

void remove_nodes(GraphProto& graph, const std::vector<const NodeProto*>& gone) {
  ::google::protobuf::RepeatedPtrField<NodeProto> kept;
  for (NodeProto& node : *graph.mutable_node()) {
    if (std::find(gone.begin(), gone.end(), &node) == gone.end()) *kept.Add() = std::move(node);
  }
  graph.mutable_node()->Swap(&kept);
}

bool is_hearth(const NodeProto& node, std::string_view op) {
  return is_op(node, op, kHearthDomain);
}

std::size_t uses(const GraphView& view, std::string_view value) {
  return view.consumers(value).size() + (view.is_output(value) ? 1 : 0);
}

}  // namespace passes

namespace {

using ::onnx::GraphProto;
using ::onnx::TensorProto;

/// Adds an input of the rewritten graph and returns its name.
std::string add_input(GraphProto& graph, std::string_view wish, std::int32_t type, int dims) {
  std::string name = passes::fresh_name(graph, wish);
  auto* input = graph.add_input();
  input->set_name(name);
  auto* tensor = input->mutable_type()->mutable_tensor_type();
  tensor->set_elem_type(type);
  for (int i = 0; i < dims; ++i) {
    tensor->mutable_shape()->add_dim()->set_dim_param(name + "_" + std::to_string(i));
  }
  return name;
}

void add_inputs(RaggedGraph& ragged) {
  GraphProto& graph = *ragged.model.mutable_graph();
  ragged.names.segments = add_input(graph, "segments", TensorProto::INT32, 2);
  ragged.names.blocks = add_input(graph, "blocks", TensorProto::INT32, 2);
  ragged.names.exact_rows = add_input(graph, "exact_rows", TensorProto::INT32, 1);
  ragged.names.logit_rows = add_input(graph, "logit_rows", TensorProto::INT64, 1);
  auto* domain = ragged.model.add_opset_import();
  domain->set_domain(std::string(kHearthDomain));
  domain->set_version(1);
}

/// Nodes of our own are what the passes made: what they hold is trusted.
Result<void> check_domains(const GraphView& view) {
  for (const ::onnx::NodeProto* node : view.nodes()) {
    if (node->domain() != kHearthDomain) continue;
    return fail(ErrorCode::kUnsupported, describe(*node) + " is of the domain '" +
                                             std::string(kHearthDomain) +
                                             "', whose operators exist only while a model runs");
  }
  return {};
}

Result<void> check_types(const DecoderGraphInfo& info) {
  for (const std::int32_t type : {info.logits_element_type, info.cache_element_type}) {
    if (type == TensorProto::FLOAT) continue;
    return fail(ErrorCode::kUnsupported, "the graph computes in " + element_type_name(type) +
                                             ", the accelerated operators in float32");
  }
  return {};
}

}  // namespace

Result<RaggedGraph> make_ragged(::onnx::ModelProto model, const DecoderIoNames& names,
                                const PassSwitches& switches) {
  RaggedGraph ragged;
  ragged.model = std::move(model);
  {
    HEARTH_TRY(const GraphView view, GraphView::build(ragged.model.graph()));
    HEARTH_TRY_VOID(check_domains(view));
    HEARTH_TRY(const DecoderGraphInfo info, read_decoder_graph(view, names));
    HEARTH_TRY_VOID(check_types(info));
    ragged.vocab_size = info.vocab_size;
    ragged.long_rope = info.long_rope;
  }
  ragged.names.ids = names.input_ids;
  ragged.names.logits = names.logits;
  add_inputs(ragged);
  if (switches.quant_linear) HEARTH_TRY_VOID(passes::quant_linear(ragged));
  if (switches.paged_attention) HEARTH_TRY_VOID(passes::paged_attention(ragged, names));
  if (switches.fold_reshape) HEARTH_TRY_VOID(passes::fold_reshape(ragged));
  if (switches.select_rows) HEARTH_TRY_VOID(passes::select_rows(ragged));
  HEARTH_TRY_VOID(passes::drop_unused(ragged));
  if (switches.join_linears) HEARTH_TRY_VOID(passes::join_linears(ragged));
  if (switches.gated_silu) HEARTH_TRY_VOID(passes::gated_silu(ragged));
  if (switches.norm_linear) HEARTH_TRY_VOID(passes::norm_linear(ragged));
  HEARTH_TRY_VOID(passes::check_rows(ragged, switches.allow_library_products));
  return ragged;
}

}  // namespace hearth::onnx
