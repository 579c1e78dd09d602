// Topological order, lookups and attribute access over a GraphProto.
#include "onnx/graph_view.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <queue>
#include <unordered_set>

#include "onnx/external_data.h"
#include "onnx/model_file.h"
#include "onnx/tensor_size.h"

namespace hearth::onnx {
namespace {

using ::onnx::AttributeProto;
using ::onnx::GraphProto;
using ::onnx::NodeProto;
using ::onnx::TensorProto;
using ::onnx::ValueInfoProto;

/// A value that a graph reads but does not define, and the node that reads it (null: the graph's
/// own output).
struct FreeName {
  std::string_view name;
  const NodeProto* reader;
};

/// One graph put in order. For a body, `free_names` are its captures.
struct OrderedGraph {
  std::vector<const NodeProto*> nodes;
  std::vector<FreeName> free_names;
  std::unordered_map<const NodeProto*, std::vector<std::string>> captures;
};

Result<OrderedGraph> order_graph(const GraphProto& graph, int depth);

/// Names that the bodies of `node` read from outside, each once.
Result<std::vector<std::string>> captures_of(const NodeProto& node, int depth) {
  std::vector<std::string> names;
  std::unordered_set<std::string> seen;
  const auto add = [&](const GraphProto& body) -> Result<void> {
    auto ordered = order_graph(body, depth + 1);
    if (!ordered) return fail_within("in a body of " + describe(node), ordered.error());
    for (const FreeName& free : ordered->free_names) {
      if (seen.emplace(free.name).second) names.emplace_back(free.name);
    }
    return {};
  };
  for (const AttributeProto& attribute : node.attribute()) {
    if (attribute.has_g()) HEARTH_TRY_VOID(add(attribute.g()));
    for (const GraphProto& body : attribute.graphs()) HEARTH_TRY_VOID(add(body));
  }
  return names;
}

/// Index of the node that produces each value; an error when a name is defined twice.
Result<std::unordered_map<std::string_view, int>> producers_of(const GraphProto& graph) {
  constexpr int kGiven = -1;
  std::unordered_map<std::string_view, int> producers;
  for (const ValueInfoProto& input : graph.input()) {
    if (input.name().empty()) return fail(ErrorCode::kCorrupt, "a graph input has no name");
    producers.emplace(input.name(), kGiven);
  }
  if (static_cast<int>(producers.size()) != graph.input_size()) {
    return fail(ErrorCode::kCorrupt, "two graph inputs have the same name");
  }
  std::unordered_set<std::string_view> initializers;
  const auto add_initializer = [&](const std::string& name) -> Result<void> {
    if (name.empty()) return fail(ErrorCode::kCorrupt, "an initializer has no name");
    if (!initializers.insert(name).second) {
      return fail(ErrorCode::kCorrupt, "two initializers are called '" + name + "'");
    }
    producers.emplace(name, kGiven);
    return {};
  };
  for (const TensorProto& tensor : graph.initializer()) {
    HEARTH_TRY_VOID(add_initializer(tensor.name()));
  }
  for (const auto& sparse : graph.sparse_initializer()) {
    HEARTH_TRY_VOID(add_initializer(sparse.values().name()));
  }
  for (int i = 0; i < graph.node_size(); ++i) {
    for (const std::string& output : graph.node(i).output()) {
      if (output.empty()) continue;
      if (!producers.emplace(output, i).second) {
        return fail(ErrorCode::kCorrupt, describe(graph.node(i)) + " outputs '" + output +
                                             "', which something else defines already");
      }
    }
  }
  return producers;
}

/// Who waits for whom while a graph is put in order.
struct Dependencies {
  std::vector<int> open_inputs;              ///< per node, producers not yet placed
  std::vector<std::vector<int>> dependents;  ///< per node, who waits for it
};

Result<OrderedGraph> order_graph(const GraphProto& graph, int depth) {
  if (depth > kSubgraphDepthMax) {
    return fail(ErrorCode::kCorrupt, "graphs are nested more than " +
                                         std::to_string(kSubgraphDepthMax) + " levels deep");
  }
  HEARTH_TRY(const auto producers, producers_of(graph));
  OrderedGraph ordered;
  const auto count = static_cast<std::size_t>(graph.node_size());
  Dependencies waits{std::vector<int>(count, 0), std::vector<std::vector<int>>(count)};
  const auto read = [&](std::string_view name, int reader) {
    const auto found = producers.find(name);
    if (found == producers.end()) {
      ordered.free_names.push_back({name, reader < 0 ? nullptr : &graph.node(reader)});
    } else if (found->second >= 0 && reader >= 0) {
      ++waits.open_inputs[static_cast<std::size_t>(reader)];
      waits.dependents[static_cast<std::size_t>(found->second)].push_back(reader);
    }
  };
  for (int i = 0; i < graph.node_size(); ++i) {
    const NodeProto& node = graph.node(i);
    for (const std::string& input : node.input()) {
      if (!input.empty()) read(input, i);
    }
    HEARTH_TRY(auto captures, captures_of(node, depth));
    if (captures.empty()) continue;
    const auto& kept = ordered.captures.emplace(&node, std::move(captures)).first->second;
    for (const std::string& name : kept) {
      const auto found = producers.find(name);
      read(found == producers.end() ? std::string_view(name) : found->first, i);
    }
  }
  for (const ValueInfoProto& output : graph.output()) {
    if (output.name().empty()) return fail(ErrorCode::kCorrupt, "a graph output has no name");
    read(output.name(), -1);
  }

  std::priority_queue<int, std::vector<int>, std::greater<>> ready;
  for (int i = 0; i < graph.node_size(); ++i) {
    if (waits.open_inputs[static_cast<std::size_t>(i)] == 0) ready.push(i);
  }
  while (!ready.empty()) {
    const int placed = ready.top();
    ready.pop();
    ordered.nodes.push_back(&graph.node(placed));
    for (const int dependent : waits.dependents[static_cast<std::size_t>(placed)]) {
      if (--waits.open_inputs[static_cast<std::size_t>(dependent)] == 0) ready.push(dependent);
    }
  }
  if (ordered.nodes.size() != count) {
    const auto stuck = std::find_if(waits.open_inputs.begin(), waits.open_inputs.end(),
                                    [](int open) { return open > 0; });
    const auto index = static_cast<int>(stuck - waits.open_inputs.begin());
    return fail(ErrorCode::kCorrupt,
                describe(graph.node(index)) + " waits for its own output: the nodes form a circle");
  }
  return ordered;
}

GraphValue to_value(const ValueInfoProto& info) {
  GraphValue value;
  value.name = info.name();
  if (!info.type().has_tensor_type()) return value;
  const auto& type = info.type().tensor_type();
  value.element_type = type.elem_type();
  value.has_shape = type.has_shape();
  for (const auto& dim : type.shape().dim()) {
    Dimension dimension;
    if (dim.has_dim_value()) dimension.value = dim.dim_value();
    dimension.symbol = dim.dim_param();
    value.dims.push_back(std::move(dimension));
  }
  return value;
}

const GraphValue* find_value(std::span<const GraphValue> values, std::string_view name) {
  const auto found = std::find_if(values.begin(), values.end(),
                                  [&](const GraphValue& value) { return value.name == name; });
  return found == values.end() ? nullptr : &*found;
}

tl::unexpected<Error> wrong_attribute(const NodeProto& node, std::string_view name,
                                      const char* expected) {
  return fail(ErrorCode::kCorrupt, describe(node) + ": attribute '" + std::string(name) +
                                       "' is missing or not " + expected);
}

template <class T>
std::vector<std::int64_t> raw_integers(const std::string& raw) {
  std::vector<T> typed(raw.size() / sizeof(T));
  if (!typed.empty()) std::memcpy(typed.data(), raw.data(), typed.size() * sizeof(T));
  return {typed.begin(), typed.end()};
}

}  // namespace

Result<GraphView> GraphView::build(const GraphProto& graph) {
  HEARTH_TRY(OrderedGraph ordered, order_graph(graph, 1));
  if (!ordered.free_names.empty()) {
    const FreeName& first = ordered.free_names.front();
    return fail(ErrorCode::kCorrupt,
                (first.reader != nullptr ? describe(*first.reader) + " reads '"
                                         : std::string("the graph's output '")) +
                    std::string(first.name) + "', which nothing produces");
  }
  GraphView view(graph);
  view.nodes_ = std::move(ordered.nodes);
  view.captures_ = std::move(ordered.captures);
  for (const TensorProto& tensor : graph.initializer()) {
    view.initializers_.emplace(tensor.name(), &tensor);
  }
  for (const ValueInfoProto& input : graph.input()) {
    if (!view.initializers_.contains(input.name())) view.inputs_.push_back(to_value(input));
  }
  for (const ValueInfoProto& output : graph.output()) view.outputs_.push_back(to_value(output));
  for (const NodeProto* node : view.nodes_) {
    for (const std::string& output : node->output()) {
      if (!output.empty()) view.producers_.emplace(output, node);
    }
    const auto consume = [&](const std::string& name) {
      auto& readers = view.consumers_[name];
      if (readers.empty() || readers.back() != node) readers.push_back(node);
    };
    for (const std::string& input : node->input()) {
      if (!input.empty()) consume(input);
    }
    if (const auto captured = view.captures_.find(node); captured != view.captures_.end()) {
      for (const std::string& name : captured->second) consume(name);
    }
  }
  return view;
}

const NodeProto* GraphView::producer(std::string_view value) const {
  const auto found = producers_.find(value);
  return found == producers_.end() ? nullptr : found->second;
}

std::span<const NodeProto* const> GraphView::consumers(std::string_view value) const {
  const auto found = consumers_.find(value);
  if (found == consumers_.end()) return {};
  return found->second;
}

bool GraphView::is_output(std::string_view value) const { return output(value) != nullptr; }

const TensorProto* GraphView::initializer(std::string_view value) const {
  const auto found = initializers_.find(value);
  return found == initializers_.end() ? nullptr : found->second;
}

const TensorProto* GraphView::constant(std::string_view value) const {
  if (const TensorProto* tensor = initializer(value)) return tensor;
  const NodeProto* node = producer(value);
  if (node == nullptr || !is_op(*node, "Constant")) return nullptr;
  const AttributeProto* tensor = attribute(*node, "value");
  return tensor != nullptr && tensor->has_t() ? &tensor->t() : nullptr;
}

std::optional<std::vector<std::int64_t>> GraphView::constant_integers(
    std::string_view value) const {
  const TensorProto* tensor = constant(value);
  if (tensor == nullptr || is_external(*tensor) || !check_inline_data(*tensor)) return std::nullopt;
  const auto count = element_count(*tensor);
  if (!count || *count > kConstantElementsMax) return std::nullopt;
  if (tensor->data_type() == TensorProto::INT64) {
    if (tensor->has_raw_data()) return raw_integers<std::int64_t>(tensor->raw_data());
    return std::vector<std::int64_t>(tensor->int64_data().begin(), tensor->int64_data().end());
  }
  if (tensor->data_type() == TensorProto::INT32) {
    if (tensor->has_raw_data()) return raw_integers<std::int32_t>(tensor->raw_data());
    return std::vector<std::int64_t>(tensor->int32_data().begin(), tensor->int32_data().end());
  }
  return std::nullopt;
}

std::optional<std::int64_t> GraphView::constant_integer(std::string_view value) const {
  const auto elements = constant_integers(value);
  if (!elements || elements->size() != 1) return std::nullopt;
  return elements->front();
}

const GraphValue* GraphView::input(std::string_view name) const {
  return find_value(inputs_, name);
}

const GraphValue* GraphView::output(std::string_view name) const {
  return find_value(outputs_, name);
}

std::span<const std::string> GraphView::captures(const NodeProto& node) const {
  const auto found = captures_.find(&node);
  if (found == captures_.end()) return {};
  return found->second;
}

std::string describe(const NodeProto& node) {
  return "node '" + node.name() + "' (" + node.op_type() + ")";
}

bool is_op(const NodeProto& node, std::string_view op_type, std::string_view domain) {
  const std::string_view own = node.domain() == "ai.onnx" ? "" : std::string_view(node.domain());
  return node.op_type() == op_type && own == (domain == "ai.onnx" ? "" : domain);
}

std::string_view input_name(const NodeProto& node, int index) {
  return index < node.input_size() ? std::string_view(node.input(index)) : "";
}

std::string_view output_name(const NodeProto& node, int index) {
  return index < node.output_size() ? std::string_view(node.output(index)) : "";
}

const AttributeProto* attribute(const NodeProto& node, std::string_view name) {
  for (const AttributeProto& candidate : node.attribute()) {
    if (candidate.name() == name) return &candidate;
  }
  return nullptr;
}

Result<std::int64_t> attribute_int(const NodeProto& node, std::string_view name) {
  const AttributeProto* found = attribute(node, name);
  if (found == nullptr || !found->has_i()) return wrong_attribute(node, name, "an integer");
  return found->i();
}

Result<std::int64_t> attribute_int_or(const NodeProto& node, std::string_view name,
                                      std::int64_t fallback) {
  return attribute(node, name) == nullptr ? Result<std::int64_t>(fallback)
                                          : attribute_int(node, name);
}

Result<float> attribute_float_or(const NodeProto& node, std::string_view name, float fallback) {
  const AttributeProto* found = attribute(node, name);
  if (found == nullptr) return fallback;
  if (!found->has_f()) return wrong_attribute(node, name, "a float");
  return found->f();
}

Result<std::string> attribute_string_or(const NodeProto& node, std::string_view name,
                                        std::string fallback) {
  const AttributeProto* found = attribute(node, name);
  if (found == nullptr) return fallback;
  if (!found->has_s()) return wrong_attribute(node, name, "a string");
  return found->s();
}

Result<const GraphProto*> attribute_graph(const NodeProto& node, std::string_view name) {
  const AttributeProto* found = attribute(node, name);
  if (found == nullptr || !found->has_g()) return wrong_attribute(node, name, "a graph");
  return &found->g();
}

}  // namespace hearth::onnx
