#include "base/copy_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "base/descriptor.h"

namespace hearth {
namespace {

namespace fs = std::filesystem;

Result<void> write_all(int fd, const char* data, std::size_t size, const fs::path& path) {
  while (size > 0) {
    const ssize_t n = ::write(fd, data, size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("write", path, errno);
    data += n;
    size -= static_cast<std::size_t>(n);
  }
  return {};
}

}  // namespace

Result<void> copy_file_bytes(const fs::path& from, const fs::path& to,
                             const std::atomic<bool>& cancelled) {
  const Descriptor source(::open(from.c_str(), O_RDONLY | O_CLOEXEC));
  if (source.get() < 0) return fail_errno("open", from, errno);
  const Descriptor target(::open(to.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (target.get() < 0) return fail_errno("create", to, errno);
  std::string buffer(std::size_t{1} << 20, '\0');
  for (;;) {
    if (cancelled.load()) return fail(ErrorCode::kCancelled, "copying was cancelled");
    const ssize_t n = ::read(source.get(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("read", from, errno);
    if (n == 0) break;
    HEARTH_TRY_VOID(write_all(target.get(), buffer.data(), static_cast<std::size_t>(n), to));
  }
  if (::fsync(target.get()) != 0) return fail_errno("write", to, errno);
  return {};
}

}  // namespace hearth
