#include "runtime/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace hearth::runtime {
namespace {

/// Files that are there but not under their name, before a file system counts as one that cannot
/// tell files apart, and has no locks.
constexpr int kStrangeMax = 100;

/// Whoever held the lock removes the file: the one that was waited for may be gone from its name.
bool still_has_its_name(int fd, const std::filesystem::path& path) {
  struct stat mine {};
  struct stat named {};
  return ::fstat(fd, &mine) == 0 && ::stat(path.c_str(), &named) == 0 &&
         mine.st_dev == named.st_dev && mine.st_ino == named.st_ino;
}

/// True for a file that its holder removed. Another process got the lock then, so that trying again
/// comes to an end when all have had it.
bool was_removed(int fd) {
  struct stat info {};
  return ::fstat(fd, &info) == 0 && info.st_nlink == 0;
}

bool lock(int fd, int how) {
  while (::flock(fd, how) != 0) {
    if (errno != EINTR) return false;
  }
  return true;
}

}  // namespace

FileLock FileLock::wait_for(const std::filesystem::path& path,
                            const std::function<void()>& on_wait) {
  bool told = false;
  for (int strange = 0; strange < kStrangeMax;) {
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0) return {-1, path};
    if (!lock(fd, LOCK_EX | LOCK_NB)) {
      if (errno == EWOULDBLOCK && !std::exchange(told, true)) on_wait();
      if (!lock(fd, LOCK_EX)) {
        ::close(fd);
        return {-1, path};
      }
    }
    if (still_has_its_name(fd, path)) return {fd, path};
    if (!was_removed(fd)) ++strange;
    ::close(fd);
  }
  return {-1, path};
}

FileLock::FileLock(FileLock&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), path_(std::move(other.path_)) {}

FileLock::~FileLock() {
  if (fd_ < 0) return;
  ::unlink(path_.c_str());  // while it is held, so that nobody's newer file is removed
  ::close(fd_);
}

}  // namespace hearth::runtime
