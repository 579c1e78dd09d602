// The built graph against the published facts of Phi-4-mini's release: sizes, counts, names,
// attributes.
#include "onnx/decoder_builder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "onnx/decoder_graph.h"
#include "onnx/external_data.h"
#include "onnx/graph_view.h"
#include "onnx/model_file.h"
#include "onnx/random_weights.h"
#include "onnx/rotary_tables.h"
#include "onnx/test_models.h"

namespace hearth::onnx {
namespace {

using ::onnx::NodeProto;
using ::onnx::TensorProto;

DecoderPlan make_plan(const DecoderConfig& config, Precision precision) {
  auto plan = DecoderPlan::make(config, precision);
  EXPECT_TRUE(plan) << plan.error().message;
  return std::move(*plan);
}

std::string file_bytes(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream content;
  content << file.rdbuf();
  return content.str();
}

const TensorProto* find_initializer(const DecoderPlan& plan, const std::string& name) {
  for (const TensorProto& tensor : plan.model().graph().initializer()) {
    if (tensor.name() == name) return &tensor;
  }
  return nullptr;
}

std::vector<std::int64_t> dims_of(const DecoderPlan& plan, const std::string& name) {
  const TensorProto* tensor = find_initializer(plan, name);
  EXPECT_NE(tensor, nullptr) << name;
  if (tensor == nullptr) return {};
  return {tensor->dims().begin(), tensor->dims().end()};
}

TEST(DecoderBuilder, Phi4MiniHasThePublishedSizes) {
  const DecoderPlan plan = make_plan(phi_4_mini(), Precision::kInt4);
  EXPECT_EQ(plan.data_bytes(), 4856573952U);  // 4.86 GB, proof of what is stored in which type
  // 52.1 MB, of which 51,904,512 are the rotary tables.
  EXPECT_GT(plan.model_bytes(), 52050000U);
  EXPECT_LT(plan.model_bytes(), 52150000U);
}

TEST(DecoderBuilder, Phi4MiniHasThePublishedNodes) {
  const DecoderPlan plan = make_plan(phi_4_mini(), Precision::kInt4);
  std::map<std::string, int> counts;
  for (const NodeProto& node : plan.model().graph().node()) ++counts[node.op_type()];
  EXPECT_EQ(counts["MatMulNBits"], 161);
  EXPECT_EQ(counts["GroupQueryAttention"], 32);
  EXPECT_EQ(counts["SimplifiedLayerNormalization"], 1);
  EXPECT_EQ(counts["SkipSimplifiedLayerNormalization"], 64);
  EXPECT_EQ(counts["If"], 1);
  EXPECT_EQ(counts["GatherBlockQuantized"], 0);
  EXPECT_EQ(counts["RotaryEmbedding"], 0);
  EXPECT_EQ(plan.model().ir_version(), 7);
  EXPECT_EQ(plan.model().producer_name(), "onnxruntime-genai");
  EXPECT_EQ(plan.model().graph().name(), "main_graph");
  EXPECT_FALSE(plan.model().opset_import(0).has_domain());
  EXPECT_EQ(plan.model().opset_import(0).version(), 14);
  EXPECT_EQ(plan.model().opset_import(1).domain(), "com.microsoft");
  EXPECT_EQ(plan.model().opset_import(1).version(), 1);
}

TEST(DecoderBuilder, Phi4MiniHasThePublishedTensors) {
  const DecoderPlan plan = make_plan(phi_4_mini(), Precision::kInt4);
  using Dims = std::vector<std::int64_t>;
  const std::string layer = "model.layers.31.";
  EXPECT_EQ(dims_of(plan, "model.embed_tokens.weight"), (Dims{200064, 3072}));
  EXPECT_EQ(dims_of(plan, layer + "attn.qkv_proj.MatMul.weight_Q4"), (Dims{5120, 96, 16}));
  EXPECT_EQ(dims_of(plan, layer + "attn.qkv_proj.MatMul.weight_scales"), (Dims{5120 * 96}));
  EXPECT_EQ(dims_of(plan, layer + "attn.o_proj.MatMul.weight_Q4"), (Dims{3072, 96, 16}));
  EXPECT_EQ(dims_of(plan, layer + "mlp.gate_proj.MatMul.weight_Q4"), (Dims{8192, 96, 16}));
  EXPECT_EQ(dims_of(plan, layer + "mlp.up_proj.MatMul.weight_Q4"), (Dims{8192, 96, 16}));
  EXPECT_EQ(dims_of(plan, layer + "mlp.down_proj.MatMul.weight_Q4"), (Dims{3072, 256, 16}));
  EXPECT_EQ(dims_of(plan, "lm_head.MatMul.weight_scales"), (Dims{200064 * 96}));
  EXPECT_EQ(dims_of(plan, "model.layers.32.final_norm_layernorm.weight"), (Dims{3072}));
  EXPECT_EQ(find_initializer(plan, layer + "attn.qkv_proj.MatMul.weight_zero_points"), nullptr);
  EXPECT_EQ(find_initializer(plan, "lm_head.MatMul.weight_Q4")->data_type(), TensorProto::UINT8);
}

TEST(DecoderBuilder, OtherVariantsHaveTheComputedSizes) {
  // The gpu variant of the release: float16, position ids, one joined table: 3,413,194,752 bytes.
  DecoderConfig gpu = phi_4_mini();
  gpu.switches.fp16_io = true;
  gpu.switches.position_ids = true;
  // Ours is longer by what brings 65 norms of 6,144 bytes to multiples of 4,096.
  EXPECT_EQ(make_plan(gpu, Precision::kInt4).data_bytes(), 3413194752U + 65 * 2048);
  // "shared_embeddings int4 2.40 GB", "int8 sym all 6.77 GB".
  DecoderConfig shared = phi_4_mini();
  shared.switches.quantised_embedding = true;
  EXPECT_NEAR(static_cast<double>(make_plan(shared, Precision::kInt4).data_bytes()), 2.40e9, 5e6);
  EXPECT_NEAR(static_cast<double>(make_plan(phi_4_mini(), Precision::kInt8).data_bytes()), 6.77e9,
              5e6);
  // With zero points: 4.917 GB.
  DecoderConfig asymmetric = phi_4_mini();
  asymmetric.switches.asymmetric = true;
  EXPECT_NEAR(static_cast<double>(make_plan(asymmetric, Precision::kInt4).data_bytes()), 4.917e9,
              1e6);
  // 3,836,021,760 parameters, the tied embedding stored twice.
  const std::uint64_t parameters = 3836021760ULL + 614596608ULL;
  EXPECT_EQ(make_plan(phi_4_mini(), Precision::kFp32).data_bytes(), parameters * 4);
}

TEST(DecoderBuilder, TheReleasedGraphIsNotSortedAndTheViewSortsIt) {
  const DecoderPlan plan = make_plan(testing::small_config(), Precision::kInt4);
  const auto& graph = plan.model().graph();
  EXPECT_EQ(graph.node(0).op_type(), "Constant");
  EXPECT_EQ(graph.node(1).op_type(), "Greater");
  EXPECT_EQ(graph.node(1).input(0), "/model/attn_mask_reformat/attn_mask_subgraph/Gather/output_0");
  EXPECT_EQ(graph.node(2).op_type(), "If");
  const auto view = GraphView::build(graph);
  ASSERT_TRUE(view) << view.error().message;
  const auto position = [&](const std::string& op) {
    const auto nodes = view->nodes();
    return std::find_if(nodes.begin(), nodes.end(),
                        [&](const NodeProto* node) { return node->op_type() == op; }) -
           nodes.begin();
  };
  EXPECT_LT(position("Shape"), position("Greater"));
  EXPECT_LT(position("Greater"), position("If"));
  EXPECT_LT(position("If"), position("GroupQueryAttention"));
}

TEST(DecoderBuilder, AttributesAreThoseOfTheRelease) {
  const DecoderPlan plan = make_plan(phi_4_mini(), Precision::kInt4);
  for (const NodeProto& node : plan.model().graph().node()) {
    if (node.name() == "/model/layers.5/attn/GroupQueryAttention") {
      EXPECT_EQ(attribute_int(node, "num_heads").value_or(0), 24);
      EXPECT_EQ(attribute_int(node, "kv_num_heads").value_or(0), 8);
      EXPECT_EQ(attribute_int(node, "do_rotary").value_or(0), 1);
      EXPECT_EQ(attribute_float_or(node, "scale", 0).value_or(0), 0.088388346F);
      EXPECT_EQ(node.input_size(), 9);
      EXPECT_EQ(node.input(0), "/model/layers.5/attn/qkv_proj/MatMul/output_0");
      EXPECT_EQ(node.input(1), "");
      EXPECT_EQ(node.input(7), "cos_cache");
    } else if (node.name() == "/lm_head/MatMul_Q4") {
      EXPECT_EQ(attribute_int(node, "K").value_or(0), 3072);
      EXPECT_EQ(attribute_int(node, "N").value_or(0), 200064);
      EXPECT_EQ(attribute_int(node, "bits").value_or(0), 4);
      EXPECT_EQ(attribute_int(node, "block_size").value_or(0), 32);
      EXPECT_EQ(attribute_int(node, "accuracy_level").value_or(0), 4);
      EXPECT_EQ(node.output(0), "logits");
    }
  }
}

TEST(DecoderBuilder, BytesDoNotDependOnThreads) {
  DecoderConfig config = testing::small_config();
  config.vocab_size = 40000;  // several pieces per tensor
  config.hidden_size = 256;
  for (const Precision precision : {Precision::kInt4, Precision::kFp16}) {
    const DecoderPlan plan = make_plan(config, precision);
    std::vector<std::string> outputs;
    for (const int threads : {1, 2, 7}) {
      const TemporaryFolder folder;
      RandomWeights weights(5);
      ASSERT_TRUE(write_decoder(plan, weights, folder.path(), threads, {}));
      outputs.push_back(file_bytes(folder / kDataFileName));
      const auto model = read_model(folder / "model.onnx");
      ASSERT_TRUE(model);
      const auto checked = check_external_data(*model, folder.path());
      EXPECT_TRUE(checked) << checked.error().message;
    }
    EXPECT_EQ(outputs[0].size(), plan.data_bytes());
    EXPECT_TRUE(outputs[0] == outputs[1]);
    EXPECT_TRUE(outputs[0] == outputs[2]);
  }
}

TEST(DecoderBuilder, SeedsDiffer) {
  const WeightId id{WeightRole::kGate, 0, 8, 64};
  std::vector<float> a(512);
  std::vector<float> b(512);
  ASSERT_TRUE(RandomWeights(1).read_rows(id, 0, 8, a));
  ASSERT_TRUE(RandomWeights(2).read_rows(id, 0, 8, b));
  EXPECT_NE(a, b);
  std::vector<float> row(64);
  ASSERT_TRUE(RandomWeights(1).read_rows(id, 5, 1, row));
  EXPECT_TRUE(std::equal(row.begin(), row.end(), a.begin() + 5 * 64));
}

TEST(DecoderBuilder, RandomWeightsHaveTheStatedStatistics) {
  RandomWeights weights(3);
  const WeightId id{WeightRole::kDown, 1, 512, 2048};
  std::vector<float> values(512 * 2048);
  ASSERT_TRUE(weights.read_rows(id, 0, 512, values));
  double sum = 0;
  double squares = 0;
  std::vector<double> column_squares(2048);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double v = values[i];
    sum += v;
    squares += v * v;
    column_squares[i % 2048] += v * v;
  }
  const double count = static_cast<double>(values.size());
  EXPECT_NEAR(sum / count, 0, 1e-4);
  EXPECT_NEAR(squares / count * 2048, 1.0, 0.01);
  const double median = [&] {
    auto sorted = column_squares;
    std::nth_element(sorted.begin(), sorted.begin() + 1024, sorted.end());
    return sorted[1024];
  }();
  const auto outliers = std::count_if(column_squares.begin(), column_squares.end(),
                                      [&](double v) { return v > 9 * median; });
  EXPECT_GT(outliers, 4);
  EXPECT_LT(outliers, 40);
}

TEST(DecoderBuilder, RefusesWhatCannotBeBuilt) {
  DecoderConfig config = testing::small_config();
  config.switches.quantised_embedding = true;
  EXPECT_FALSE(DecoderPlan::make(config, Precision::kFp32));
  config = testing::small_config();
  config.switches.fp16_io = true;
  EXPECT_FALSE(DecoderPlan::make(config, Precision::kFp32));
  config = testing::small_config();
  config.kv_heads = 3;
  EXPECT_FALSE(DecoderPlan::make(config, Precision::kInt4));
}

TEST(DecoderBuilder, WriteFailuresComeBack) {
  const DecoderPlan plan = make_plan(testing::small_config(), Precision::kInt4);
  RandomWeights weights(1);
  const auto nowhere = write_decoder(plan, weights, "/nonexistent/folder", 2, {});
  ASSERT_FALSE(nowhere);
  EXPECT_NE(nowhere.error().message.find("/nonexistent/folder"), std::string::npos);
  const TemporaryFolder folder;
  const auto cancelled = write_decoder(plan, weights, folder.path(), 2,
                                       [](std::uint64_t, std::uint64_t) { return false; });
  ASSERT_FALSE(cancelled);
  EXPECT_EQ(cancelled.error().code, ErrorCode::kCancelled);
}

/// A source with one NaN in one matrix.
class Poisoned : public WeightSource {
 public:
  Result<void> read_rows(const WeightId& id, std::int64_t first_row, std::int64_t count,
                         std::span<float> out) override {
    HEARTH_TRY_VOID(random_.read_rows(id, first_row, count, out));
    if (id.role == WeightRole::kUp && id.layer == 1)
      out[70] = std::numeric_limits<float>::quiet_NaN();
    return {};
  }

