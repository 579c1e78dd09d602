// Descriptors of open files, and what the system says when it refuses: shared by the files of this
// room.
#pragma once

#include <unistd.h>

#include <filesystem>

#include "base/result.h"

namespace hearth {

/// Closes a descriptor on every way out.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

/// "cannot open PATH: No such file or directory", with the free space where a disk is full.
tl::unexpected<Error> fail_errno(const char* action, const std::filesystem::path& path, int error);

}  // namespace hearth
