// A float folder quantised must be what the builder makes of the same weights; and everything that
// is chosen, refused and measured on the way.
#include "onnx/quantise_plan.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>
#include <string>

#include "base/file.h"
#include "onnx/decoder_builder.h"
#include "onnx/external_data.h"
#include "onnx/model_file.h"
#include "onnx/quantise_write.h"
#include "onnx/random_weights.h"
#include "onnx/test_models.h"

namespace hearth::onnx {
namespace {

namespace fs = std::filesystem;
using ::onnx::ModelProto;

DecoderConfig tiny_config() {
  DecoderConfig config;
  config.hidden_size = 64;
  config.intermediate_size = 96;
  config.layers = 2;
  config.heads = 4;
  config.kv_heads = 2;
  config.head_dim = 32;
  config.vocab_size = 300;
  config.max_position_embeddings = 64;
  config.eos_token_ids = {299};
  return config;
}

/// model.onnx and its data in `folder`.
void build(const fs::path& folder, const DecoderConfig& config, Precision precision) {
  fs::create_directories(folder);
  const auto plan = DecoderPlan::make(config, precision);
  ASSERT_TRUE(plan) << plan.error().message;
  RandomWeights weights(5);
  const auto written = write_decoder(*plan, weights, folder, 2, {});
  ASSERT_TRUE(written) << written.error().message;
}

Result<std::vector<LinearReport>> quantise(const fs::path& from, const fs::path& to,
                                           const QuantiseOptions& options,
                                           MomentsSource* calibration = nullptr,
                                           const ProgressFn& progress = {}) {
  fs::create_directories(to);
  HEARTH_TRY(ModelProto model, read_model(from / "model.onnx"));
  HEARTH_TRY(const auto plan, QuantisePlan::make(std::move(model), options));
  return write_quantised(plan, from, to, 2, progress, calibration);
}

void expect_same_files(const fs::path& one, const fs::path& other) {
  for (const char* name : {"model.onnx", "model.onnx.data"}) {
    EXPECT_TRUE(*read_file(one / name) == *read_file(other / name)) << name;
  }
}

struct Case {
  const char* name;
  int bits;
  int block_size;
  bool asymmetric;
  bool position_ids;
};

TEST(QuantisePlan, GivesTheBytesThatTheBuilderGives) {
  for (const Case& c :
       {Case{"int4", 4, 32, false, false}, Case{"int8", 8, 32, false, false},
        Case{"zero points", 4, 64, true, true}, Case{"int8 zero points", 8, 128, true, false}}) {
    SCOPED_TRACE(c.name);
    const TemporaryFolder folder;
    DecoderConfig config = tiny_config();
    config.switches.position_ids = c.position_ids;
    build(folder / "fp32", config, Precision::kFp32);
    config.switches.block_size = c.block_size;
    config.switches.asymmetric = c.asymmetric;
    build(folder / "built", config, c.bits == 4 ? Precision::kInt4 : Precision::kInt8);
    QuantiseOptions options;
    options.format = {c.bits, c.block_size, c.asymmetric, ScaleType::kFloat32};
    const auto reports = quantise(folder / "fp32", folder / "made", options);
    ASSERT_TRUE(reports) << reports.error().message;
    expect_same_files(folder / "made", folder / "built");
    for (const LinearReport& report : *reports) {
      EXPECT_GT(report.weight_error, c.bits == 4 ? 0.03 : 0.002) << report.node;
      EXPECT_LT(report.weight_error, c.bits == 4 ? 0.20 : 0.02) << report.node;
      EXPECT_FALSE(report.output_error);
    }
  }
}

TEST(QuantisePlan, Float16ComesOutInTheReleasedLayout) {
  const TemporaryFolder folder;
  build(folder / "fp16", tiny_config(), Precision::kFp16);
  build(folder / "fp32", tiny_config(), Precision::kFp32);
  ASSERT_TRUE(quantise(folder / "fp16", folder / "from16", {}));
  ASSERT_TRUE(quantise(folder / "fp32", folder / "from32", {}));
  const auto half = read_model(folder / "from16" / "model.onnx");
  const auto whole = read_model(folder / "from32" / "model.onnx");
  ASSERT_TRUE(half && whole);
  EXPECT_EQ(half->SerializeAsString(), whole->SerializeAsString());
  EXPECT_TRUE(check_external_data(*half, folder / "from16"));
  EXPECT_EQ(*file_size_bytes(folder / "from16" / "model.onnx.data"),
            *file_size_bytes(folder / "from32" / "model.onnx.data"));
}

std::set<std::string> eight_bits(const QuantisePlan& plan) {
  std::set<std::string> names;
  for (const LinearJob& job : plan.linears()) {
    if (job.format.bits == 8) names.insert(job.node);
  }
  return names;
}

/// Eight layers: the first, the last, and every third between.
std::set<std::string> expected_eight_bits(const std::string& value) {
  std::set<std::string> names{"/lm_head/MatMul"};
  for (const char* layer : {"0", "3", "6", "7"}) {
    const std::string base = "/model/layers." + std::string(layer);
    names.insert(base + "/attn/" + value + "/MatMul");
    names.insert(base + "/mlp/down_proj/MatMul");
  }
  return names;
}

TEST(QuantisePlan, MixedKeepsHeadAndSensitiveLayersInEightBits) {
  const TemporaryFolder folder;
  QuantiseOptions options;
  options.mixed = true;
  for (const bool position_ids : {false, true}) {
    DecoderConfig config = tiny_config();
    config.layers = 8;
    config.switches.position_ids = position_ids;
    const fs::path from = folder / (position_ids ? "apart" : "packed");
    build(from, config, Precision::kFp32);
    const auto plan = QuantisePlan::make(*read_model(from / "model.onnx"), options);
    ASSERT_TRUE(plan) << plan.error().message;
    EXPECT_EQ(eight_bits(*plan), expected_eight_bits(position_ids ? "v_proj" : "qkv_proj"));
    EXPECT_EQ(plan->linears().size(), position_ids ? 8U * 7 + 1 : 8U * 5 + 1);
  }
}

TEST(QuantisePlan, NamesMeanNothing) {
  const TemporaryFolder folder;
  DecoderConfig config = tiny_config();
  config.layers = 8;
  build(folder / "fp32", config, Precision::kFp32);
  ModelProto model = *read_model(folder / "fp32" / "model.onnx");
  int counter = 0;
  for (auto& node : *model.mutable_graph()->mutable_node()) {
    node.set_name("n" + std::to_string(counter++));
  }
  QuantiseOptions options;
  options.mixed = true;
  const auto plan = QuantisePlan::make(model, options);
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_EQ(eight_bits(*plan).size(), 9U);
}

TEST(QuantisePlan, AWeightThatIsReadOtherwiseStays) {
  ModelProto model;
  model.set_ir_version(7);
  model.add_opset_import()->set_version(14);
  auto& graph = *model.mutable_graph();
  testing::add_value(graph.add_input(), "x", {2, 3});
  testing::add_value(graph.add_output(), "y", {2, 4});
  testing::add_value(graph.add_output(), "z", {2, 4});
  testing::add_node(graph, "MatMul", {"x", "w"}, {"p"}, "first");
  testing::add_node(graph, "MatMul", {"x", "w"}, {"y"}, "second");
  testing::add_node(graph, "MatMul", {"x", "v"}, {"q"}, "third");
  testing::add_node(graph, "Add", {"p", "q"}, {"z"}, "sum");
  testing::add_node(graph, "Shape", {"v"}, {"shape"}, "other");
  for (const char* name : {"w", "v"}) {
    auto* tensor = graph.add_initializer();
    tensor->set_name(name);
    tensor->set_data_type(::onnx::TensorProto::FLOAT);
    tensor->add_dims(3);
    tensor->add_dims(4);
    const std::vector<float> values{0, 1, 2, 3, 4, 5, 6, 7, 8, -1, -2, -3};
    tensor->set_raw_data(values.data(), values.size() * sizeof(float));
  }
  const auto plan = QuantisePlan::make(model, {});
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_EQ(plan->linears().size(), 2U) << "one for both products with w";
  std::set<std::string> names;
  for (const auto& tensor : plan->model().graph().initializer()) names.insert(tensor.name());
  EXPECT_EQ(names, (std::set<std::string>{"v", "w_Q4", "w_scales", "v_Q4", "v_scales"}));
  const TemporaryFolder folder;
  const auto reports = write_quantised(*plan, folder.path(), folder.path(), 1, {}, nullptr);
  ASSERT_TRUE(reports) << reports.error().message;
  const auto written = read_model(folder / "model.onnx");
  ASSERT_TRUE(written);
  EXPECT_TRUE(check_external_data(*written, folder.path()));
}

TEST(QuantisePlan, WhatCannotBeIsRefused) {
  const TemporaryFolder folder;
  build(folder / "int4", tiny_config(), Precision::kInt4);
  build(folder / "fp32", tiny_config(), Precision::kFp32);
  const auto again = quantise(folder / "int4", folder / "again", {});
  ASSERT_FALSE(again);
  EXPECT_NE(again.error().message.find("quantised already"), std::string::npos);
  QuantiseOptions dynamic;
  dynamic.layout = QuantLayout::kDynamic;
  for (int wrong = 0; wrong < 4; ++wrong) {
    QuantiseOptions options = dynamic;
    options.format.bits = wrong == 0 ? 4 : 8;
    options.format.asymmetric = wrong == 1;
    options.mixed = wrong == 2;
    if (wrong == 3) options.method = QuantMethod::kSearched;
    EXPECT_FALSE(quantise(folder / "fp32", folder / "dynamic", options)) << wrong;
  }
  QuantiseOptions size;
  size.format.block_size = 48;
  EXPECT_FALSE(quantise(folder / "fp32", folder / "size", size));
}

/// Overwrites one float of the first product's weight.
void spoil(const fs::path& folder, float value) {
  const auto model = read_model(folder / "model.onnx");
  ASSERT_TRUE(model);
  for (const auto& tensor : model->graph().initializer()) {
    if (tensor.name().find("layers.1.mlp.up_proj") == std::string::npos) continue;
    const auto place = tensor_location(tensor);
    std::fstream data(folder / "model.onnx.data", std::ios::in | std::ios::out | std::ios::binary);
    data.seekp(static_cast<std::streamoff>(place->offset + (40 * 96 + 3) * sizeof(float)));
    data.write(reinterpret_cast<const char*>(&value), sizeof(value));
  }
}

TEST(QuantiseWrite, WhatIsNoNumberIsRefusedByNameAndPlace) {
  const TemporaryFolder folder;
  build(folder / "fp32", tiny_config(), Precision::kFp32);
  for (const float value :
       {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity()}) {
    spoil(folder / "fp32", value);
    QuantiseOptions dynamic;
    dynamic.layout = QuantLayout::kDynamic;
    dynamic.format.bits = 8;
    for (const QuantiseOptions& options : {QuantiseOptions{}, dynamic}) {
      const fs::path out =
          folder / (std::to_string(options.format.bits) + (std::isnan(value) ? "nan" : "inf"));
      const auto done = quantise(folder / "fp32", out, options);
      ASSERT_FALSE(done);
      EXPECT_NE(done.error().message.find("model.layers.1.mlp.up_proj"), std::string::npos);
      EXPECT_NE(done.error().message.find("row 3 from column"), std::string::npos)
          << done.error().message;
    }
  }
}

TEST(QuantiseWrite, CanBeCancelled) {
  const TemporaryFolder folder;
  build(folder / "fp32", tiny_config(), Precision::kFp32);
  const auto done = quantise(folder / "fp32", folder / "out", {}, nullptr,
                             [](std::uint64_t, std::uint64_t) { return false; });
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::kCancelled);
}

TEST(QuantiseWrite, AllOfTheDataFileIsWritten) {
  const TemporaryFolder folder;
  build(folder / "fp32", tiny_config(), Precision::kFp32);
  std::uint64_t last = 0;
  const auto model = read_model(folder / "fp32" / "model.onnx");
  const auto plan = QuantisePlan::make(*model, {});
  ASSERT_TRUE(plan);
  std::uint64_t payload = 0;
  for (const CopyJob& job : plan->copies()) payload += job.data.bytes;
  for (const LinearJob& job : plan->linears()) payload += job.data.bytes + job.scales.bytes;
  ASSERT_TRUE(quantise(folder / "fp32", folder / "out", {}, nullptr,
                       [&last](std::uint64_t done, std::uint64_t) { return last = done, true; }));
  EXPECT_EQ(last, payload);
}

/// Inputs that are all independent and of mean square 1, except for one column of each.
class MadeUpMoments : public MomentsSource {
 public:
  std::uint64_t memory_bytes() const override { return memory; }

