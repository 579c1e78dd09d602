#include "runtime/weight_mover.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstring>
#include <filesystem>
#include <string_view>
#include <vector>

#include "kernels/pack_linear.h"
#include "runtime/accelerated_executor.h"
#include "runtime/kept_file.h"
#include "runtime/rewritten_graph.h"
#include "runtime/test_models.h"

namespace hearth::runtime {
namespace {

using namespace std::chrono_literals;
using engine::Segment;

/// Nine megabytes of packed weights: several chunks.
onnx::DecoderConfig wide_config() {
  onnx::DecoderConfig config = tiny_config(false);
  config.hidden_size = 512;
  config.intermediate_size = 1536;
  config.vocab_size = 16384;
  return config;
}

class WeightMoverTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto model = open_model_folder(make_model(folder_.path(), wide_config()));
    ASSERT_TRUE(model) << model.error().message;
    const auto graph = rewrite_graph(*model, {});
    ASSERT_TRUE(graph) << graph.error().message;
    const auto source = weight_source(model->model_digest, model->folder, *graph);
    ASSERT_TRUE(source);
    auto packed = write_packed(kept_paths(model->model_file, {}, "packed"), *source, *graph,
                               model->folder, 1, {});
    ASSERT_TRUE(packed) << packed.error().message;
    weights_ = std::move(*packed);
    linears_ = weights_->linears();
  }

  bool in_file(const void* at) const {
    const auto* byte = static_cast<const char*>(at);
    const std::string_view file = weights_->bytes();
    return byte >= file.data() && byte < file.data() + file.size();
  }

  TemporaryFolder folder_;
  std::optional<PackedWeights> weights_;
  std::vector<kernels::PackedLinear> linears_;
};

TEST_F(WeightMoverTest, MatricesArriveOneAfterTheOtherWithTheSameBytes) {
  const std::size_t count = linears_.size();
  {
    WeightMover mover(*weights_, linears_, 2);
    EXPECT_FALSE(mover.finished());
    int calls = 0;
    std::size_t at_once = 0;
    while (!mover.finished()) {
      const std::uint64_t before = mover.moved_bytes();
      mover.move_for(0ns);
      EXPECT_GT(mover.moved_bytes(), before);
      ++calls;
      std::size_t arrived = 0;
      while (arrived < count && !in_file(linears_[arrived].data)) ++arrived;
      for (std::size_t i = arrived; i < count; ++i) EXPECT_TRUE(in_file(linears_[i].data)) << i;
      if (arrived < count) at_once = arrived;
    }
    EXPECT_GT(calls, 1);
    EXPECT_GT(at_once, 0U) << "some of the matrices arrive before the others";
    for (std::size_t i = 0; i < count; ++i) {
      const PackedWeights::Place& place = weights_->places()[i];
      EXPECT_FALSE(in_file(linears_[i].data));
      EXPECT_EQ(
          std::memcmp(linears_[i].data, weights_->bytes().data() + place.offset, place.size_bytes),
          0)
          << i;
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(linears_[i].data) % 64, 0U);
    }
    mover.move_for(1s);  // nothing is left
  }
}

TEST(MovePaceTest, ShortAnswersMoveNothingAndPromptsNever) {
  MovePace pace;
  for (int i = 0; i < 32; ++i) EXPECT_EQ(pace.after_step(true, 80ms), 0ns) << i;
  EXPECT_EQ(pace.after_step(true, 80ms), 10ms);
  EXPECT_EQ(pace.after_step(false, 80ms), 0ns);
  EXPECT_EQ(pace.after_step(true, 40ms), 5ms);
}

/// Logits of every token of one sequence, a token a step.
std::vector<std::vector<float>> generated(const ModelFolder& model, bool move, bool& settled) {
  SessionOptions options;
  options.intra_op_num_threads = 2;
  options.accelerated.move_weights = move;
  auto executor = AcceleratedExecutor::load(model, options);
  EXPECT_TRUE(executor) << executor.error().message;
  std::vector<std::vector<float>> logits;
  if (!executor) return logits;
  constexpr int kSteps = 60;
  const auto sequence = (*executor)->open_sequence({1, kSteps});
  for (int i = 0; i < kSteps; ++i) {
    const std::vector<TokenId> token{i * 37 % 500};
    const auto result = (*executor)->run({{Segment{*sequence, token, true}}});
    EXPECT_TRUE(result);
    if (result) logits.push_back(result->logits);
  }
  settled = (*executor)->weights_settled();
  return logits;
}

TEST(MovingWeights, ChangesNoBit) {
  const TemporaryFolder folder;
  const auto model = open_model_folder(make_model(folder.path(), wide_config()));
  ASSERT_TRUE(model);
  bool moved = false;
  bool stays = false;
  const auto with = generated(*model, true, moved);
  const auto without = generated(*model, false, stays);
  EXPECT_TRUE(moved);
  EXPECT_TRUE(stays);
  ASSERT_EQ(with.size(), without.size());
  for (std::size_t i = 0; i < with.size(); ++i) EXPECT_EQ(with[i], without[i]) << "token " << i;
}

}  // namespace
}  // namespace hearth::runtime
