#include "runtime/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace hearth::runtime {
namespace {

/// Files removed by their holders in a row, before a file system counts as one that has no locks.
constexpr int kTriesMax = 100;

/// Whoever held the lock removes the file: the one that was waited for may be gone from its name.
bool still_has_its_name(int fd, const std::filesystem::path& path) {
  struct stat mine {};
  struct stat named {};
  return ::fstat(fd, &mine) == 0 && ::stat(path.c_str(), &named) == 0 &&
         mine.st_dev == named.st_dev && mine.st_ino == named.st_ino;
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
  for (int tries = 0; tries < kTriesMax; ++tries) {
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
