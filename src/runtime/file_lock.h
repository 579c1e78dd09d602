// One process at a time: for work whose result the others can use.
#pragma once

#include <filesystem>
#include <functional>
#include <utility>

namespace hearth::runtime {

/// Held until destroyed, or until the process ends. Advisory: who does not ask is not kept out.
class FileLock {
 public:
  /// Waits for whoever holds `path`, a file that is made for the purpose and removed at the end;
  /// `on_wait` is called once before that. Where the folder cannot be written to or its file
  /// system has no locks, nothing is held and everyone goes on: held() tells.
  static FileLock wait_for(const std::filesystem::path& path, const std::function<void()>& on_wait);

  ~FileLock();
  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&&) = delete;
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

  bool held() const { return fd_ >= 0; }

 private:
  FileLock(int fd, std::filesystem::path path) : fd_(fd), path_(std::move(path)) {}

  int fd_;
  std::filesystem::path path_;
};

}  // namespace hearth::runtime
