// seed_models FOLDER: writes the seeds of the onnx_model target. Small, and each with a feature of
// its own, for the fuzzer to combine.
#include <onnx/onnx_pb.h>

#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <iostream>
#include <string>
#include <utility>

#include "onnx/model_file.h"

namespace {

namespace fs = std::filesystem;
using ::onnx::AttributeProto;
using ::onnx::GraphProto;
using ::onnx::ModelProto;
using ::onnx::NodeProto;
using ::onnx::TensorProto;

using Names = std::initializer_list<std::string>;
using Dims = std::initializer_list<std::int64_t>;

ModelProto empty_model() {
  ModelProto model;
  model.set_ir_version(7);
  auto* plain = model.add_opset_import();
  plain->set_version(14);
  auto* microsoft = model.add_opset_import();
  microsoft->set_domain("com.microsoft");
  microsoft->set_version(1);
  model.mutable_graph()->set_name("g");
  return model;
}

NodeProto* add_node(GraphProto& graph, const std::string& op, Names inputs, Names outputs,
                    const std::string& domain = "") {
  NodeProto* node = graph.add_node();
  node->set_op_type(op);
  node->set_domain(domain);
  node->set_name(op);
  for (const auto& name : inputs) node->add_input(name);
  for (const auto& name : outputs) node->add_output(name);
  return node;
}

void add_value(::onnx::ValueInfoProto* value, const std::string& name, Dims dims,
               std::int32_t type) {
  value->set_name(name);
  auto* tensor = value->mutable_type()->mutable_tensor_type();
  tensor->set_elem_type(type);
  for (const auto dim : dims) {
    auto* added = tensor->mutable_shape()->add_dim();
    if (dim < 0) {
      added->set_dim_param("n");
    } else {
      added->set_dim_value(dim);
    }
  }
}

TensorProto* add_weight(GraphProto& graph, const std::string& name, Dims dims,
                        TensorProto::DataType type, const std::string& bytes) {
  TensorProto* tensor = graph.add_initializer();
  tensor->set_name(name);
  tensor->set_data_type(type);
  for (const auto dim : dims) tensor->add_dims(dim);
  if (!bytes.empty()) tensor->set_raw_data(bytes);
  return tensor;
}

void add_external(GraphProto& graph, const std::string& name, Dims dims,
                  const std::string& offset) {
  TensorProto* tensor = add_weight(graph, name, dims, TensorProto::FLOAT, "");
  tensor->set_data_location(TensorProto::EXTERNAL);
  for (const auto& [key, value] :
       {std::pair<std::string, std::string>{"location", "model.onnx.data"},
        {"offset", offset},
        {"length", "24"}}) {
    auto* entry = tensor->add_external_data();
    entry->set_key(key);
    entry->set_value(value);
  }
}

AttributeProto* add_int(NodeProto* node, const std::string& name, std::int64_t value) {
  AttributeProto* attribute = node->add_attribute();
  attribute->set_name(name);
  attribute->set_type(AttributeProto::INT);
  attribute->set_i(value);
  return attribute;
}

/// y = relu(x + w), the weight outside.
ModelProto external_weight() {
  ModelProto model = empty_model();
  GraphProto& graph = *model.mutable_graph();
  add_value(graph.add_input(), "x", {-1, 3}, TensorProto::FLOAT);
  add_value(graph.add_output(), "y", {-1, 3}, TensorProto::FLOAT);
  add_node(graph, "Add", {"x", "w"}, {"s"});
  add_node(graph, "Relu", {"s"}, {"y"});
  add_external(graph, "w", {2, 3}, "8");
  return model;
}

/// Consumer before producer, and a small integer constant inside the file.
ModelProto unsorted() {
  ModelProto model = empty_model();
  GraphProto& graph = *model.mutable_graph();
  add_value(graph.add_input(), "x", {-1, 4}, TensorProto::FLOAT);
  add_value(graph.add_output(), "y", {2, -1}, TensorProto::FLOAT);
  add_node(graph, "Reshape", {"s", "shape"}, {"y"});
  add_node(graph, "Sigmoid", {"r"}, {"s"});
  add_node(graph, "Relu", {"x"}, {"r"});
  add_weight(graph, "shape", {2}, TensorProto::INT64,
             std::string("\2\0\0\0\0\0\0\0\4\0\0\0\0\0\0\0", 16));
  return model;
}

/// An If whose bodies read values from outside, and a Constant node.
ModelProto branches() {
  ModelProto model = empty_model();
  GraphProto& graph = *model.mutable_graph();
  add_value(graph.add_input(), "c", {}, TensorProto::BOOL);
  add_value(graph.add_input(), "x", {2}, TensorProto::FLOAT);
  add_value(graph.add_output(), "y", {2}, TensorProto::FLOAT);
  NodeProto* constant = add_node(graph, "Constant", {}, {"k"});
  AttributeProto* value = constant->add_attribute();
  value->set_name("value");
  value->set_type(AttributeProto::TENSOR);
  value->mutable_t()->set_data_type(TensorProto::INT64);
  value->mutable_t()->add_int64_data(4096);
  NodeProto* choice = add_node(graph, "If", {"c"}, {"y"});
  for (const char* name : {"then_branch", "else_branch"}) {
    AttributeProto* body = choice->add_attribute();
    body->set_name(name);
    body->set_type(AttributeProto::GRAPH);
    body->mutable_g()->set_name(name);
    add_node(*body->mutable_g(), name[0] == 't' ? "Relu" : "Abs", {"x"}, {"o"});
    add_value(body->mutable_g()->add_output(), "o", {2}, TensorProto::FLOAT);
  }
  return model;
}

/// The inputs, outputs and operators of a decoder with one layer.
ModelProto decoder() {
  ModelProto model = empty_model();
  GraphProto& graph = *model.mutable_graph();
  add_value(graph.add_input(), "input_ids", {-1, -1}, TensorProto::INT64);
  add_value(graph.add_input(), "attention_mask", {-1, -1}, TensorProto::INT64);
  add_value(graph.add_input(), "past_key_values.0.key", {-1, 1, -1, 4}, TensorProto::FLOAT);
  add_value(graph.add_input(), "past_key_values.0.value", {-1, 1, -1, 4}, TensorProto::FLOAT);
  add_value(graph.add_output(), "logits", {-1, -1, 8}, TensorProto::FLOAT);
  add_value(graph.add_output(), "present.0.key", {-1, 1, -1, 4}, TensorProto::FLOAT);
  add_value(graph.add_output(), "present.0.value", {-1, 1, -1, 4}, TensorProto::FLOAT);
  add_weight(graph, "e", {8, 8}, TensorProto::FLOAT, std::string(256, '\1'));
  add_weight(graph, "b", {8, 1, 4}, TensorProto::UINT8, std::string(32, '\x77'));
  add_weight(graph, "sc", {8}, TensorProto::FLOAT, std::string(32, '\1'));
  add_node(graph, "Gather", {"e", "input_ids"}, {"h"});
  NodeProto* attention =
      add_node(graph, "GroupQueryAttention",
               {"h", "", "", "past_key_values.0.key", "past_key_values.0.value", "l", "t"},
               {"a", "present.0.key", "present.0.value"}, "com.microsoft");
  add_int(attention, "num_heads", 2);
  add_int(attention, "kv_num_heads", 1);
  add_node(graph, "ReduceSum", {"attention_mask"}, {"l"});
  add_node(graph, "Shape", {"attention_mask"}, {"t"});
  NodeProto* product =
      add_node(graph, "MatMulNBits", {"a", "b", "sc"}, {"logits"}, "com.microsoft");
  for (const auto& [name, value] :
       {std::pair<const char*, std::int64_t>{"K", 8}, {"N", 8}, {"bits", 4}, {"block_size", 8}}) {
    add_int(product, name, value);
  }
  return model;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: seed_models FOLDER\n";
    return 2;
  }
  const std::pair<const char*, ModelProto> seeds[] = {{"external_weight", external_weight()},
                                                      {"unsorted", unsorted()},
                                                      {"branches", branches()},
                                                      {"decoder", decoder()}};
  for (const auto& [name, model] : seeds) {
    const auto written = hearth::onnx::write_model(fs::path(argv[1]) / name, model);
    if (!written) {
      std::cerr << written.error().message << "\n";
      return 1;
    }
  }
  return 0;
}
