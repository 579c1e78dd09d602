// Reading and writing model files: round trips, damage of every kind, limits.
#include "onnx/model_file.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>

#include "onnx/external_data.h"
#include "onnx/graph_view.h"
#include "onnx/test_models.h"

namespace hearth::onnx {
namespace {

using testing::small_model;
using testing::write_text;

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text));
}

/// Everything a model file must pass before it is used.
Result<void> accept(const std::string& serialised, const std::filesystem::path& folder) {
  HEARTH_TRY(const ::onnx::ModelProto model, parse_model(bytes_of(serialised), "model.onnx"));
  HEARTH_TRY_VOID(check_external_data(model, folder));
  HEARTH_TRY(const GraphView view, GraphView::build(model.graph()));
  if (view.outputs().size() != 1 || view.inputs().size() != 1) {
    return fail(ErrorCode::kCorrupt, "inputs or outputs are missing");
  }
  return {};
}

TEST(ModelFile, RoundTripKeepsEveryByte) {
  const TemporaryFolder folder;
  const ::onnx::ModelProto model = small_model();
  ASSERT_TRUE(write_model(folder / "model.onnx", model));
  const auto read = read_model(folder / "model.onnx");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->SerializeAsString(), model.SerializeAsString());
}

TEST(ModelFile, EveryTruncationIsRefused) {
  const TemporaryFolder folder;
  write_text(folder / "w.bin", std::string(32, '\0'));
  const std::string whole = small_model().SerializeAsString();
  ASSERT_TRUE(accept(whole, folder.path()));
  for (std::size_t length = 0; length < whole.size(); ++length) {
    const auto result = accept(whole.substr(0, length), folder.path());
    ASSERT_FALSE(result) << "cut at " << length << " of " << whole.size();
    EXPECT_NE(result.error().message.find("model.onnx"), std::string::npos)
        << result.error().message;
  }
}

TEST(ModelFile, FlippedBytesNeverCrash) {
  const TemporaryFolder folder;
  write_text(folder / "w.bin", std::string(32, '\0'));
  const std::string whole = small_model().SerializeAsString();
  int refused = 0;
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (const int flip : {0x01, 0x80, 0xff}) {
      std::string damaged = whole;
      damaged[at] = static_cast<char>(damaged[at] ^ flip);
      refused += accept(damaged, folder.path()) ? 0 : 1;
    }
  }
  EXPECT_GT(refused, static_cast<int>(whole.size()));
}

TEST(ModelFile, TruncationNamesFileSizeAndOffset) {
  std::string whole = small_model().SerializeAsString();
  whole.resize(40);
  const auto result = parse_model(bytes_of(whole), "dir/model.onnx");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kCorrupt);
  const std::string& message = result.error().message;
  EXPECT_NE(message.find("dir/model.onnx (40 bytes)"), std::string::npos) << message;
  EXPECT_NE(message.find("field 7 at byte 2 claims"), std::string::npos) << message;
  EXPECT_NE(message.find("truncated"), std::string::npos) << message;
}

TEST(ModelFile, RefusesWhatIsNoModel) {
  EXPECT_FALSE(parse_model({}, "empty"));
  EXPECT_FALSE(parse_model(bytes_of("<!DOCTYPE html><html>"), "page"));
  EXPECT_FALSE(parse_model(bytes_of("version https://git-lfs.github.com/spec/v1\n"), "pointer"));
  ::onnx::ModelProto no_graph;
  no_graph.set_ir_version(7);
  no_graph.add_opset_import()->set_version(14);
  const auto result = parse_model(bytes_of(no_graph.SerializeAsString()), "m");
  ASSERT_FALSE(result);
  EXPECT_NE(result.error().message.find("no graph"), std::string::npos);
}

TEST(ModelFile, RefusesDomainsWithoutOperatorSet) {
  ::onnx::ModelProto model = small_model();
  model.mutable_graph()->mutable_node(0)->set_domain("com.microsoft");
  const auto result = parse_model(bytes_of(model.SerializeAsString()), "m");
  ASSERT_FALSE(result);
  EXPECT_NE(result.error().message.find("com.microsoft"), std::string::npos);
}

TEST(ModelFile, BoundsTheDepthOfSubgraphs) {
  for (const int levels : {kSubgraphDepthMax - 1, kSubgraphDepthMax, 500}) {
    ::onnx::ModelProto model = small_model();
    ::onnx::GraphProto* graph = model.mutable_graph();
    for (int i = 0; i < levels; ++i) {
      auto* body = graph->mutable_node(0)->add_attribute();
      body->set_name("then_branch");
      body->set_type(::onnx::AttributeProto::GRAPH);
      graph = body->mutable_g();
      testing::add_node(*graph, "If", {"x"}, {"inner"}, "if");
    }
    const auto result = parse_model(bytes_of(model.SerializeAsString()), "deep");
    EXPECT_EQ(result.has_value(), levels < kSubgraphDepthMax) << levels;
  }
}

TEST(ModelFile, MissingFileAndFolder) {
  const TemporaryFolder folder;
  EXPECT_EQ(read_model(folder / "absent.onnx").error().code, ErrorCode::kNotFound);
  EXPECT_FALSE(read_model(folder.path()));
}

}  // namespace
}  // namespace hearth::onnx
