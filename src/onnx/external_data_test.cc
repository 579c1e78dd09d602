// External data: where tensors may lie, how large they must be, and what is refused.
#include "onnx/external_data.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "onnx/tensor_size.h"
#include "onnx/test_models.h"

namespace hearth::onnx {
namespace {

namespace fs = std::filesystem;
using ::onnx::TensorProto;
using testing::add_external;
using testing::add_node;
using testing::small_model;
using testing::write_text;

std::string refusal(const ::onnx::ModelProto& model, const fs::path& folder) {
  const auto checked = check_external_data(model, folder);
  return checked ? "accepted" : checked.error().message;
}

void expect_refused(const ::onnx::ModelProto& model, const fs::path& folder,
                    const std::string& because) {
  const std::string message = refusal(model, folder);
  EXPECT_NE(message.find(because), std::string::npos) << message << "\nexpected: " << because;
}

::onnx::ModelProto with_location(const std::string& file, const std::string& offset = "8",
                                 const std::string& length = "24") {
  ::onnx::ModelProto model = small_model();
  model.mutable_graph()->clear_initializer();
  add_external(*model.mutable_graph(), "w", {2, 3}, file, offset, length);
  return model;
}

TEST(ExternalData, AcceptsExactlyEnoughBytes) {
  const TemporaryFolder folder;
  write_text(folder / "w.bin", std::string(32, 'x'));
  EXPECT_EQ(refusal(small_model(), folder.path()), "accepted");
}

TEST(ExternalData, AnEmptyFolderIsTheCurrentOne) {
  const TemporaryFolder folder;
  write_text(folder / "w.bin", std::string(32, 'x'));
  const fs::path before = fs::current_path();
  fs::current_path(folder.path());
  EXPECT_EQ(refusal(small_model(), ""), "accepted");
  fs::current_path(before);
}

TEST(ExternalData, OneByteMissingNamesEverything) {
  const TemporaryFolder folder;
  write_text(folder / "w.bin", std::string(31, 'x'));
  const std::string message = refusal(small_model(), folder.path());
  EXPECT_EQ(message, (folder / "model.onnx").string() + ": " + (folder / "w.bin").string() +
                         " has 31 bytes, tensor 'w' needs bytes 8 to 32: the file is truncated; "
                         "download it again");
}

TEST(ExternalData, MissingFileIsNotFound) {
  const TemporaryFolder folder;
  const auto checked = check_external_data(small_model(), folder.path());
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().code, ErrorCode::kNotFound);
  EXPECT_NE(checked.error().message.find("w.bin"), std::string::npos);
}

TEST(ExternalData, RefusesLocationsOutsideTheFolder) {
  const TemporaryFolder folder;
  fs::create_directory(folder / "model");
  write_text(folder / "secret", std::string(64, 's'));
  const fs::path inside = folder / "model";
  expect_refused(with_location("../secret"), inside, "climbs out");
  expect_refused(with_location("a/../../secret"), inside, "climbs out");
  expect_refused(with_location((folder / "secret").string()), inside, "is absolute");
  expect_refused(with_location("..\\secret"), inside, "backslash");
  expect_refused(with_location(""), inside, "is empty");
  expect_refused(with_location(std::string("w\0.bin", 6)), inside, "zero byte");
  // ONNX Runtime takes this location for an address in its own memory.
  expect_refused(with_location("*/_ORT_MEM_ADDR_/*"), inside, "does not exist");
}

TEST(ExternalData, RefusesLinksThatLeaveTheFolder) {
  const TemporaryFolder folder;
  fs::create_directory(folder / "model");
  write_text(folder / "secret", std::string(64, 's'));
  fs::create_symlink(folder / "secret", folder / "model" / "w.bin");
  expect_refused(small_model(), folder / "model", "outside the model's folder");
  fs::create_directory_symlink(folder.path(), folder / "model" / "up");
  expect_refused(with_location("up/secret"), folder / "model", "outside the model's folder");
}

TEST(ExternalData, RefusesLinksInACircle) {
  const TemporaryFolder folder;
  fs::create_symlink("w.bin", folder / "w.bin");
  expect_refused(small_model(), folder.path(), "leads in a circle");
}

TEST(ExternalData, AcceptsTheLinksOfADownloadCache) {
  const TemporaryFolder folder;
  fs::create_directories(folder / "blobs");
  fs::create_directories(folder / "snapshots");
  write_text(folder / "blobs/aaaa", "model");
  write_text(folder / "blobs/bbbb", std::string(32, 'x'));
  fs::create_symlink("../blobs/aaaa", folder / "snapshots/model.onnx");
  fs::create_symlink("../blobs/bbbb", folder / "snapshots/w.bin");
  EXPECT_EQ(refusal(small_model(), folder / "snapshots"), "accepted");
}

TEST(ExternalData, AFolderIsNoDataFile) {
  const TemporaryFolder folder;
  fs::create_directory(folder / "w.bin");
  expect_refused(small_model(), folder.path(), "not a regular file");
}

TEST(ExternalData, NumbersMustBePlainDecimals) {
  const TemporaryFolder folder;
  write_text(folder / "w.bin", std::string(64, 'x'));
  for (const std::string bad : {"", " 8", "8 ", "-8", "+8", "0x8", "8.0", "18446744073709551616"}) {
    expect_refused(with_location("w.bin", bad, "24"), folder.path(), "a decimal number");
    expect_refused(with_location("w.bin", "8", bad), folder.path(), "a decimal number");
  }
  expect_refused(with_location("w.bin", "18446744073709551615"), folder.path(), "truncated");
  expect_refused(with_location("w.bin", "18446744073709551600"), folder.path(), "truncated");
  expect_refused(with_location("w.bin", "8", "23"), folder.path(), "dimensions need 24");
  expect_refused(with_location("w.bin", "8", "25"), folder.path(), "dimensions need 24");
}

TEST(ExternalData, MissingOffsetAndLengthHaveTheirDefaults) {
  TensorProto tensor;
  tensor.set_data_type(TensorProto::FLOAT16);
  tensor.add_dims(5);
  tensor.set_data_location(TensorProto::EXTERNAL);
  EXPECT_FALSE(tensor_location(tensor));
  auto* entry = tensor.add_external_data();
  entry->set_key("location");
  entry->set_value("d/w.bin");
  const auto location = tensor_location(tensor);
  ASSERT_TRUE(location) << location.error().message;
  EXPECT_EQ(location->file, "d/w.bin");
  EXPECT_EQ(location->offset, 0U);
  EXPECT_EQ(location->length, 10U);
  *tensor.add_external_data() = *entry;
  EXPECT_FALSE(tensor_location(tensor));
}

TEST(ExternalData, DimensionsThatOverflowAreRefused) {
  const TemporaryFolder folder;
  write_text(folder / "w.bin", std::string(64, 'x'));
  ::onnx::ModelProto model = small_model();
  auto* tensor = model.mutable_graph()->mutable_initializer(0);
  tensor->clear_dims();
  for (int i = 0; i < 4; ++i) tensor->add_dims(std::int64_t{1} << 32);
  expect_refused(model, folder.path(), "exceeds 2^63");
  tensor->clear_dims();
  tensor->add_dims(std::int64_t{1} << 61);
  expect_refused(model, folder.path(), "larger than");
  tensor->clear_dims();
  tensor->add_dims(-6);
  expect_refused(model, folder.path(), "negative");
}

TEST(ExternalData, LooksIntoSubgraphsAndConstants) {
  const TemporaryFolder folder;
  write_text(folder / "w.bin", std::string(32, 'x'));
  ::onnx::ModelProto model = small_model();
  auto* branch = add_node(*model.mutable_graph(), "If", {"x"}, {"z"}, "if")->add_attribute();
  branch->set_name("then_branch");
  branch->set_type(::onnx::AttributeProto::GRAPH);
  add_external(*branch->mutable_g(), "inner", {2}, "w.bin", "24", "8");
  EXPECT_EQ(refusal(model, folder.path()), "accepted");
  auto* constant = add_node(*branch->mutable_g(), "Constant", {}, {"c"}, "c")->add_attribute();
  constant->set_name("value");
  constant->mutable_t()->set_name("deep");
  constant->mutable_t()->set_data_type(TensorProto::INT64);
  constant->mutable_t()->add_dims(2);
  constant->mutable_t()->set_raw_data(std::string(16, '\0'));
  EXPECT_EQ(refusal(model, folder.path()), "accepted");
  constant->mutable_t()->mutable_raw_data()->pop_back();
  expect_refused(model, folder.path(), "tensor 'deep' holds 15 bytes");
  constant->mutable_t()->mutable_raw_data()->push_back('\0');
  branch->mutable_g()->mutable_initializer(0)->mutable_external_data(1)->set_value("25");
  expect_refused(model, folder.path(), "tensor 'inner' needs bytes 25 to 33");
}

TEST(ExternalData, TypedInlineDataMustMatchTheDimensions) {
  TensorProto tensor;
  tensor.set_name("t");
  tensor.set_data_type(TensorProto::FLOAT);
  tensor.add_dims(2);
  tensor.add_float_data(1);
  EXPECT_FALSE(check_inline_data(tensor));
  tensor.add_float_data(2);
  EXPECT_TRUE(check_inline_data(tensor));
  tensor.set_data_type(TensorProto::INT64);
  EXPECT_FALSE(check_inline_data(tensor));
  tensor.set_data_type(kInt4);
  tensor.clear_float_data();
  tensor.set_dims(0, 3);
  tensor.add_int32_data(0);
  EXPECT_FALSE(check_inline_data(tensor));
  tensor.add_int32_data(0);
  EXPECT_TRUE(check_inline_data(tensor));
  tensor.set_raw_data("ab");
  EXPECT_FALSE(check_inline_data(tensor)) << "raw and typed data together";
}

TEST(TensorSize, EveryTypeHasTheSizeOfTheSpecification) {
  const auto bytes = [](std::int32_t type, std::int64_t count) {
    TensorProto tensor;
    tensor.set_data_type(type);
    tensor.add_dims(count);
    return tensor_bytes(tensor).value_or(999);
  };
  EXPECT_EQ(bytes(TensorProto::FLOAT, 7), 28U);
  EXPECT_EQ(bytes(TensorProto::FLOAT16, 7), 14U);
  EXPECT_EQ(bytes(TensorProto::BFLOAT16, 7), 14U);
  EXPECT_EQ(bytes(TensorProto::BOOL, 7), 7U);
  EXPECT_EQ(bytes(TensorProto::COMPLEX128, 7), 112U);
  EXPECT_EQ(bytes(kInt4, 7), 4U);
  EXPECT_EQ(bytes(kUint4, 8), 4U);
  EXPECT_EQ(bytes(kInt2, 9), 3U);
  EXPECT_EQ(bytes(kFloat8E4M3Fn, 9), 9U);
  EXPECT_EQ(bytes(TensorProto::STRING, 1), 999U);
  EXPECT_EQ(bytes(77, 1), 999U);
}

}  // namespace
}  // namespace hearth::onnx
