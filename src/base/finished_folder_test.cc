// Folders that appear whole or not at all.
#include "base/finished_folder.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <utility>

#include "base/file.h"

namespace hearth {
namespace {

namespace fs = std::filesystem;

class FinishedFolderTest : public ::testing::Test {
 protected:
  FinishedFolderTest() {
    std::string pattern = (fs::temp_directory_path() / "hearth-folder-XXXXXX").string();
    root_ = ::mkdtemp(pattern.data());
  }
  ~FinishedFolderTest() override { fs::remove_all(root_); }

  fs::path root_;
};

TEST_F(FinishedFolderTest, AppearsUnderItsNameWithoutTheLock) {
  const fs::path out = root_ / "deep/model";
  {
    auto folder = UnfinishedFolder::create(out);
    ASSERT_TRUE(folder) << folder.error().message;
    ASSERT_TRUE(write_file_atomically(folder->path() / "a", "content"));
    EXPECT_FALSE(fs::exists(out));
    const auto finished = folder->finish();
    ASSERT_TRUE(finished) << finished.error().message;
  }
  EXPECT_EQ(read_file(out / "a").value_or(""), "content");
  EXPECT_EQ(std::distance(fs::directory_iterator(out), fs::directory_iterator()), 1);
  EXPECT_FALSE(fs::exists(root_ / "deep/model.partial"));
}

TEST_F(FinishedFolderTest, UnfinishedItLeavesNothing) {
  {
    auto folder = UnfinishedFolder::create(root_ / "model");
    ASSERT_TRUE(folder);
    const UnfinishedFolder moved = std::move(*folder);
    EXPECT_TRUE(fs::exists(root_ / "model.partial"));
  }
  EXPECT_TRUE(fs::is_empty(root_));
}

TEST_F(FinishedFolderTest, OneMakerAtATime) {
  const auto first = UnfinishedFolder::create(root_ / "model");
  ASSERT_TRUE(first);
  const auto second = UnfinishedFolder::create(root_ / "model");
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kInvalidArgument);
  EXPECT_NE(second.error().message.find("another process"), std::string::npos);
  EXPECT_TRUE(fs::exists(first->path())) << "the loser must not remove the winner's folder";
}

TEST_F(FinishedFolderTest, ANameInUseIsNotFree) {
  fs::create_directory(root_ / "empty");
  EXPECT_TRUE(output_folder_is_free(root_ / "empty").value_or(false));
  EXPECT_TRUE(output_folder_is_free(root_ / "absent").value_or(false));
  fs::create_directories(root_ / "full/inner");
  EXPECT_FALSE(output_folder_is_free(root_ / "full").value_or(true));
  ASSERT_TRUE(write_file_atomically(root_ / "file", "x"));
  EXPECT_FALSE(output_folder_is_free(root_ / "file"));
  auto folder = UnfinishedFolder::create(root_ / "full");
  ASSERT_TRUE(folder);
  EXPECT_FALSE(folder->finish()) << "a full folder is never replaced";
  EXPECT_TRUE(fs::exists(root_ / "full/inner"));
}

TEST_F(FinishedFolderTest, PathsAreNormal) {
  EXPECT_EQ(output_folder_path("a/b/").value_or(""), "a/b");
  EXPECT_EQ(output_folder_path("./a/../b").value_or(""), "b");
  EXPECT_FALSE(output_folder_path(""));
}

TEST_F(FinishedFolderTest, ADiskThatIsTooSmallIsNamedWithBothNumbers) {
  EXPECT_TRUE(check_disk_holds(root_, 1));
  const auto checked = check_disk_holds(root_ / "x", std::uint64_t{1} << 60);
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().code, ErrorCode::kResourceExhausted);
  EXPECT_NE(checked.error().message.find("needs 1,152,921,504,"), std::string::npos);
  EXPECT_NE(checked.error().message.find(" free;"), std::string::npos);
}

}  // namespace
}  // namespace hearth
