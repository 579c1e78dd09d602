// Pass: a norm that only a quantised product reads goes into that product's node: each row is
// normed where it is prepared, and is written nowhere in between. Before the last product the
// wanted rows are chosen first and normed afterwards.
#include <utility>

#include "onnx/passes/passes.h"

namespace hearth::onnx::passes {
namespace {

using ::onnx::AttributeProto;
using ::onnx::NodeProto;
using ::onnx::TensorProto;

struct NormMatch {
  const NodeProto* linear = nullptr;
  const NodeProto* norm = nullptr;
  const NodeProto* gather = nullptr;  ///< of the wanted rows, between both; or null
  std::string x;
  std::string skip;  ///< "": none
  std::string weight;
  std::string sum;  ///< "": nobody wants it
  float epsilon = 0;
};

/// The node whose first output is `value`, if nothing else reads that.
const NodeProto* only_for_one(const GraphView& view, std::string_view value) {
  const NodeProto* node = uses(view, value) == 1 ? view.producer(value) : nullptr;
  return node != nullptr && output_name(*node, 0) == value ? node : nullptr;
}

bool is_vector_of(const GraphView& view, std::string_view value, std::int64_t width) {
  const TensorProto* tensor = view.initializer(value);
  return tensor != nullptr && tensor->data_type() == TensorProto::FLOAT &&
         tensor->dims_size() == 1 && tensor->dims(0) == width;
}

/// `node` as a norm of rows of `width` without a bias, statistics or anything else unknown.
Result<bool> read_norm(const GraphView& view, const NodeProto& node, std::int64_t width,
                       NormMatch& match) {
  const bool plain = is_op(node, "SimplifiedLayerNormalization");
  const bool skips = is_op(node, "SkipSimplifiedLayerNormalization", kMicrosoftDomain);
  if (!plain && !skips) return false;
  HEARTH_TRY(const std::int64_t axis, attribute_int_or(node, "axis", -1));
  HEARTH_TRY(match.epsilon, attribute_float_or(node, "epsilon", plain ? 1e-5F : 1e-12F));
  const int weight = plain ? 1 : 2;
  match.x = std::string(input_name(node, 0));
  if (skips) match.skip = std::string(input_name(node, 1));
  match.weight = std::string(input_name(node, weight));
  if (skips && uses(view, output_name(node, 3)) > 0) match.sum = std::string(output_name(node, 3));
  return (axis == -1 || axis == 2) && is_vector_of(view, match.weight, width) &&
         input_name(node, weight + 1).empty() && output_name(node, 1).empty() &&
         output_name(node, 2).empty();
}

Result<bool> read_match(const GraphView& view, const RaggedGraph& ragged, const NodeProto& linear,
                        NormMatch& match) {
  match.linear = &linear;
  const NodeProto* before = only_for_one(view, input_name(linear, 0));
  if (before != nullptr && is_op(*before, "Gather") &&
      input_name(*before, 1) == ragged.names.logit_rows) {
    match.gather = before;
    before = only_for_one(view, input_name(*before, 0));
  }
  if (before == nullptr) return false;
  match.norm = before;
  const auto first = static_cast<std::size_t>(linear.attribute(0).ints(0));
  HEARTH_TRY(const bool known, read_norm(view, *before, ragged.linears.at(first).k, match));
  // The sum of all rows would still be needed: then nothing is gained.
  return known && (match.gather == nullptr || match.sum.empty());
}

/// The rows of `value` that `gather` chooses.
std::string gathered(::onnx::GraphProto& graph, const NodeProto& gather, const std::string& value) {
  NodeProto chosen = gather;
  std::string name = fresh_name(graph, "wanted_rows");
  chosen.set_name(name);
  chosen.set_input(0, value);
  chosen.set_output(0, name);
  *graph.add_node() = std::move(chosen);
  return name;
}

void join(::onnx::GraphProto& graph, NormMatch match) {
  if (match.gather != nullptr) {
    const NodeProto gather = *match.gather;
    match.x = gathered(graph, gather, match.x);
    if (!match.skip.empty()) match.skip = gathered(graph, gather, match.skip);
  }
  NodeProto& linear = editable(graph, match.linear);
  linear.set_op_type(std::string(kNormLinear));
  linear.set_input(0, match.x);
  linear.add_input(match.weight);
  if (!match.skip.empty()) linear.add_input(match.skip);
  if (!match.sum.empty()) linear.add_output(match.sum);
  AttributeProto& epsilon = *linear.add_attribute();
  epsilon.set_name("epsilon");
  epsilon.set_type(AttributeProto::FLOAT);
  epsilon.set_f(match.epsilon);
}

}  // namespace

Result<void> norm_linear(RaggedGraph& ragged) {
  auto& graph = *ragged.model.mutable_graph();
  std::vector<NormMatch> matches;
  {
    HEARTH_TRY(const GraphView view, GraphView::build(graph));
    for (const NodeProto* node : view.nodes()) {
      if (!is_hearth(*node, kQuantLinear)) continue;
      NormMatch match;
      HEARTH_TRY(const bool found, read_match(view, ragged, *node, match));
      if (found) matches.push_back(std::move(match));
    }
  }
  std::vector<const NodeProto*> gone;
  for (const NormMatch& match : matches) {
    join(graph, match);
    gone.push_back(match.norm);
    if (match.gather != nullptr) gone.push_back(match.gather);
  }
  remove_nodes(graph, gone);
  return {};
}

}  // namespace hearth::onnx::passes