  Result<std::vector<std::vector<float>>> moments(std::span<const InputValue> inputs) override {
    ++runs;
    std::vector<std::vector<float>> all;
    for (const InputValue& input : inputs) {
      asked.insert(input.name);
      const auto k = static_cast<std::size_t>(input.width);
      all.emplace_back(k * k, 0.0F);
      for (std::size_t i = 0; i < k; ++i) all.back()[i * k + i] = i == 0 ? 1e4F : 1.0F;
    }
    return all;
  }

  std::uint64_t memory = kMomentsBytesLeast;
  std::set<std::string> asked;
  std::size_t runs = 0;
};

TEST(QuantiseWrite, CalibrationMeasuresOutputsOfEveryProduct) {
  const TemporaryFolder folder;
  build(folder / "fp32", tiny_config(), Precision::kFp32);
  for (const QuantMethod method :
       {QuantMethod::kNearest, QuantMethod::kSearched, QuantMethod::kFeedback}) {
    QuantiseOptions options;
    options.method = method;
    MadeUpMoments moments;
    const auto reports = quantise(
        folder / "fp32", folder / std::to_string(static_cast<int>(method)), options, &moments);
    ASSERT_TRUE(reports) << reports.error().message;
    EXPECT_EQ(moments.asked.size(), 2U * 4 + 1) << "gate and up share theirs";
    for (const LinearReport& report : *reports) {
      ASSERT_TRUE(report.output_error) << report.node;
      EXPECT_GT(*report.output_error, 0.0);
      // The heavy column lies on the grid better where the method knows of it.
      if (method != QuantMethod::kNearest) {
        EXPECT_LT(*report.output_error, report.weight_error);
      }
    }
  }
}

TEST(QuantiseWrite, MemoryDecidesHowOftenTheTextIsRunAndNothingElse) {
  const TemporaryFolder folder;
  build(folder / "fp32", tiny_config(), Precision::kFp32);
  QuantiseOptions options;
  options.method = QuantMethod::kFeedback;
  auto model = read_model(folder / "fp32" / "model.onnx");
  ASSERT_TRUE(model);
  const auto plan = QuantisePlan::make(std::move(*model), options);
  ASSERT_TRUE(plan);
  std::int64_t widest = 0;
  for (const LinearJob& job : plan->linears()) widest = std::max(widest, job.k);
  const auto square = static_cast<std::uint64_t>(widest * widest);
  std::vector<std::size_t> runs;
  for (const std::uint64_t memory : {std::uint64_t{1}, 24 * square, kMomentsBytesLeast}) {
    MadeUpMoments moments;
    moments.memory = memory;
    const std::string name = "out" + std::to_string(runs.size());
    ASSERT_TRUE(quantise(folder / "fp32", folder / name, options, &moments));
    EXPECT_EQ(moments.runs, calibration_runs(*plan, memory));
    expect_same_files(folder / "out0", folder / name);
    runs.push_back(moments.runs);
  }
  EXPECT_EQ(runs[0], 2U * 4 + 1);
  EXPECT_LT(runs[1], runs[0]);
  EXPECT_GT(runs[1], 1U);
  EXPECT_EQ(runs[2], 1U);
}

}  // namespace
}  // namespace hearth::onnx
