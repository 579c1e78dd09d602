#include "runtime/file_lock.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <optional>
#include <thread>

#include "runtime/test_models.h"

namespace hearth::runtime {
namespace {

TEST(FileLock, TheSecondWaitsForTheFirst) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "lock";
  std::optional<FileLock> first(
      FileLock::wait_for(path, [] { ADD_FAILURE() << "nobody to wait for"; }));
  ASSERT_TRUE(first->held());
  std::atomic<bool> waits = false;
  std::atomic<bool> released = false;
  std::thread second([&] {
    const FileLock lock = FileLock::wait_for(path, [&] { waits = true; });
    EXPECT_TRUE(lock.held());
    EXPECT_TRUE(released);
  });
  while (!waits) std::this_thread::yield();
  released = true;
  first.reset();
  second.join();
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(FileLock, ManyTakeTurns) {
  const TemporaryFolder folder;
  std::atomic<int> inside = 0;
  std::vector<std::thread> all;
  for (int i = 0; i < 4; ++i) {
    all.emplace_back([&] {
      for (int turn = 0; turn < 50; ++turn) {
        const FileLock lock = FileLock::wait_for(folder.path() / "lock", [] {});
        EXPECT_TRUE(lock.held());
        EXPECT_EQ(++inside, 1);
        --inside;
      }
    });
  }
  for (std::thread& thread : all) thread.join();
}

TEST(FileLock, OfADeadProcessIsFree) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "lock";
  const pid_t child = ::fork();
  if (child == 0) {
    const FileLock lock = FileLock::wait_for(path, [] {});
    ::_exit(lock.held() ? 0 : 1);
  }
  int status = 1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_EQ(status, 0);
  EXPECT_TRUE(std::filesystem::exists(path)) << "it could not tidy up";
  EXPECT_TRUE(FileLock::wait_for(path, [] { ADD_FAILURE(); }).held());
}

TEST(FileLock, WhereItIsImpossibleEveryoneGoesOn) {
  const TemporaryFolder folder;
  std::ofstream(folder.path() / "file") << "no folder";
  EXPECT_FALSE(FileLock::wait_for(folder.path() / "file" / "lock", [] { ADD_FAILURE(); }).held());
}

}  // namespace
}  // namespace hearth::runtime
