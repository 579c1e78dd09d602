#include "runtime/rewritten_graph.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "base/file.h"
#include "runtime/accelerated_executor.h"
#include "runtime/archive.h"
#include "runtime/graph_fields.h"
#include "runtime/test_models.h"

namespace hearth::runtime {
namespace {

namespace fs = std::filesystem;

std::string bytes_of(onnx::RaggedGraph& graph) {
  ArchiveWriter writer;
  fields(writer, graph);
  return writer.bytes();
}

/// Logits after 40 tokens, computed with the long rotary table.
std::vector<float> logits_of(const ModelFolder& model, const SessionOptions& options = {}) {
  const auto executor = AcceleratedExecutor::load(model, options);
  EXPECT_TRUE(executor) << executor.error().message;
  if (!executor) return {};
  std::vector<TokenId> tokens;
  for (int i = 0; i < 40; ++i) tokens.push_back((i * 7919 + 13) % 490);
  const auto id = (*executor)->open_sequence({40, 40});
  const auto result = (*executor)->run({{engine::Segment{*id, tokens, true}}});
  EXPECT_TRUE(result) << result.error().message;
  return result ? result->logits : std::vector<float>{};
}

class KeptGraph : public ::testing::Test {
 protected:
  void SetUp() override {
    auto opened = open_model_folder(make_large_model(folder_.path()));
    ASSERT_TRUE(opened) << opened.error().message;
    model_ = std::move(*opened);
    expected_ = logits_of(model_);
    ASSERT_TRUE(fs::exists(kept()));
  }
  fs::path kept() const { return model_.folder / "model.onnx.graph"; }
  bool is_kept(const onnx::PassSwitches& switches = {}) const {
    const auto rewritten = rewritten_graph(model_, switches, {});
    EXPECT_TRUE(rewritten) << rewritten.error().message;
    return rewritten && !rewritten->has_tensors;
  }

  TemporaryFolder folder_;
  ModelFolder model_;
  std::vector<float> expected_;
};

TEST_F(KeptGraph, IsTheRewrittenOneWithoutTheBytesOfTensorsThatLeft) {
  auto kept = rewritten_graph(model_, {}, {});
  ASSERT_TRUE(kept && !kept->has_tensors);
  auto anew = rewrite_graph(model_, {});
  ASSERT_TRUE(anew);
  RewrittenGraph made{std::move(*anew), true};
  EXPECT_NE(bytes_of(made.graph), bytes_of(kept->graph)) << "tables are inline";
  drop_tensors(made);
  EXPECT_EQ(bytes_of(made.graph), bytes_of(kept->graph));
}

TEST_F(KeptGraph, GivesTheSameLogitsBitForBit) {
  ASSERT_TRUE(is_kept());
  EXPECT_EQ(logits_of(model_), expected_);
  fs::remove(kept());
  EXPECT_EQ(logits_of(model_), expected_);
}

TEST_F(KeptGraph, IsRewrittenWhenThereAreNoPackedWeights) {
  const fs::path packed = model_.folder / "model.onnx.packed";
  fs::remove(packed);
  ASSERT_TRUE(is_kept());
  EXPECT_EQ(logits_of(model_), expected_);
  EXPECT_TRUE(fs::exists(packed));
}

TEST_F(KeptGraph, IsMadeAnewWhenAnythingIsWrong) {
  const std::string good = *read_file(kept());
  for (std::size_t at = 3; at < good.size(); at += good.size() / 40) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 0x10);
    for (const std::string& wrong : {bad, good.substr(0, at)}) {
      std::ofstream(kept(), std::ios::binary | std::ios::trunc) << wrong;
      EXPECT_FALSE(is_kept()) << at;
      EXPECT_EQ(*read_file(kept()), good) << at;
    }
  }
  EXPECT_EQ(logits_of(model_), expected_);
}

