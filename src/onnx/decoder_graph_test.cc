// What is read from a decoder graph, on graphs of every variant and on broken ones.
#include "onnx/decoder_graph.h"

#include <gtest/gtest.h>

#include <functional>
#include <random>
#include <string>
#include <vector>

#include "onnx/decoder_builder.h"
#include "onnx/test_models.h"

namespace hearth::onnx {
namespace {

using ::onnx::GraphProto;
using ::onnx::TensorProto;

GraphProto graph_of(const DecoderConfig& config, Precision precision) {
  const auto plan = DecoderPlan::make(config, precision);
  EXPECT_TRUE(plan) << plan.error().message;
  return plan->model().graph();
}

Result<DecoderGraphInfo> info_of(const GraphProto& graph, DecoderIoNames names = {}) {
  HEARTH_TRY(const GraphView view, GraphView::build(graph));
  for (const auto& input : view.inputs()) {
    if (input.name == "position_ids") names.position_ids = input.name;
  }
  return read_decoder_graph(view, names);
}

std::string refusal(const GraphProto& graph, const DecoderIoNames& names = {}) {
  const auto info = info_of(graph, names);
  return info ? "accepted" : info.error().message;
}

TEST(DecoderGraph, ReadsPhi4MiniFromItsGraphAlone) {
  const auto info = info_of(graph_of(phi_4_mini(), Precision::kInt4));
  ASSERT_TRUE(info) << info.error().message;
  EXPECT_EQ(info->layers, 32);
  EXPECT_EQ(info->kv_heads, 8);
  EXPECT_EQ(info->head_dim, 128);
  EXPECT_EQ(info->query_heads, 24);
  EXPECT_EQ(info->vocab_size, 200064);
  EXPECT_EQ(info->hidden_size, 3072);
  EXPECT_EQ(info->cache_element_type, TensorProto::FLOAT);
  EXPECT_EQ(info->logits_element_type, TensorProto::FLOAT);
  EXPECT_TRUE(info->has_attention_mask);
  EXPECT_FALSE(info->has_position_ids);
  EXPECT_TRUE(info->uses_group_query_attention);
  ASSERT_TRUE(info->long_rope);
  EXPECT_EQ(info->long_rope->threshold_tokens, 4096);
  EXPECT_EQ(info->matmul_precisions, (std::map<std::string, std::int64_t>{{"int4 block 32", 161}}));
  EXPECT_EQ(info->weight_bytes, 4856573952U);
  // "Decode reads 2.397 GB of weights per token": blocks 2.013 GB and lm_head 0.384 GB, norms, a
  // row.
  const std::uint64_t blocks = 32ULL * (9830400 + 5898240 + 3 * 15728640);
  const std::uint64_t head = 307298304 + 76824576;
  const std::uint64_t norms = 199680 * 4;
  EXPECT_EQ(info->bytes_read_per_token, blocks + head + norms + 3072 * 4);
}

TEST(DecoderGraph, ReadsEveryVariant) {
  struct Case {
    Precision precision;
    std::function<void(GraphSwitches&)> change;
    std::map<std::string, std::int64_t> precisions;
  };
  const std::vector<Case> cases = {
      {Precision::kInt8, [](auto&) {}, {{"int8 block 32", 16}}},
      {Precision::kFp16, [](auto&) {}, {{"float16", 16}}},
      {Precision::kFp32, [](auto&) {}, {{"float32", 16}}},
      {Precision::kInt4, [](auto& s) { s.position_ids = true; }, {{"int4 block 32", 22}}},
      {Precision::kInt4, [](auto& s) { s.qk_norm = s.qkv_bias = true; }, {{"int4 block 32", 22}}},
      {Precision::kInt4, [](auto& s) { s.quantised_embedding = true; }, {{"int4 block 32", 16}}},
      {Precision::kInt8, [](auto& s) { s.quantised_embedding = true; }, {{"int8 block 32", 16}}},
      {Precision::kInt4,
       [](auto& s) {
         s.asymmetric = true;
         s.block_size = 64;
       },
       {{"int4 block 64 with zero points", 16}}},
      {Precision::kInt4, [](auto& s) { s.fp16_io = true; }, {{"int4 block 32", 16}}},
  };
  for (const Case& one : cases) {
    for (const bool tied : {false, true}) {
      DecoderConfig config = testing::small_config(3);
      config.tie_word_embeddings = tied;
      one.change(config.switches);
      const auto info = info_of(graph_of(config, one.precision));
      ASSERT_TRUE(info) << info.error().message;
      EXPECT_EQ(info->layers, 3);
      EXPECT_EQ(info->query_heads, 4);
      EXPECT_EQ(info->hidden_size, 64);
      EXPECT_EQ(info->has_position_ids, config.switches.position_ids);
      const bool half = config.switches.fp16_io || one.precision == Precision::kFp16;
      EXPECT_EQ(info->cache_element_type, half ? TensorProto::FLOAT16 : TensorProto::FLOAT);
      ASSERT_TRUE(info->long_rope);
      EXPECT_EQ(info->long_rope->threshold_tokens, 16);
      EXPECT_EQ(info->matmul_precisions, one.precisions);
      EXPECT_GT(info->bytes_read_per_token, 0U);
      EXPECT_LE(info->bytes_read_per_token, info->weight_bytes);
    }
  }
}

TEST(DecoderGraph, WithoutLongRopeThereIsNone) {
  DecoderConfig config = testing::small_config(3);
  config.short_factor.clear();
  config.long_factor.clear();
  for (const bool position_ids : {false, true}) {
    config.switches.position_ids = position_ids;
    const auto info = info_of(graph_of(config, Precision::kInt4));
    ASSERT_TRUE(info) << info.error().message;
    EXPECT_FALSE(info->long_rope);
  }
}

TEST(DecoderGraph, NodeNamesAndOrderDoNotMatter) {
  GraphProto graph = graph_of(testing::small_config(3), Precision::kInt4);
  const auto before = info_of(graph);
  std::mt19937 random(9);
  for (int i = graph.node_size() - 1; i >= 0; --i) {
    graph.mutable_node(i)->set_name("n" + std::to_string(random()));
    graph.mutable_node()->SwapElements(i,
                                       static_cast<int>(random() % static_cast<unsigned>(i + 1)));
  }
  const auto after = info_of(graph);
  ASSERT_TRUE(before);
  ASSERT_TRUE(after) << after.error().message;
  EXPECT_EQ(after->layers, before->layers);
  EXPECT_EQ(after->bytes_read_per_token, before->bytes_read_per_token);
  EXPECT_EQ(after->long_rope->threshold_tokens, before->long_rope->threshold_tokens);
}

::onnx::NodeProto& node_of(GraphProto& graph, const std::string& op) {
  for (auto& node : *graph.mutable_node()) {
    if (node.op_type() == op) return node;
  }
  ADD_FAILURE() << op;
  return *graph.mutable_node(0);
}

TEST(DecoderGraph, UnderstandsEveryComparisonOfLengths) {
  struct Case {
    std::string op;
    bool swapped;
    std::int64_t threshold;
    bool long_when_true;
  };
  // length OP 16, or 16 OP length.
  for (const Case& one :
       {Case{"Greater", false, 16, true}, Case{"GreaterOrEqual", false, 15, true},
        Case{"Less", false, 15, false}, Case{"LessOrEqual", false, 16, false},
        Case{"Less", true, 16, true}, Case{"LessOrEqual", true, 15, true},
        Case{"Greater", true, 15, false}, Case{"GreaterOrEqual", true, 16, false}}) {
    GraphProto graph = graph_of(testing::small_config(3), Precision::kInt4);
    auto& comparison = node_of(graph, "Greater");
    comparison.set_op_type(one.op);
    if (one.swapped) comparison.mutable_input()->SwapElements(0, 1);
    auto& choice = node_of(graph, "If");
    const auto swap_branches = [&choice] {
      choice.mutable_attribute(0)->mutable_name()->swap(
          *choice.mutable_attribute(1)->mutable_name());
    };
    if (!one.long_when_true) swap_branches();
    const auto info = info_of(graph);
    ASSERT_TRUE(info) << one.op << ": " << info.error().message;
    EXPECT_EQ(info->long_rope->threshold_tokens, one.threshold) << one.op << one.swapped;
    swap_branches();  // now the long table serves short sequences
    EXPECT_NE(refusal(graph).find("chooses the rotary tables"), std::string::npos) << one.op;
  }
}

TEST(DecoderGraph, RefusesSwitchesItDoesNotUnderstand) {
  GraphProto graph = graph_of(testing::small_config(3), Precision::kInt4);
  node_of(graph, "Greater").set_op_type("Equal");
  EXPECT_NE(refusal(graph).find("chooses the rotary tables"), std::string::npos);
}

TEST(DecoderGraph, NamesWhatIsMissing) {
  const GraphProto good = graph_of(testing::small_config(3), Precision::kInt4);
  DecoderIoNames names;
  names.input_ids = "tokens";
  EXPECT_NE(refusal(good, names).find("no input 'tokens'"), std::string::npos);
  names = {};
  names.logits = "scores";
  EXPECT_NE(refusal(good, names).find("no output 'scores'"), std::string::npos);
  names = {};
  names.past_key = "past.%d.k";
  EXPECT_NE(refusal(good, names).find("no input 'past.0.k'"), std::string::npos);
  names = {};
  names.present_value = "present.key";
  EXPECT_NE(refusal(good, names).find("one %d"), std::string::npos);
  names = {};
  names.attention_mask = "";
  EXPECT_NE(refusal(good, names).find("wants the input 'attention_mask'"), std::string::npos);
}

TEST(DecoderGraph, RefusesInconsistentLayers) {
  const GraphProto good = graph_of(testing::small_config(3), Precision::kInt4);
  GraphProto graph = good;
  for (auto& input : *graph.mutable_input()) {
    if (input.name() != "past_key_values.1.value") continue;
    input.mutable_type()->mutable_tensor_type()->mutable_shape()->mutable_dim(3)->set_dim_value(64);
  }
  EXPECT_NE(refusal(graph).find("'past_key_values.1.value' is float32[batch_size, 2, "
                                "past_sequence_length, 64]"),
            std::string::npos)
      << refusal(graph);
  graph = good;
  node_of(graph, "GroupQueryAttention").mutable_attribute(1)->set_i(4);
  EXPECT_NE(refusal(graph).find("key heads"), std::string::npos) << refusal(graph);
  graph = good;
  graph.mutable_output()->DeleteSubrange(graph.output_size() - 1, 1);
  EXPECT_NE(refusal(graph).find("no output 'present.2.value'"), std::string::npos);
}

}  // namespace
}  // namespace hearth::onnx
