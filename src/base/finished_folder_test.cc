// Folders that appear whole or not at all.
#include "base/finished_folder.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <utility>

#include "base/file.h"
#include "base/test_folder.h"

namespace hearth {
namespace {

namespace fs = std::filesystem;

class FinishedFolderTest : public ::testing::Test {
 protected:
  const TemporaryFolder temporary_;
  const fs::path& root_ = temporary_.path();
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

TEST_F(FinishedFolderTest, PathsAreAbsoluteAndLinksAreFollowed) {
  const fs::path here = fs::canonical(".");
  EXPECT_EQ(output_folder_path("a/b/").value_or(""), here / "a/b");
  EXPECT_EQ(output_folder_path("./a/../b").value_or(""), here / "b");
  EXPECT_EQ(output_folder_path(".").value_or(""), here);
  EXPECT_FALSE(output_folder_path(""));
  const fs::path root = fs::canonical(root_);
  fs::create_directories(root_ / "real/empty");
  fs::create_directory_symlink("real", root_ / "link");
  EXPECT_EQ(output_folder_path(root_ / "link/empty/").value_or(""), root / "real/empty");
  EXPECT_EQ(output_folder_path(root_ / "link/absent").value_or(""), root / "real/absent");
}

TEST_F(FinishedFolderTest, ALinkToAnEmptyFolderIsFilled) {
  fs::create_directories(root_ / "real/empty");
  fs::create_directory_symlink(root_ / "real/empty", root_ / "link");
  const auto out = output_folder_path(root_ / "link");
  ASSERT_TRUE(out) << out.error().message;
  EXPECT_TRUE(output_folder_is_free(*out).value_or(false));
  {
    auto folder = UnfinishedFolder::create(*out);
    ASSERT_TRUE(folder) << folder.error().message;
    ASSERT_TRUE(write_file_atomically(folder->path() / "a", "content"));
    const auto finished = folder->finish();
    ASSERT_TRUE(finished) << finished.error().message;
  }
  EXPECT_EQ(read_file(root_ / "link/a").value_or(""), "content");
}

TEST_F(FinishedFolderTest, ALinkThatLeadsNowhereIsRefused) {
  fs::create_directory_symlink(root_ / "nowhere", root_ / "link");
  const auto out = output_folder_path(root_ / "link");
  ASSERT_TRUE(out) << out.error().message;
  const auto free = output_folder_is_free(*out);
  ASSERT_FALSE(free);
  EXPECT_NE(free.error().message.find("leads nowhere"), std::string::npos) << free.error().message;
}

TEST_F(FinishedFolderTest, TheWorkingFolderIsRefused) {
  const fs::path before = fs::current_path();
  fs::current_path(root_);
  const auto out = output_folder_path(".");
  const auto free = output_folder_is_free(out.value_or("nothing"));
  fs::current_path(before);
  ASSERT_TRUE(out) << out.error().message;
  ASSERT_FALSE(free);
  EXPECT_EQ(free.error().code, ErrorCode::kInvalidArgument);
  EXPECT_NE(free.error().message.find("name a folder inside it: "), std::string::npos);
}

/// Run in a process with mounts of its own: 0 where a mount point is refused by name, 1 where it is
/// not, 2 where the system allows no mounts.
int refusal_of_a_mount_point(const fs::path& from, const fs::path& at) {
  if (::unshare(CLONE_NEWNS) != 0 && ::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return 2;
  if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return 2;
  if (from.empty() ? ::mount("tmpfs", at.c_str(), "tmpfs", 0, nullptr) != 0
                   : ::mount(from.c_str(), at.c_str(), nullptr, MS_BIND, nullptr) != 0) {
    return 2;
  }
  const auto free = output_folder_is_free(at);
  return !free && free.error().message.find("mount point") != std::string::npos ? 0 : 1;
}

TEST_F(FinishedFolderTest, AMountPointIsRefused) {
  fs::create_directory(root_ / "volume");
  fs::create_directory(root_ / "other");
  for (const fs::path& from : {fs::path(), root_ / "other"}) {  // another disk, and the same one
    const pid_t child = ::fork();
    if (child == 0) ::_exit(refusal_of_a_mount_point(from, root_ / "volume"));
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFEXITED(status));
    if (WEXITSTATUS(status) == 2) GTEST_SKIP() << "no mounts may be made here";
    EXPECT_EQ(WEXITSTATUS(status), 0) << from;
  }
  EXPECT_TRUE(output_folder_is_free(root_ / "volume").value_or(false)) << "it is none here";
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
