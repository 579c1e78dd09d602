#include "base/file.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "base/test_folder.h"

namespace hearth {
namespace {

namespace fs = std::filesystem;

class FileTest : public ::testing::Test {
 protected:
  const TemporaryFolder temporary_;
  const fs::path& folder_ = temporary_.path();
};

TEST_F(FileTest, WritesReadsAndReplaces) {
  const fs::path path = folder_ / "a.txt";
  ASSERT_TRUE(write_file_atomically(path, "first"));
  ASSERT_TRUE(write_file_atomically(path, "second"));
  EXPECT_EQ(*read_file(path), "second");
  EXPECT_EQ(*file_size_bytes(path), 6u);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()), 1);
}

TEST_F(FileTest, MissingFileIsNotFoundAndNamed) {
  const auto result = read_file(folder_ / "none.json");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kNotFound);
  EXPECT_NE(result.error().message.find("none.json"), std::string::npos);
}

TEST_F(FileTest, LinksInACircleAreNotFound) {
  fs::create_symlink("b", folder_ / "a");
  fs::create_symlink("a", folder_ / "b");
  EXPECT_EQ(read_file(folder_ / "a").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(file_size_bytes(folder_ / "a").error().code, ErrorCode::kNotFound);
}

TEST_F(FileTest, FoldersAndOversizedFilesAreRefused) {
  EXPECT_EQ(read_file(folder_).error().code, ErrorCode::kInvalidArgument);
  ASSERT_TRUE(write_file_atomically(folder_ / "big", std::string(1000, 'x')));
  EXPECT_EQ(read_file(folder_ / "big", 999).error().code, ErrorCode::kCorrupt);
  EXPECT_TRUE(read_file(folder_ / "big", 1000));
}

TEST_F(FileTest, FailedReplaceKeepsTheOldContentAndLeavesNothingBehind) {
  fs::create_directory(folder_ / "occupied");
  ASSERT_TRUE(write_file_atomically(folder_ / "occupied" / "inside", "x"));
  EXPECT_FALSE(write_file_atomically(folder_ / "occupied", "content"));
  EXPECT_TRUE(fs::exists(folder_ / "occupied" / "inside"));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()), 1);
}

TEST_F(FileTest, FreeSpaceOfAPathThatDoesNotExistYet) {
  EXPECT_GT(*free_disk_bytes(folder_ / "not" / "yet"), 0u);
}

TEST_F(FileTest, AnOversizedSparseFileIsRefusedBeforeMemoryIsTaken) {
  ASSERT_TRUE(write_file_atomically(folder_ / "sparse", "x"));
  fs::resize_file(folder_ / "sparse", std::uint64_t{1} << 42);
  const auto refused = read_file(folder_ / "sparse");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kCorrupt);
  EXPECT_NE(refused.error().message.find("sparse"), std::string::npos);
}

TEST(WithThousands, Groups) {
  EXPECT_EQ(with_thousands(0), "0");
  EXPECT_EQ(with_thousands(999), "999");
  EXPECT_EQ(with_thousands(1000), "1,000");
  EXPECT_EQ(with_thousands(4856573952), "4,856,573,952");
}

}  // namespace
}  // namespace hearth