 private:
  RandomWeights random_{1};
};

TEST(DecoderBuilder, NamesTheWeightThatIsNotANumber) {
  const DecoderPlan plan = make_plan(testing::small_config(), Precision::kInt4);
  Poisoned weights;
  const TemporaryFolder folder;
  const auto written = write_decoder(plan, weights, folder.path(), 2, {});
  ASSERT_FALSE(written);
  EXPECT_NE(written.error().message.find("layer 1 up"), std::string::npos)
      << written.error().message;
}

TEST(RotaryTables, MagnitudeIsThePublishedOne) {
  EXPECT_NEAR(rotary_magnitude(phi_4_mini()), 1.1902381, 1e-7);
}

TEST(RotaryTables, JoinedIsShortThenLong) {
  const DecoderConfig config = testing::small_config();
  std::vector<float> joined(static_cast<std::size_t>(272 * 8));
  std::vector<float> small(16 * 8);
  std::vector<float> large(256 * 8);
  for (const bool sine : {false, true}) {
    fill_rotary_rows(config, RotaryTable::kJoined, sine, 0, joined);
    fill_rotary_rows(config, RotaryTable::kShort, sine, 0, small);
    fill_rotary_rows(config, RotaryTable::kLong, sine, 0, large);
    EXPECT_TRUE(std::equal(small.begin(), small.end(), joined.begin()));
    EXPECT_TRUE(std::equal(large.begin(), large.end(), joined.begin() + 16 * 8));
  }
}

}  // namespace
}  // namespace hearth::onnx
