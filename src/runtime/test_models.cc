#include "runtime/test_models.h"

#include <gtest/gtest.h>
#include <onnx/onnx_pb.h>

#include <cmath>
#include <fstream>
#include <string>
#include <vector>

#include "onnx/model_file.h"
#include "onnx/synth.h"
#include "runtime/graph_facts.h"

namespace hearth::runtime {
namespace {

namespace fs = std::filesystem;

void declare(::onnx::ValueInfoProto* value, const char* name, ::onnx::TensorProto::DataType type,
             const std::vector<std::string>& dims) {
  value->set_name(name);
  auto* tensor = value->mutable_type()->mutable_tensor_type();
  tensor->set_elem_type(type);
  for (const std::string& dim : dims) {
    auto* added = tensor->mutable_shape()->add_dim();
    if (dim.find_first_not_of("0123456789") == std::string::npos) {
      added->set_dim_value(std::stoll(dim));
    } else {
      added->set_dim_param(dim);
    }
  }
}

void add_floats(::onnx::GraphProto* graph, const char* name, std::int64_t rows,
                std::int64_t columns) {
  auto* tensor = graph->add_initializer();
  tensor->set_name(name);
  tensor->set_data_type(::onnx::TensorProto::FLOAT);
  tensor->add_dims(rows);
  tensor->add_dims(columns);
  for (std::int64_t i = 0; i < rows * columns; ++i) {
    tensor->add_float_data(std::sin(static_cast<float>(i) * 1.7f) + 0.1f);
  }
}

void add_integers(::onnx::GraphProto* graph, const char* name,
                  const std::vector<std::int64_t>& values) {
  auto* tensor = graph->add_initializer();
  tensor->set_name(name);
  tensor->set_data_type(::onnx::TensorProto::INT64);
  tensor->add_dims(static_cast<std::int64_t>(values.size()));
  for (const std::int64_t value : values) tensor->add_int64_data(value);
}

::onnx::NodeProto* add_node(::onnx::GraphProto* graph, const char* op,
                            const std::vector<const char*>& inputs, const char* output) {
  auto* node = graph->add_node();
  node->set_op_type(op);
  node->set_name(output);
  for (const char* input : inputs) node->add_input(input);
  node->add_output(output);
  return node;
}

void set_integer(::onnx::NodeProto* node, const char* name, std::int64_t value) {
  auto* attribute = node->add_attribute();
  attribute->set_name(name);
  attribute->set_type(::onnx::AttributeProto::INT);
  attribute->set_i(value);
}

::onnx::ModelProto concatenating_model() {
  using ::onnx::TensorProto;
  ::onnx::ModelProto model;
  model.set_ir_version(7);
  auto* opset = model.add_opset_import();
  opset->set_domain("");
  opset->set_version(14);
  auto* graph = model.mutable_graph();
  graph->set_name("main_graph");
  declare(graph->add_input(), "input_ids", TensorProto::INT64, {"batch_size", "sequence_length"});
  for (const char* name : {"past_key_values.0.key", "past_key_values.0.value"}) {
    declare(graph->add_input(), name, TensorProto::FLOAT, {"batch_size", "1", "past", "8"});
  }
  declare(graph->add_output(), "logits", TensorProto::FLOAT, {"batch_size", "1", "16"});
  for (const char* name : {"present.0.key", "present.0.value"}) {
    declare(graph->add_output(), name, TensorProto::FLOAT, {"batch_size", "1", "total", "8"});
  }
  add_floats(graph, "embedding", 16, 8);
  add_floats(graph, "projection", 8, 16);
  add_integers(graph, "one", {1});
  add_integers(graph, "two", {2});
  add_node(graph, "Gather", {"embedding", "input_ids"}, "rows");
  add_node(graph, "Unsqueeze", {"rows", "one"}, "new_key");
  add_node(graph, "Cos", {"new_key"}, "new_value");
  set_integer(add_node(graph, "Concat", {"past_key_values.0.key", "new_key"}, "present.0.key"),
              "axis", 2);
  set_integer(
      add_node(graph, "Concat", {"past_key_values.0.value", "new_value"}, "present.0.value"),
      "axis", 2);
  add_node(graph, "Mul", {"present.0.key", "present.0.value"}, "mixed");
  set_integer(add_node(graph, "ReduceSum", {"mixed", "two"}, "summed"), "keepdims", 0);
  add_node(graph, "MatMul", {"summed", "projection"}, "logits");
  return model;
}

}  // namespace

onnx::DecoderConfig tiny_config(bool long_rope) {
  onnx::DecoderConfig config;
  config.hidden_size = 256;
  config.intermediate_size = 512;
  config.layers = 2;
  config.heads = 4;
  config.kv_heads = 2;
  config.head_dim = 64;
  config.vocab_size = 512;
  config.max_position_embeddings = 128;
  config.original_max_position_embeddings = 32;
  config.partial_rotary_factor = 0.75;
  if (long_rope) {
    const auto pairs = static_cast<std::size_t>(config.rotary_dim() / 2);
    config.short_factor.assign(pairs, 1.0);
    for (std::size_t i = 0; i < pairs; ++i) {
      config.long_factor.push_back(1.0 + 0.5 * static_cast<double>(i));
    }
  }
  return config;
}

fs::path make_model(const fs::path& parent, const onnx::DecoderConfig& config,
                    onnx::Precision precision) {
  onnx::SynthOptions options;
  options.config = config;
  options.precision = precision;
  options.seed = 7;
  options.out_dir = parent / "model";
  const auto made = onnx::synthesise(options);
  EXPECT_TRUE(made) << made.error().message;
  return options.out_dir;
}

fs::path make_large_model(const fs::path& parent) {
  fs::path folder = make_model(parent, tiny_config(true));
  auto model = onnx::read_model(folder / "model.onnx");
  EXPECT_TRUE(model) << model.error().message;
  if (!model) return folder;
  model->set_doc_string(std::string(kKeptFromModelBytes, 'x'));
  const auto written = onnx::write_model(folder / "model.onnx", *model);
  EXPECT_TRUE(written) << written.error().message;
  return folder;
}

std::string letters_tokenizer_json() {
  return R"({"pre_tokenizer": {"type": "ByteLevel"}, "model": {"type": "BPE", "merges": [],
    "vocab": {"a": 0, "b": 1, "c": 2, "d": 3, "e": 4, "f": 5, "g": 6, "h": 7, "i": 8, "j": 9,
              "k": 10, "l": 11, "m": 12, "n": 13, "o": 14, "p": 15}}})";
}

fs::path make_concatenating_model(const fs::path& parent) {
  fs::path folder = parent / "model";
  fs::create_directory(folder);
  std::ofstream(folder / "model.onnx", std::ios::binary)
      << concatenating_model().SerializeAsString();
  std::ofstream(folder / "genai_config.json") << R"({"model": {"type": "phi3",
    "context_length": 128, "vocab_size": 16, "eos_token_id": [15], "decoder": {
    "filename": "model.onnx", "head_size": 8, "hidden_size": 8, "num_attention_heads": 1,
    "num_hidden_layers": 1, "num_key_value_heads": 1,
    "inputs": {"input_ids": "input_ids", "past_key_names": "past_key_values.%d.key",
               "past_value_names": "past_key_values.%d.value"},
    "outputs": {"logits": "logits", "present_key_names": "present.%d.key",
                "present_value_names": "present.%d.value"}}}})";
  std::ofstream(folder / "tokenizer.json") << letters_tokenizer_json();
  return folder;
}

}  // namespace hearth::runtime
