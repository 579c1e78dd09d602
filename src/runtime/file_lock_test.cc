#include "runtime/file_lock.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

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

/// A lock file that is made, held and removed by hand; another takes its place before it is let go.
class HeldByHand {
 public:
  explicit HeldByHand(std::filesystem::path path) : path_(std::move(path)), fd_(make()) {}
  ~HeldByHand() { ::close(fd_); }
  HeldByHand(const HeldByHand&) = delete;
  HeldByHand& operator=(const HeldByHand&) = delete;

  /// Whether somebody else of this process has the file open.
  bool is_waited_for() const {
    struct stat mine {};
    ::fstat(fd_, &mine);
    int open = 0;
    for (int fd = 0; fd < 256; ++fd) {
      struct stat other {};
      if (::fstat(fd, &other) == 0 && other.st_dev == mine.st_dev && other.st_ino == mine.st_ino) {
        ++open;
      }
    }
    return open > 1;
  }
  void pass_on() {
    std::filesystem::remove(path_);
    const int next = make();
    ::close(std::exchange(fd_, next));
  }
  void remove() const { std::filesystem::remove(path_); }

 private:
  int make() const {
    const int fd = ::open(path_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    EXPECT_GE(fd, 0);
    EXPECT_EQ(::flock(fd, LOCK_EX | LOCK_NB), 0);
    return fd;
  }

  std::filesystem::path path_;
  int fd_;
};

TEST(FileLock, WhoIsAlwaysLateGetsItInTheEnd) {
  const TemporaryFolder folder;
  std::optional<HeldByHand> holder(folder.path() / "lock");
  std::atomic<bool> ended = false;
  std::thread late([&] {
    EXPECT_TRUE(FileLock::wait_for(folder.path() / "lock", [] {}).held());
    ended = true;
  });
  for (int turn = 0; turn < 200 && !ended; ++turn) {
    while (!holder->is_waited_for() && !ended) std::this_thread::yield();
    holder->pass_on();
  }
  holder->remove();
  holder.reset();
  late.join();
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
