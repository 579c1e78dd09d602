// Positioned writes with errors that name the file.
#include "onnx/data_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "base/file.h"

namespace hearth::onnx {
namespace {

tl::unexpected<Error> fail_errno(const char* action, const std::filesystem::path& path, int error) {
  const bool full = error == ENOSPC || error == EDQUOT;
  std::string message = std::string("cannot ") + action + " " + path.string() + ": " +
                        std::generic_category().message(error);
  if (full) {
    if (const auto free = free_disk_bytes(path)) {
      message += " (" + with_thousands(*free) + " bytes free); free some space and try again";
    }
  }
  return fail(full ? ErrorCode::kResourceExhausted : ErrorCode::kIo, std::move(message));
}

}  // namespace

Result<DataFile> DataFile::create(const std::filesystem::path& path, std::uint64_t size_bytes) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (fd < 0) return fail_errno("create", path, errno);
  DataFile file(fd, path);
  const auto size = static_cast<off_t>(size_bytes);
  if (::ftruncate(fd, size) != 0) return fail_errno("resize", path, errno);
  if (size > 0 && ::fallocate(fd, 0, 0, size) != 0 && errno != EOPNOTSUPP && errno != ENOSYS) {
    return fail_errno("reserve space for", path, errno);
  }
  return file;
}

DataFile::DataFile(DataFile&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), path_(std::move(other.path_)) {}

DataFile::~DataFile() {
  if (fd_ >= 0) ::close(fd_);
}

Result<void> DataFile::write_at(std::uint64_t offset, std::span<const std::byte> bytes) const {
  while (!bytes.empty()) {
    const ssize_t n = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("write", path_, errno);
    bytes = bytes.subspan(static_cast<std::size_t>(n));
    offset += static_cast<std::uint64_t>(n);
  }
  return {};
}

Result<void> DataFile::sync() const {
  if (::fdatasync(fd_) != 0) return fail_errno("sync", path_, errno);
  return {};
}

}  // namespace hearth::onnx
