// Small ONNX models for tests, made by hand.
#pragma once

#include <gtest/gtest.h>
#include <onnx/onnx_pb.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <string>
#include <utility>

#include "base/test_folder.h"
#include "onnx/decoder_config.h"

namespace hearth::onnx::testing {

inline void write_text(const std::filesystem::path& path, const std::string& content) {
  std::ofstream(path, std::ios::binary) << content;
}

/// A Phi-3 style decoder in small, with two rotary tables that change places beyond 16 tokens.
inline DecoderConfig small_config(int layers = 2) {
  DecoderConfig config;
  config.hidden_size = 64;
  config.intermediate_size = 96;
  config.layers = layers;
  config.heads = 4;
  config.kv_heads = 2;
  config.head_dim = 32;
  config.vocab_size = 300;
  config.max_position_embeddings = 256;
  config.original_max_position_embeddings = 16;
  config.partial_rotary_factor = 0.5;
  config.short_factor.assign(8, 1.0);
  config.long_factor = {1, 1.25, 1.5, 2, 4, 8, 12, 16};
  config.eos_token_ids = {299};
  return config;
}

inline ::onnx::NodeProto* add_node(::onnx::GraphProto& graph, const std::string& op,
                                   std::initializer_list<std::string> inputs,
                                   std::initializer_list<std::string> outputs,
                                   const std::string& name) {
  auto* node = graph.add_node();
  node->set_op_type(op);
  node->set_name(name);
  for (const auto& input : inputs) node->add_input(input);
  for (const auto& output : outputs) node->add_output(output);
  return node;
}

inline void add_value(::onnx::ValueInfoProto* value, const std::string& name,
                      std::initializer_list<std::int64_t> dims,
                      std::int32_t type = ::onnx::TensorProto::FLOAT) {
  value->set_name(name);
  auto* tensor = value->mutable_type()->mutable_tensor_type();
  tensor->set_elem_type(type);
  for (const auto dim : dims) tensor->mutable_shape()->add_dim()->set_dim_value(dim);
}

inline ::onnx::TensorProto* add_external(::onnx::GraphProto& graph, const std::string& name,
                                         std::initializer_list<std::int64_t> dims,
                                         const std::string& file, const std::string& offset,
                                         const std::string& length) {
  auto* tensor = graph.add_initializer();
  tensor->set_name(name);
  tensor->set_data_type(::onnx::TensorProto::FLOAT);
  for (const auto dim : dims) tensor->add_dims(dim);
  tensor->set_data_location(::onnx::TensorProto::EXTERNAL);
  for (const auto& [key, value] : {std::pair<std::string, std::string>{"location", file},
                                   {"offset", offset},
                                   {"length", length}}) {
    auto* entry = tensor->add_external_data();
    entry->set_key(key);
    entry->set_value(value);
  }
  return tensor;
}

/// y = relu(x + w): one input, one output, an external weight of [2, 3] floats at byte 8 of
/// "w.bin".
inline ::onnx::ModelProto small_model() {
  ::onnx::ModelProto model;
  model.set_ir_version(7);
  model.add_opset_import()->set_version(14);
  auto& graph = *model.mutable_graph();
  graph.set_name("small");
  add_value(graph.add_input(), "x", {2, 3});
  add_value(graph.add_output(), "y", {2, 3});
  add_node(graph, "Add", {"x", "w"}, {"sum"}, "add");
  add_node(graph, "Relu", {"sum"}, {"y"}, "relu");
  add_external(graph, "w", {2, 3}, "w.bin", "8", "24");
  return model;
}

}  // namespace hearth::onnx::testing
