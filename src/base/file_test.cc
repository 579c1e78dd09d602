#include "base/file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "base/mapped_file.h"

namespace hearth {
namespace {

namespace fs = std::filesystem;

class FileTest : public ::testing::Test {
 protected:
  FileTest() {
    std::string pattern = (fs::temp_directory_path() / "hearth-file-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
  }
  ~FileTest() override { fs::remove_all(folder_); }

  fs::path folder_;
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

TEST_F(FileTest, MapsWholeFilesEvenEmptyOnes) {
  ASSERT_TRUE(write_file_atomically(folder_ / "a", "content"));
  ASSERT_TRUE(write_file_atomically(folder_ / "empty", ""));
  const auto mapped = MappedFile::open(folder_ / "a");
  ASSERT_TRUE(mapped);
  EXPECT_EQ(mapped->bytes().size(), 7u);
  EXPECT_EQ(static_cast<char>(mapped->bytes()[0]), 'c');
  EXPECT_TRUE(MappedFile::open(folder_ / "empty")->bytes().empty());
  EXPECT_EQ(MappedFile::open(folder_ / "none").error().code, ErrorCode::kNotFound);
}

TEST(WithThousands, Groups) {
  EXPECT_EQ(with_thousands(0), "0");
  EXPECT_EQ(with_thousands(999), "999");
  EXPECT_EQ(with_thousands(1000), "1,000");
  EXPECT_EQ(with_thousands(4856573952), "4,856,573,952");
}

}  // namespace
}  // namespace hearth
