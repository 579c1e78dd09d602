#include "onnx/passes/ragged_graph.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <string>

#include "onnx/decoder_builder.h"
#include "onnx/decoder_config.h"

namespace hearth::onnx {
namespace {

using ::onnx::GraphProto;
using ::onnx::ModelProto;
using ::onnx::NodeProto;
using ::onnx::TensorProto;

DecoderConfig small_config(bool long_rope) {
  DecoderConfig config;
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
    config.short_factor.assign(24, 1.0);
    config.long_factor.assign(24, 2.0);
  }
  return config;
}

ModelProto small_decoder(bool long_rope = true) {
  const auto plan = DecoderPlan::make(small_config(long_rope), Precision::kInt4);
  EXPECT_TRUE(plan) << plan.error().message;
  return plan->model();
}

NodeProto& node_of(ModelProto& model, const std::string& op, int skip = 0) {
  for (NodeProto& node : *model.mutable_graph()->mutable_node()) {
    if (node.op_type() == op && skip-- == 0) return node;
  }
  ADD_FAILURE() << "no node " << op;
  return *model.mutable_graph()->mutable_node(0);
}

std::size_t count(const ModelProto& model, const std::string& op) {
  const auto& nodes = model.graph().node();
  return static_cast<std::size_t>(std::count_if(
      nodes.begin(), nodes.end(), [&](const NodeProto& node) { return node.op_type() == op; }));
}

TEST(MakeRagged, LeavesOnlyRowWiseNodesAndTheSmallTensors) {
  const auto ragged = make_ragged(small_decoder(), {});
  ASSERT_TRUE(ragged) << ragged.error().message;
  EXPECT_EQ(ragged->linears.size(), 11u);  // five of each layer, and the head
  EXPECT_EQ(ragged->layers.size(), 2u);
  ASSERT_EQ(ragged->tables.size(), 1u) << "layers share their tables";
  ASSERT_TRUE(ragged->tables[0].long_cos);
  EXPECT_EQ(ragged->tables[0].cos.rows, 32);
  EXPECT_EQ(ragged->tables[0].long_cos->rows, 128);
  EXPECT_EQ(ragged->rotary_positions, 128);
  EXPECT_EQ(ragged->layers[0].rotary_dim, 48);
  for (const char* gone :
       {"If", "Shape", "ReduceSum", "GroupQueryAttention", "MatMulNBits", "Sigmoid", "Greater",
        "SimplifiedLayerNormalization", "SkipSimplifiedLayerNormalization"}) {
    EXPECT_EQ(count(ragged->model, gone), 0u) << gone;
  }
  EXPECT_EQ(count(ragged->model, "PagedAttention"), 2u);
  EXPECT_EQ(count(ragged->model, "NormLinear"), 5u) << "two of each layer, gate and up are one";
  EXPECT_EQ(count(ragged->model, "QuantLinear"), 4u);
  EXPECT_EQ(ragged->model.graph().output_size(), 1);
  EXPECT_EQ(ragged->model.graph().input_size(), 5);
  for (const TensorProto& tensor : ragged->model.graph().initializer()) {
    EXPECT_NE(tensor.data_type(), TensorProto::UINT8) << tensor.name() << " is still a weight";
  }
}

/// One change to a graph that would be accepted without it, and what the refusal must name.
struct Refusal {
  const char* name;
  std::function<void(ModelProto&)> change;
  const char* says;
};

void set_int_attribute(NodeProto& node, const std::string& name, std::int64_t value) {
  auto* attribute = node.add_attribute();
  attribute->set_name(name);
  attribute->set_type(::onnx::AttributeProto::INT);
  attribute->set_i(value);
}

/// Puts a node of one input between the first `op` and those who read it.
NodeProto& insert_behind(ModelProto& model, const std::string& op, const std::string& inserted) {
  GraphProto& graph = *model.mutable_graph();
  NodeProto& source = node_of(model, op);
  const std::string value = source.output(0);
  source.set_output(0, value + "_before");
  NodeProto& node = *graph.add_node();
  node.set_op_type(inserted);
  node.set_name("the inserted node");
  node.add_input(value + "_before");
  node.add_output(value);
  return node;
}

TEST(MakeRagged, RefusesWhateverMayMixRows) {
  const Refusal refusals[] = {
      {"a sum over the rows",
       [](ModelProto& model) {
         set_int_attribute(insert_behind(model, "SimplifiedLayerNormalization", "CumSum"),
                           "exclusive", 0);
       },
       "(CumSum) is not known to treat every row alone"},
      {"a softmax of unknown axis",
       [](ModelProto& model) { insert_behind(model, "Mul", "Softmax"); }, "(Softmax)"},
      {"a norm over all rows",
       [](ModelProto& model) {
         for (auto& attribute :
              *node_of(model, "SimplifiedLayerNormalization").mutable_attribute()) {
           if (attribute.name() == "axis") attribute.set_i(1);
         }
       },
       "normalises over more than a row"},
      {"statistics of a norm",
       [](ModelProto& model) {
         node_of(model, "SkipSimplifiedLayerNormalization").set_output(1, "mean");
       },
       "gives statistics"},
      {"an attention bias",
       [](ModelProto& model) {
         NodeProto& node = node_of(model, "GroupQueryAttention");
         while (node.input_size() < 10) node.add_input("");
         node.add_input(node.input(0));
       },
       "which the accelerated attention does not take"},
      {"an attention that is not causal",
       [](ModelProto& model) {
         set_int_attribute(node_of(model, "GroupQueryAttention"), "causal", 0);
       },
       "has causal 0"},
      {"a cache that another node reads",
       [](ModelProto& model) {
         NodeProto& node = *model.mutable_graph()->add_node();
         node.set_op_type("Relu");
         node.add_input("present.0.key");
         node.add_output("read_cache");
       },
       "has a cache that other nodes read"},
      {"a mask that is read outside the attention",
       [](ModelProto& model) {
         GraphProto& graph = *model.mutable_graph();
         NodeProto& cast = *graph.add_node();
         cast.set_op_type("Cast");
         cast.set_name("the mask as numbers");
         cast.add_input("attention_mask");
         cast.add_output("mask_numbers");
         set_int_attribute(cast, "to", TensorProto::FLOAT);
         NodeProto& add = insert_behind(model, "SimplifiedLayerNormalization", "Add");
         add.add_input("mask_numbers");
       },
       "'attention_mask', which is different for each sequence"},
      {"a product with two rows' values",
       [](ModelProto& model) {
         NodeProto& node = insert_behind(model, "GroupQueryAttention", "MatMul");
         node.add_input(node.input(0));
       },
       "(MatMul)"},
      {"weights in another spelling",
       [](ModelProto& model) {
         for (auto& attribute : *node_of(model, "MatMulNBits").mutable_attribute()) {
           if (attribute.name() == "bits") attribute.set_i(2);
         }
       },
       "(MatMulNBits)"},
      {"an operator of our own",
       [](ModelProto& model) {
         insert_behind(model, "Mul", "QuantLinear").set_domain("hearth");
         auto* domain = model.add_opset_import();
         domain->set_domain("hearth");
         domain->set_version(1);
       },
       "is of the domain 'hearth'"},
      {"logits that are read twice",
       [](ModelProto& model) {
         NodeProto& node = *model.mutable_graph()->add_node();
         node.set_op_type("Relu");
         node.add_input("logits");
         node.add_output("other");
         auto* output = model.mutable_graph()->add_output();
         *output = model.graph().output(0);
         output->set_name("other");
       },
       "one matrix product"},
  };
  for (const Refusal& refusal : refusals) {
    SCOPED_TRACE(refusal.name);
    ModelProto model = small_decoder();
    refusal.change(model);
    const auto ragged = make_ragged(std::move(model), {});
    ASSERT_FALSE(ragged);
    EXPECT_NE(ragged.error().message.find(refusal.says), std::string::npos)
        << ragged.error().message;
  }
}

/// What the second norm and the product of gate and up behind it become.
struct Norms {
  const char* name;
  std::function<void(ModelProto&)> change;
  std::size_t joined;  ///< norms that products took
  std::size_t left;
};

const std::string kSkipNorm = "SkipSimplifiedLayerNormalization";

/// Inputs of `op` nodes that read `value` read `other`.
void read_instead(ModelProto& model, const std::string& op, const std::string& value,
                  const std::string& other) {
  for (NodeProto& node : *model.mutable_graph()->mutable_node()) {
    if (node.op_type() != op) continue;
    std::replace(node.mutable_input()->begin(), node.mutable_input()->end(), value, other);
  }
}

/// The product behind the second norm alone reads that norm's sum; the next norm adds the normed
/// rows instead, or, if those shall have no reader, what the sum was made of.
void multiply_the_sum(ModelProto& model, bool normed_is_read) {
  const NodeProto norm = node_of(model, kSkipNorm);
  read_instead(model, "MatMulNBits", norm.output(0), norm.output(3));
  read_instead(model, kSkipNorm, norm.output(3), normed_is_read ? norm.output(0) : norm.input(0));
}

TEST(MakeRagged, NormsStayWhereProductsCannotTakeThem) {
  const Norms all[] = {
      {"as it is", [](ModelProto&) {}, 5, 0},
      {"another node reads the normed rows",
       [](ModelProto& model) {
         const std::string normed = node_of(model, "SimplifiedLayerNormalization").output(0);
         insert_behind(model, "GroupQueryAttention", "Add").add_input(normed);
       },
       4, 1},
      {"the product reads the sum, nobody what is normed",
       [](ModelProto& model) { multiply_the_sum(model, false); }, 4, 1},
      {"the product reads the sum, another node what is normed",
       [](ModelProto& model) { multiply_the_sum(model, true); }, 4, 1},
      {"a norm along the last of three dimensions",
       [](ModelProto& model) {
         for (auto& attribute :
              *node_of(model, "SimplifiedLayerNormalization").mutable_attribute()) {
           if (attribute.name() == "axis") attribute.set_i(2);
         }
       },
       5, 0},
      {"the last norm has a sum that nobody reads",
       [](ModelProto& model) {
         NodeProto& last = node_of(model, kSkipNorm, 3);
         while (last.output_size() < 4) last.add_output("");
         last.set_output(3, "an unread sum");
       },
       5, 0},
  };
  for (const Norms& norms : all) {
    SCOPED_TRACE(norms.name);
    ModelProto model = small_decoder();
    norms.change(model);
    const auto ragged = make_ragged(std::move(model), {});
    ASSERT_TRUE(ragged) << ragged.error().message;
    EXPECT_EQ(count(ragged->model, "NormLinear"), norms.joined);
    EXPECT_EQ(
        count(ragged->model, "SimplifiedLayerNormalization") + count(ragged->model, kSkipNorm),
        norms.left);
  }
}

TEST(MakeRagged, AcceptsWhatTreatsEachRowAlone) {
  for (const char* op : {"Relu", "Tanh", "Neg", "Identity"}) {
    ModelProto model = small_decoder();
    insert_behind(model, "SimplifiedLayerNormalization", op);
    const auto ragged = make_ragged(std::move(model), {});
    EXPECT_TRUE(ragged) << op << ": " << ragged.error().message;
  }
}

}  // namespace
}  // namespace hearth::onnx
