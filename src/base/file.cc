#include "base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "base/descriptor.h"

namespace hearth {
namespace {

namespace fs = std::filesystem;

Result<void> write_all(int fd, std::string_view content, const fs::path& path) {
  while (!content.empty()) {
    const ssize_t n = ::write(fd, content.data(), content.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("write", path, errno);
    content.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

}  // namespace

tl::unexpected<Error> fail_errno(const char* action, const fs::path& path, int error) {
  // links that lead in a circle lead to no file
  const bool missing = error == ENOENT || error == ENOTDIR || error == ELOOP;
  const ErrorCode code = missing ? ErrorCode::kNotFound
                         : error == ENOSPC || error == EDQUOT || error == EFBIG
                             ? ErrorCode::kResourceExhausted
                             : ErrorCode::kIo;
  std::string message = std::string("cannot ") + action + " " + path.string() + ": " +
                        std::generic_category().message(error);
  if (code == ErrorCode::kResourceExhausted) {
    if (const auto free = free_disk_bytes(path)) {
      message += " (" + with_thousands(*free) + " bytes free); free some space and try again";
    }
  }
  return fail(code, std::move(message));
}

Result<std::string> read_file(const fs::path& path, std::uint64_t size_max_bytes) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return fail_errno("open", path, errno);
  struct stat info {};
  if (::fstat(file.get(), &info) != 0) return fail_errno("examine", path, errno);
  if (S_ISDIR(info.st_mode)) {
    return fail(ErrorCode::kInvalidArgument, path.string() + " is a folder, a file was expected");
  }
  const auto too_large = [&] {
    return fail(ErrorCode::kCorrupt, path.string() + " is larger than the " +
                                         with_thousands(size_max_bytes) + " bytes allowed here");
  };
  if (S_ISREG(info.st_mode) && static_cast<std::uint64_t>(info.st_size) > size_max_bytes) {
    return too_large();
  }
  std::string content;
  content.reserve(S_ISREG(info.st_mode) ? static_cast<std::size_t>(info.st_size) : 0);
  char buffer[1 << 16];
  for (;;) {
    const ssize_t n = ::read(file.get(), buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("read", path, errno);
    if (n == 0) return content;
    content.append(buffer, static_cast<std::size_t>(n));
    if (content.size() > size_max_bytes) return too_large();
  }
}

Result<void> write_file_atomically(const fs::path& path, std::string_view content, unsigned mode) {
  std::string temporary = path.string() + ".XXXXXX";
  const Descriptor file(::mkostemp(temporary.data(), O_CLOEXEC));
  if (file.get() < 0) return fail_errno("create a file beside", path, errno);
  auto written = write_all(file.get(), content, path);
  if (written && ::fchmod(file.get(), static_cast<mode_t>(mode)) != 0)
    written = fail_errno("write", path, errno);
  if (written && ::fsync(file.get()) != 0) written = fail_errno("write", path, errno);
  if (written && ::rename(temporary.c_str(), path.c_str()) != 0) {
    written = fail_errno("replace", path, errno);
  }
  if (!written) ::unlink(temporary.c_str());
  return written;
}

Result<std::uint64_t> free_disk_bytes(const fs::path& path) {
  std::error_code ignored;
  fs::path existing = fs::absolute(path, ignored);
  while (!existing.empty() && !fs::exists(existing, ignored) && existing != existing.root_path()) {
    existing = existing.parent_path();
  }
  struct statvfs info {};
  if (::statvfs(existing.c_str(), &info) != 0) return fail_errno("examine", existing, errno);
  return static_cast<std::uint64_t>(info.f_bavail) * info.f_frsize;
}

Result<std::uint64_t> file_size_bytes(const fs::path& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return fail_errno("examine", path, errno);
  if (!S_ISREG(info.st_mode)) {
    return fail(ErrorCode::kInvalidArgument, path.string() + " is not a regular file");
  }
  return static_cast<std::uint64_t>(info.st_size);
}

std::string with_thousands(std::uint64_t value) {
  std::string digits = std::to_string(value);
  for (std::size_t i = digits.size(); i > 3;) {
    i -= 3;
    digits.insert(i, ",");
  }
  return digits;
}

}  // namespace hearth
