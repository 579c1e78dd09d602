// Moments gathered through ONNX Runtime, and what quantised folders do in both executors.
#include "runtime/calibration.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "onnx/model_file.h"
#include "onnx/quantise_plan.h"
#include "runtime/accelerated_executor.h"
#include "runtime/stock_executor.h"
#include "runtime/test_models.h"

namespace hearth::runtime {
namespace {

namespace fs = std::filesystem;

std::vector<TokenId> some_tokens(std::size_t count) {
  std::vector<TokenId> tokens;
  for (std::size_t i = 0; i < count; ++i) tokens.push_back(static_cast<TokenId>(i * 7919 % 490));
  return tokens;
}

struct Source {
  explicit Source(const fs::path& parent, onnx::Precision precision = onnx::Precision::kFp32,
                  const onnx::DecoderConfig& config = tiny_config(true))
      : path(make_model(parent, config, precision)), folder(*open_model_folder(path)) {
    model = *onnx::read_model(folder.model_file);
  }

  fs::path path;
  ModelFolder folder;
  ::onnx::ModelProto model;
};

std::unique_ptr<Calibration> open(const Source& source, const onnx::QuantisePlan& plan,
                                  CalibrationOptions options) {
  std::vector<std::string> inputs;
  for (const auto& job : plan.linears()) inputs.push_back(job.input);
  auto calibration = Calibration::open(source.folder, source.model, inputs, std::move(options));
  EXPECT_TRUE(calibration) << calibration.error().message;
  return calibration ? std::move(*calibration) : nullptr;
}

TEST(Calibration, ANormsOutputHasTheEnergyOfItsWeights) {
  const TemporaryFolder parent;
  for (const onnx::Precision precision : {onnx::Precision::kFp32, onnx::Precision::kFp16}) {
    const TemporaryFolder own;
    const Source source(own.path(), precision);
    const auto plan = onnx::QuantisePlan::make(source.model, {});
    ASSERT_TRUE(plan) << plan.error().message;
    const std::size_t tokens = kCalibrationStretchTokens + 20;
    std::size_t told = 0;
    const auto calibration = open(source, *plan, {some_tokens(tokens), 2, [&](auto done, auto all) {
                                                    told = done;
                                                    return all == tokens;
                                                  }});
    ASSERT_TRUE(calibration);
    // The first product reads a norm's output: rows of mean square 1 times the norm's weights,
    // which are near 1.
    const onnx::LinearJob& first = plan->linears().front();
    const std::vector<onnx::InputValue> wanted{{first.input, first.k}};
    const auto moments = calibration->moments(wanted);
    ASSERT_TRUE(moments) << moments.error().message;
    EXPECT_EQ(told, tokens);
    double trace = 0;
    for (std::int64_t i = 0; i < first.k; ++i) {
      trace += (*moments)[0][static_cast<std::size_t>(i * first.k + i)];
    }
    EXPECT_NEAR(trace / static_cast<double>(tokens) / static_cast<double>(first.k), 1.0, 0.1);
  }
}

TEST(Calibration, CanBeCancelled) {
  const TemporaryFolder parent;
  const Source source(parent.path());
  const auto plan = onnx::QuantisePlan::make(source.model, {});
  const auto calibration =
      open(source, *plan, {some_tokens(10), 1, [](auto, auto) { return false; }});
  ASSERT_TRUE(calibration);
  const std::vector<onnx::InputValue> wanted{{plan->linears()[0].input, plan->linears()[0].k}};
  const auto moments = calibration->moments(wanted);
  ASSERT_FALSE(moments);
  EXPECT_EQ(moments.error().code, ErrorCode::kCancelled);
}

/// Quantises beside the source, whose other files are shared by copying.
ModelFolder quantised(const Source& source, const onnx::QuantiseOptions& options,
                      const fs::path& out, std::vector<onnx::LinearReport>& reports) {
  fs::copy(source.path, out);
  fs::remove(out / "model.onnx");
  fs::remove(out / "model.onnx.data");
  const auto plan = onnx::QuantisePlan::make(source.model, options);
  EXPECT_TRUE(plan) << plan.error().message;
  const auto calibration = open(source, *plan, {some_tokens(600), 2, {}});
  auto written = onnx::write_quantised(*plan, source.path, out, 2, {}, calibration.get());
  EXPECT_TRUE(written) << written.error().message;
  reports = written.value_or(std::vector<onnx::LinearReport>());
  auto folder = open_model_folder(out);
  EXPECT_TRUE(folder) << folder.error().message;
  return folder ? std::move(*folder) : ModelFolder();
}

std::vector<float> logits_of(engine::Executor& executor, const std::vector<TokenId>& tokens) {
  const auto count = static_cast<std::int64_t>(tokens.size());
  const auto id = executor.open_sequence({count, count});
  EXPECT_TRUE(id);
  const auto result = executor.run({{engine::Segment{*id, tokens, true}}});
  EXPECT_TRUE(result) << result.error().message;
  executor.close_sequence(*id);
  return result->logits;
}

double difference(const std::vector<float>& actual, const std::vector<float>& expected) {
  double off = 0;
  double energy = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    off += std::pow(double{actual[i]} - expected[i], 2);
    energy += std::pow(double{expected[i]}, 2);
  }
  return std::sqrt(off / energy);
}

TEST(QuantisedFolder, FeedbackLosesLessOfTheOutputsThanRounding) {
  const TemporaryFolder parent;
  const Source source(parent.path());
  onnx::QuantiseOptions options;
  std::vector<onnx::LinearReport> nearest;
  quantised(source, options, parent.path() / "nearest", nearest);
  options.method = onnx::QuantMethod::kFeedback;
  std::vector<onnx::LinearReport> feedback;
  quantised(source, options, parent.path() / "feedback", feedback);
  ASSERT_EQ(nearest.size(), feedback.size());
  for (std::size_t i = 0; i < nearest.size(); ++i) {
    EXPECT_LT(*feedback[i].output_error, *nearest[i].output_error) << nearest[i].node;
  }
}

TEST(QuantisedFolder, MixedRunsInBothExecutorsAlike) {
  const TemporaryFolder parent;
  for (const bool position_ids : {false, true}) {
    const fs::path here = parent.path() / (position_ids ? "apart" : "packed");
    onnx::DecoderConfig config = tiny_config(false);
    config.switches.position_ids = position_ids;
    const Source source(here, onnx::Precision::kFp32, config);
    onnx::QuantiseOptions options;
    options.mixed = true;
    std::vector<onnx::LinearReport> reports;
    const ModelFolder folder = quantised(source, options, here / "mixed", reports);
    EXPECT_EQ(reports.back().bits, 8);
    EXPECT_EQ(reports.front().bits, 4);
    const auto accelerated = AcceleratedExecutor::load(folder, {});
    ASSERT_TRUE(accelerated) << accelerated.error().message;
    const auto stock = StockExecutor::load(folder, {});
    ASSERT_TRUE(stock) << stock.error().message;
    const auto tokens = some_tokens(24);
    EXPECT_LT(difference(logits_of(**accelerated, tokens), logits_of(**stock, tokens)), 0.05);
  }
}

}  // namespace
}  // namespace hearth::runtime