TEST_F(KeptGraph, OfOtherSwitchesOrAnotherModelIsNotUsed) {
  onnx::PassSwitches apart;
  apart.join_linears = false;
  EXPECT_FALSE(is_kept(apart));
  EXPECT_TRUE(is_kept(apart));
  EXPECT_FALSE(is_kept()) << "one file, one graph";
  std::ofstream(model_.model_file, std::ios::binary | std::ios::app) << std::string("\x32\x00", 2);
  const auto other = open_model_folder(model_.folder);
  ASSERT_TRUE(other) << other.error().message;
  const auto rewritten = rewritten_graph(*other, {}, {});
  ASSERT_TRUE(rewritten);
  EXPECT_TRUE(rewritten->has_tensors);
  const auto replaced = rewrite_graph(model_, {});
  ASSERT_FALSE(replaced) << "the folder was opened with another model file";
  EXPECT_EQ(replaced.error().code, ErrorCode::kCorrupt);
}

TEST_F(KeptGraph, IsDoneWithoutWhereFilesCannotBeWritten) {
  fs::remove(kept());
  struct rlimit before {};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  struct rlimit tiny = before;
  tiny.rlim_cur = 100;
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &tiny), 0);
  const auto logits = logits_of(model_);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, old_handler);
  EXPECT_EQ(logits, expected_);
  EXPECT_FALSE(fs::exists(kept()));
}

TEST_F(KeptGraph, ArchivesThatEndTooEarlyAreIncomplete) {
  auto rewritten = rewritten_graph(model_, {}, {});
  const std::string whole = bytes_of(rewritten->graph);
  for (std::size_t size = 0; size < whole.size(); size += 1 + whole.size() / 300) {
    ArchiveReader reader(std::string_view(whole).substr(0, size));
    onnx::RaggedGraph graph;
    fields(reader, graph);
    EXPECT_FALSE(reader.complete()) << size;
  }
}

TEST_F(KeptGraph, VersionStandsForWhatThePassesMake) {
  auto rewritten = rewritten_graph(model_, {}, {});
  const std::string bytes = bytes_of(rewritten->graph);
  // A pass that makes something else from the same model needs the next kPassesVersion, or graphs
  // that were kept before would go on being used; then the digest here changes with it.
  EXPECT_EQ(onnx::kPassesVersion, 2u);
  EXPECT_EQ(Digest::of(bytes).low, 16148531209257034139u) << "the rewritten graph has changed";
}

TEST(PackedWeightsTogether, AreWrittenByOneAndUsedByAll) {
  const TemporaryFolder folder;
  const auto model = open_model_folder(make_large_model(folder.path()));
  ASSERT_TRUE(model);
  std::atomic<int> writers = 0;
  std::vector<std::vector<float>> logits(4);
  std::vector<std::thread> all;
  for (auto& mine : logits) {
    all.emplace_back([&] {
      SessionOptions options;
      options.intra_op_num_threads = 1;
      options.accelerated.on_packing = [&](std::uint64_t done, std::uint64_t total) {
        if (done == total) ++writers;
      };
      mine = logits_of(*model, options);
    });
  }
  for (std::thread& thread : all) thread.join();
  EXPECT_EQ(writers, 1);
  for (const auto& mine : logits) EXPECT_EQ(mine, logits.front());
  for (const auto& entry : fs::directory_iterator(model->folder)) {
    EXPECT_NE(entry.path().extension(), ".lock");
    EXPECT_NE(entry.path().extension(), ".tmp");
  }
}

TEST(PackedWeightsTogether, WhatAKilledPackerLeftIsRemovedByTheNext) {
  const TemporaryFolder folder;
  const auto model = open_model_folder(make_large_model(folder.path()));
  ASSERT_TRUE(model);
  const auto place = [&](const char* name) { return model->folder / name; };
  for (const char* name : {"model.onnx.packed.4711.tmp", "model.onnx.packed.mine.tmp",
                           "model.onnx.packed..tmp", "other.onnx.packed.4711.tmp"}) {
    std::ofstream(place(name)) << "half a file";
  }
  logits_of(*model, {});
  EXPECT_TRUE(fs::exists(place("model.onnx.packed")));
  EXPECT_FALSE(fs::exists(place("model.onnx.packed.4711.tmp")));
  EXPECT_TRUE(fs::exists(place("model.onnx.packed.mine.tmp")));
  EXPECT_TRUE(fs::exists(place("model.onnx.packed..tmp")));
  EXPECT_TRUE(fs::exists(place("other.onnx.packed.4711.tmp")));
}

}  // namespace
}  // namespace hearth::runtime
