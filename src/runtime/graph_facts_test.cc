#include "runtime/graph_facts.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "base/file.h"
#include "runtime/archive.h"
#include "runtime/graph_fields.h"
#include "runtime/model_folder.h"
#include "runtime/test_models.h"

namespace hearth::runtime {
namespace {

namespace fs = std::filesystem;

std::string bytes_of(onnx::DecoderGraphInfo info) {
  ArchiveWriter writer;
  fields(writer, info);
  return writer.bytes();
}

class GraphFactsKept : public ::testing::Test {
 protected:
  void SetUp() override {
    model_ = make_large_model(folder_.path());
    opened_ = bytes_of(open()->graph);
    ASSERT_TRUE(fs::exists(facts()));
  }
  fs::path facts() const { return model_ / "model.onnx.facts"; }
  Result<ModelFolder> open() const { return open_model_folder(model_); }
  std::string refusal() const {
    const auto opened = open();
    return opened ? "" : opened.error().message;
  }

  TemporaryFolder folder_;
  fs::path model_;
  std::string opened_;
};

TEST_F(GraphFactsKept, AreWhatTheGraphSays) {
  const auto made = fs::last_write_time(facts());
  EXPECT_EQ(bytes_of(open()->graph), opened_);
  EXPECT_EQ(fs::last_write_time(facts()), made) << "written again";
  fs::remove(facts());
  EXPECT_EQ(bytes_of(open()->graph), opened_);
}

TEST_F(GraphFactsKept, AreMadeAnewWhenDamaged) {
  const std::string good = *read_file(facts());
  for (const std::size_t size : {std::size_t{0}, std::size_t{10}, good.size() - 1}) {
    std::ofstream(facts(), std::ios::binary | std::ios::trunc) << good.substr(0, size);
    EXPECT_EQ(bytes_of(open()->graph), opened_) << size;
    EXPECT_EQ(*read_file(facts()), good) << size;
  }
}

TEST_F(GraphFactsKept, HideNoDamageOfTheModelFile) {
  const std::string whole = *read_file(model_ / "model.onnx");
  for (const std::size_t size : {std::size_t{0}, whole.size() / 2, whole.size() - 1}) {
    std::ofstream(model_ / "model.onnx", std::ios::binary | std::ios::trunc)
        << whole.substr(0, size);
    EXPECT_NE(refusal().find("model.onnx"), std::string::npos) << size;
  }
  std::string bad = whole;
  bad[0] = static_cast<char>(bad[0] ^ 0x7f);
  std::ofstream(model_ / "model.onnx", std::ios::binary | std::ios::trunc) << bad;
  EXPECT_NE(refusal().find("model.onnx"), std::string::npos);
  std::ofstream(model_ / "model.onnx", std::ios::binary | std::ios::trunc) << whole;
  EXPECT_EQ(refusal(), "") << "control";
}

TEST_F(GraphFactsKept, HideNoDamageOfTheDataFile) {
  const fs::path data = model_ / "model.onnx.data";
  const auto size = fs::file_size(data);
  fs::rename(data, folder_.path() / "away");
  EXPECT_NE(refusal().find("model.onnx.data does not exist"), std::string::npos) << refusal();
  fs::create_symlink(folder_.path() / "away", data);
  EXPECT_NE(refusal().find("outside the model's folder"), std::string::npos) << refusal();
  fs::remove(data);
  fs::rename(folder_.path() / "away", data);
  fs::resize_file(data, size - 1);
  EXPECT_NE(refusal().find(with_thousands(size - 1)), std::string::npos) << refusal();
  EXPECT_NE(refusal().find("tensor '"), std::string::npos) << "the whole check tells which";
  fs::resize_file(data, size);
  EXPECT_EQ(refusal(), "") << "control";
}

TEST_F(GraphFactsKept, AreNotThoseOfOtherNamesOrNumbers) {
  fs::remove(model_ / "config.json");  // it would be the first to object
  const std::string config = *read_file(model_ / "genai_config.json");
  const auto replaced = [&](const std::string& from, const std::string& to) {
    std::string text = config;
    text.replace(text.find(from), from.size(), to);
    std::ofstream(model_ / "genai_config.json", std::ios::trunc) << text;
    return refusal();
  };
  EXPECT_NE(replaced("\"input_ids\": \"input_ids\"", "\"input_ids\": \"ids\"").find("'ids'"),
            std::string::npos);
  EXPECT_NE(replaced("\"num_hidden_layers\": 2", "\"num_hidden_layers\": 3")
                .find("num_hidden_layers is 3"),
            std::string::npos);
  std::ofstream(model_ / "genai_config.json", std::ios::trunc) << config;
  EXPECT_EQ(refusal(), "") << "control";
}

}  // namespace
}  // namespace hearth::runtime
