// Paged attention means what com.microsoft.GroupQueryAttention means: both are run on the same
// rows.
#include <gtest/gtest.h>
#include <onnx/onnx_pb.h>
#include <onnxruntime_cxx_api.h>

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "kernels/attention.h"
#include "kernels/attention_test_support.h"

namespace hearth::kernels {
namespace {

using testing::PagedSequences;
using testing::random_rows;
using testing::SequenceRows;

/// A call of GroupQueryAttention, in the attributes of that operator.
struct Case {
  std::string name;
  AttentionShape shape;
  std::int64_t local_window_size = -1;
  bool smooth_softmax = false;
};

void add_attribute(::onnx::NodeProto& node, const std::string& name, std::int64_t value) {
  ::onnx::AttributeProto& attribute = *node.add_attribute();
  attribute.set_name(name);
  attribute.set_type(::onnx::AttributeProto::INT);
  attribute.set_i(value);
}

void add_attribute(::onnx::NodeProto& node, const std::string& name, float value) {
  ::onnx::AttributeProto& attribute = *node.add_attribute();
  attribute.set_name(name);
  attribute.set_type(::onnx::AttributeProto::FLOAT);
  attribute.set_f(value);
}

void add_value(::onnx::ValueInfoProto& value, const std::string& name, std::int32_t type,
               int dimensions) {
  value.set_name(name);
  ::onnx::TypeProto::Tensor& tensor = *value.mutable_type()->mutable_tensor_type();
  tensor.set_elem_type(type);
  for (int i = 0; i < dimensions; ++i) {
    tensor.mutable_shape()->add_dim()->set_dim_param(name + std::to_string(i));
  }
}

/// A model of one node.
std::string model_of(const Case& each) {
  const std::int32_t real = ::onnx::TensorProto::FLOAT;
  const std::int32_t integer = ::onnx::TensorProto::INT32;
  ::onnx::ModelProto model;
  model.set_ir_version(8);
  ::onnx::OperatorSetIdProto& plain = *model.add_opset_import();
  plain.set_version(17);
  ::onnx::OperatorSetIdProto& microsoft = *model.add_opset_import();
  microsoft.set_domain("com.microsoft");
  microsoft.set_version(1);
  ::onnx::GraphProto& graph = *model.mutable_graph();
  graph.set_name("attention");
  ::onnx::NodeProto& node = *graph.add_node();
  node.set_op_type("GroupQueryAttention");
  node.set_domain("com.microsoft");
  const bool rotary = each.shape.rotary_dim > 0;
  const bool sinks = each.shape.sinks != nullptr;
  for (const char* input : {"qkv", "", "", "past_key", "past_value", "seqlens", "total"}) {
    node.add_input(input);
  }
  node.add_input(rotary ? "cos" : "");
  node.add_input(rotary ? "sin" : "");
  if (sinks) {
    node.add_input("");
    node.add_input("");
    node.add_input("sinks");
  }
  for (const char* output : {"out", "present_key", "present_value"}) node.add_output(output);
  add_attribute(node, "num_heads", each.shape.query_heads);
  add_attribute(node, "kv_num_heads", each.shape.kv_heads);
  add_attribute(node, "scale", each.shape.scale);
  add_attribute(node, "softcap", each.shape.softcap);
  add_attribute(node, "do_rotary", std::int64_t{rotary});
  add_attribute(node, "rotary_interleaved", std::int64_t{each.shape.rotary_interleaved});
  add_attribute(node, "local_window_size", each.local_window_size);
  if (each.smooth_softmax) add_attribute(node, "smooth_softmax", std::int64_t{1});
  add_value(*graph.add_input(), "qkv", real, 3);
  add_value(*graph.add_input(), "past_key", real, 4);
  add_value(*graph.add_input(), "past_value", real, 4);
  add_value(*graph.add_input(), "seqlens", integer, 1);
  add_value(*graph.add_input(), "total", integer, 0);
  if (rotary) {
    add_value(*graph.add_input(), "cos", real, 2);
    add_value(*graph.add_input(), "sin", real, 2);
  }
  if (sinks) add_value(*graph.add_input(), "sinks", real, 1);
  add_value(*graph.add_output(), "out", real, 3);
  add_value(*graph.add_output(), "present_key", real, 4);
  add_value(*graph.add_output(), "present_value", real, 4);
  return model.SerializeAsString();
}

template <class T>
Ort::Value tensor_of(std::vector<T>& data, const std::vector<std::int64_t>& shape) {
  const auto memory = Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
  return Ort::Value::CreateTensor<T>(memory, data.data(), data.size(), shape.data(), shape.size());
}

std::vector<float> floats_of(const Ort::Value& value) {
  const auto* data = value.GetTensorData<float>();
  return {data, data + value.GetTensorTypeAndShapeInfo().GetElementCount()};
}

/// ONNX Runtime's outputs for a prompt of `prompt` rows and the rest one by one.
std::vector<float> ask_onnxruntime(const Case& each, SequenceRows rows, std::int64_t prompt,
                                   std::vector<float> sinks) {
  const AttentionShape& shape = each.shape;
  static const Ort::Env environment(ORT_LOGGING_LEVEL_ERROR, "test");
  const std::string model = model_of(each);
  Ort::SessionOptions options;
  options.SetIntraOpNumThreads(1);
  Ort::Session session(environment, model.data(), model.size(), options);
  const auto slice = [](const std::vector<float>& all, std::int64_t from, std::int64_t to) {
    return std::vector<float>(all.begin() + from, all.begin() + to);
  };
  std::vector<float> out;
  std::vector<float> keys;
  std::vector<float> values;
  for (std::int64_t past = 0; past < rows.tokens;) {
    const std::int64_t count = past == 0 ? prompt : 1;
    std::vector<float> packed;
    for (std::int64_t t = past; t < past + count; ++t) {
      for (const auto* part : {&rows.q, &rows.k, &rows.v}) {
        const auto width = static_cast<std::int64_t>(part->size()) / rows.tokens;
        const std::vector<float> row = slice(*part, t * width, (t + 1) * width);
        packed.insert(packed.end(), row.begin(), row.end());
      }
    }
    const std::int64_t width = static_cast<std::int64_t>(packed.size()) / count;
    const std::vector<std::int64_t> cache{1, shape.kv_heads, past, shape.head_dim};
    std::vector<std::int32_t> last{static_cast<std::int32_t>(past + count - 1)};
    std::vector<std::int32_t> total{static_cast<std::int32_t>(past + count)};
    std::vector<const char*> names{"qkv", "past_key", "past_value", "seqlens", "total"};
    std::vector<Ort::Value> inputs;
    inputs.push_back(tensor_of(packed, {1, count, width}));
    inputs.push_back(tensor_of(keys, cache));
    inputs.push_back(tensor_of(values, cache));
    inputs.push_back(tensor_of(last, {1}));
    inputs.push_back(tensor_of(total, {}));
    if (shape.rotary_dim > 0) {
      names.insert(names.end(), {"cos", "sin"});
      inputs.push_back(tensor_of(rows.cos, {rows.tokens, shape.rotary_dim / 2}));
      inputs.push_back(tensor_of(rows.sin, {rows.tokens, shape.rotary_dim / 2}));
    }
    if (shape.sinks != nullptr) {
      names.push_back("sinks");
      inputs.push_back(tensor_of(sinks, {shape.query_heads}));
    }
    const char* outputs[] = {"out", "present_key", "present_value"};
    const auto results = session.Run(Ort::RunOptions{nullptr}, names.data(), inputs.data(),
                                     inputs.size(), outputs, 3);
    const std::vector<float> step = floats_of(results[0]);
    out.insert(out.end(), step.begin(), step.end());
    keys = floats_of(results[1]);
    values = floats_of(results[2]);
    past += count;
  }
  return out;
}

void expect_same_meaning(const Case& each) {
  SCOPED_TRACE(each.name);
  constexpr std::int64_t kTokens = 60;
  constexpr std::int64_t kPrompt = 50;
  const SequenceRows rows = random_rows(each.shape, kTokens, 3);
  std::vector<float> sinks;
  if (each.shape.sinks != nullptr && !each.smooth_softmax) {
    sinks.assign(each.shape.sinks, each.shape.sinks + each.shape.query_heads);
  }
  Case asked = each;
  if (each.smooth_softmax) asked.shape.sinks = nullptr;
  const std::vector<float> expected = ask_onnxruntime(asked, rows, kPrompt, sinks);
  PagedSequences sequences(each.shape, KvElement::kFloat32, 32, 128, 5);
  sequences.add(rows);
  sequences.step({kPrompt}, attention_for(best_isa()), 2);
  for (std::int64_t i = kPrompt; i < kTokens; ++i) {
    sequences.step({1}, attention_for(best_isa()), 2);
  }
  const std::vector<float>& out = sequences.out(0);
  ASSERT_EQ(out.size(), expected.size());
  float greatest = 0;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const float difference = std::abs(out[i] - expected[i]);
    if (!(difference <= greatest)) greatest = difference;
  }
  EXPECT_LT(greatest, 1e-5F);
}

AttentionShape small_shape() {
  AttentionShape shape;
  shape.query_heads = 6;
  shape.kv_heads = 2;
  shape.head_dim = 64;
  shape.rotary_dim = 48;
  shape.scale = 0.11F;
  return shape;
}

TEST(AttentionOrt, Rotary) {
  Case each{"half split", small_shape()};
  expect_same_meaning(each);
  each.name = "interleaved";
  each.shape.rotary_interleaved = true;
  expect_same_meaning(each);
  each.name = "none";
  each.shape.rotary_dim = 0;
  expect_same_meaning(each);
}

TEST(AttentionOrt, Softcap) {
  Case each{"softcap", small_shape()};
  each.shape.softcap = 3.0F;
  expect_same_meaning(each);
}

TEST(AttentionOrt, Window) {
  for (const std::int64_t window : {1, 7, 49, 100}) {
    Case each{"window " + std::to_string(window), small_shape()};
    each.local_window_size = window;
    each.shape.window = window;
    expect_same_meaning(each);
  }
}

TEST(AttentionOrt, Sinks) {
  const std::vector<float> sinks{0.5F, -1.0F, 2.0F, 0.0F, 1.0F, 3.0F};
  Case each{"sinks", small_shape()};
  each.shape.sinks = sinks.data();
  expect_same_meaning(each);
}

TEST(AttentionOrt, SmoothSoftmaxIsASinkOfZero) {
  const std::vector<float> zeros(6, 0.0F);
  Case each{"smooth softmax", small_shape()};
  each.shape.sinks = zeros.data();
  each.smooth_softmax = true;
  expect_same_meaning(each);
}

}  // namespace
}  // namespace hearth::kernels
