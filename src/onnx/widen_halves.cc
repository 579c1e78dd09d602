#include "onnx/widen_halves.h"

#include <cstring>
#include <string>

#include "onnx/external_data.h"
#include "onnx/half.h"

namespace hearth::onnx {
namespace {

using ::onnx::AttributeProto;
using ::onnx::GraphProto;
using ::onnx::NodeProto;
using ::onnx::TensorProto;
using ::onnx::ValueInfoProto;

void widen(TensorProto& tensor) {
  if (tensor.data_type() != TensorProto::FLOAT16) return;
  tensor.set_data_type(TensorProto::FLOAT);
  if (is_external(tensor)) return;
  std::string wide;
  const auto append = [&wide](std::uint16_t half) {
    const float value = from_half(half);
    wide.append(reinterpret_cast<const char*>(&value), sizeof(value));
  };
  for (std::size_t i = 0; i + 1 < tensor.raw_data().size(); i += 2) {
    std::uint16_t half = 0;
    std::memcpy(&half, tensor.raw_data().data() + i, sizeof(half));
    append(half);
  }
  for (const std::int32_t half : tensor.int32_data()) append(static_cast<std::uint16_t>(half));
  tensor.clear_int32_data();
  tensor.set_raw_data(wide);
}

void widen(ValueInfoProto& value) {
  if (!value.type().has_tensor_type()) return;
  auto& type = *value.mutable_type()->mutable_tensor_type();
  if (type.elem_type() == TensorProto::FLOAT16) type.set_elem_type(TensorProto::FLOAT);
}

void widen(GraphProto& graph);

void widen(NodeProto& node) {
  for (AttributeProto& attribute : *node.mutable_attribute()) {
    const bool names_type =
        (node.op_type() == "Cast" && attribute.name() == "to") || attribute.name() == "dtype";
    if (names_type && attribute.i() == TensorProto::FLOAT16) attribute.set_i(TensorProto::FLOAT);
    if (attribute.has_t()) widen(*attribute.mutable_t());
    for (TensorProto& tensor : *attribute.mutable_tensors()) widen(tensor);
    if (attribute.has_g()) widen(*attribute.mutable_g());
    for (GraphProto& body : *attribute.mutable_graphs()) widen(body);
  }
}

void widen(GraphProto& graph) {
  for (ValueInfoProto& value : *graph.mutable_input()) widen(value);
  for (ValueInfoProto& value : *graph.mutable_output()) widen(value);
  for (ValueInfoProto& value : *graph.mutable_value_info()) widen(value);
  for (TensorProto& tensor : *graph.mutable_initializer()) widen(tensor);
  for (NodeProto& node : *graph.mutable_node()) widen(node);
}

}  // namespace

void widen_halves(::onnx::ModelProto& model) { widen(*model.mutable_graph()); }

}  // namespace hearth::onnx
