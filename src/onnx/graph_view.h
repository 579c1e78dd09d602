// A read-only view of one ONNX graph: order, producers, consumers, constants, typed attributes.
#pragma once

#include <onnx/onnx_pb.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"

namespace hearth::onnx {

/// One dimension of a graph input or output: a number, a symbol, or neither (unknown).
struct Dimension {
  std::optional<std::int64_t> value;
  std::string symbol;
};

/// A graph input or output as declared.
struct GraphValue {
  std::string name;
  std::int32_t element_type = 0;  ///< onnx TensorProto.DataType; 0 when it is not a tensor
  bool has_shape = false;
  std::vector<Dimension> dims;
};

/// Built once over a GraphProto, which must outlive it and stay unchanged; after that safe to read
/// from any thread. Node pointers are the identity of nodes. Released graphs need not be sorted:
/// nodes() is, and keeps the file's order wherever that is possible.
class GraphView {
 public:
  /// Fails with kCorrupt, naming the node, when a value is produced twice, when a node or the graph
  /// reads a value that nothing produces, and when nodes depend on each other in a circle. Bodies
  /// of If, Loop and Scan are checked too; what they read from outside counts as inputs of the node
  /// that holds them.
  static Result<GraphView> build(const ::onnx::GraphProto& graph);

  GraphView(GraphView&&) noexcept = default;
  GraphView& operator=(GraphView&&) noexcept = default;
  GraphView(const GraphView&) = delete;
  GraphView& operator=(const GraphView&) = delete;
  ~GraphView() = default;

  const ::onnx::GraphProto& graph() const { return *graph_; }

  /// All nodes, producers before consumers.
  std::span<const ::onnx::NodeProto* const> nodes() const { return nodes_; }

  /// The node that outputs `value`; null for graph inputs, initializers and unknown names.
  const ::onnx::NodeProto* producer(std::string_view value) const;

  /// Nodes that read `value`, each once, in the order of nodes(); bodies inside them included.
  std::span<const ::onnx::NodeProto* const> consumers(std::string_view value) const;

  /// True when `value` is one of the graph's outputs.
  bool is_output(std::string_view value) const;

  /// The initializer called `value`, or null.
  const ::onnx::TensorProto* initializer(std::string_view value) const;

  /// The initializer or the tensor of the Constant node called `value`, or null.
  const ::onnx::TensorProto* constant(std::string_view value) const;

  /// The elements of a constant of int32 or int64 elements stored in the model file, at most
  /// kConstantElementsMax of them; nothing when `value` is not such a constant.
  std::optional<std::vector<std::int64_t>> constant_integers(std::string_view value) const;

  /// The one element of such a constant, scalar or of one dimension.
  std::optional<std::int64_t> constant_integer(std::string_view value) const;

  /// Graph inputs that must be fed (initializers listed as inputs are left out), and all outputs.
  std::span<const GraphValue> inputs() const { return inputs_; }
  std::span<const GraphValue> outputs() const { return outputs_; }
  const GraphValue* input(std::string_view name) const;
  const GraphValue* output(std::string_view name) const;

  /// Values that `node`'s bodies read from outside themselves; empty for ordinary nodes.
  std::span<const std::string> captures(const ::onnx::NodeProto& node) const;

  static constexpr std::size_t kConstantElementsMax = 4096;

 private:
  explicit GraphView(const ::onnx::GraphProto& graph) : graph_(&graph) {}

  const ::onnx::GraphProto* graph_;
  std::vector<const ::onnx::NodeProto*> nodes_;
  std::vector<GraphValue> inputs_;
  std::vector<GraphValue> outputs_;
  std::unordered_map<std::string_view, const ::onnx::NodeProto*> producers_;
  std::unordered_map<std::string_view, std::vector<const ::onnx::NodeProto*>> consumers_;
  std::unordered_map<std::string_view, const ::onnx::TensorProto*> initializers_;
  std::unordered_map<const ::onnx::NodeProto*, std::vector<std::string>> captures_;
};

/// "node '/lm_head/MatMul_Q4' (MatMulNBits)", for errors.
std::string describe(const ::onnx::NodeProto& node);

/// True when `node` is `op_type` of `domain`; "" and "ai.onnx" are the same domain.
bool is_op(const ::onnx::NodeProto& node, std::string_view op_type, std::string_view domain = "");

inline constexpr std::string_view kMicrosoftDomain = "com.microsoft";

/// Name of input or output `index`; "" when it is absent or left out.
std::string_view input_name(const ::onnx::NodeProto& node, int index);
std::string_view output_name(const ::onnx::NodeProto& node, int index);

/// The attribute called `name`, or null.
const ::onnx::AttributeProto* attribute(const ::onnx::NodeProto& node, std::string_view name);

/// Typed attributes. Missing (without a fallback) or of another type is kCorrupt, naming the node.
Result<std::int64_t> attribute_int(const ::onnx::NodeProto& node, std::string_view name);
Result<std::int64_t> attribute_int_or(const ::onnx::NodeProto& node, std::string_view name,
                                      std::int64_t fallback);
Result<float> attribute_float_or(const ::onnx::NodeProto& node, std::string_view name,
                                 float fallback);
Result<std::string> attribute_string_or(const ::onnx::NodeProto& node, std::string_view name,
                                        std::string fallback);
Result<const ::onnx::GraphProto*> attribute_graph(const ::onnx::NodeProto& node,
                                                  std::string_view name);

}  // namespace hearth::onnx
