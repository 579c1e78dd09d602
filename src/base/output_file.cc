#include "base/output_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "base/descriptor.h"
#include "base/file.h"

namespace hearth {
namespace {

namespace fs = std::filesystem;

/// The user named what cannot be written: kNotFound would speak of something to be read.
tl::unexpected<Error> wrong(const fs::path& path, const std::string& why) {
  return fail(ErrorCode::kInvalidArgument, "cannot write " + path.string() + ": " + why);
}

tl::unexpected<Error> failed(const fs::path& path, int error) {
  return fail(error == ENOSPC ? ErrorCode::kResourceExhausted : ErrorCode::kIo,
              "cannot write " + path.string() + ": " + std::generic_category().message(error));
}

Result<void> write_through(const fs::path& path, std::string_view content) {
  const Descriptor file(::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY));
  if (file.get() < 0) return failed(path, errno);
  while (!content.empty()) {
    const ssize_t written = ::write(file.get(), content.data(), content.size());
    if (written < 0 && errno != EINTR) return failed(path, errno);
    if (written > 0) content.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

}  // namespace

Result<void> check_output_file(const fs::path& path) {
  std::error_code ignored;
  const fs::file_status status = fs::status(path, ignored);
  if (fs::is_directory(status)) return wrong(path, "it is a folder");
  if (!fs::exists(status) && fs::is_symlink(path, ignored)) {
    return wrong(path, "it is a link that leads nowhere");
  }
  // A regular file is replaced, for which its folder must be writable, not the file.
  fs::path asked = path;
  if (!fs::exists(status) || fs::is_regular_file(status)) {
    const fs::path target = fs::exists(status) ? fs::canonical(path, ignored) : path;
    asked = target.has_parent_path() ? target.parent_path() : ".";
    if (!fs::is_directory(asked, ignored)) {
      return wrong(path, "there is no folder " + asked.string());
    }
  }
  if (::access(asked.c_str(), W_OK) != 0) {
    return wrong(path, std::generic_category().message(errno));
  }
  return {};
}

Result<void> write_output_file(const fs::path& path, std::string_view content, unsigned mode) {
  HEARTH_TRY_VOID(check_output_file(path));
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return write_file_atomically(path, content, mode);
  if (!S_ISREG(info.st_mode)) return write_through(path, content);
  std::error_code error;
  const fs::path target = fs::canonical(path, error);
  if (error) return failed(path, error.value());
  return write_file_atomically(target, content, info.st_mode & 0777U);
}

}  // namespace hearth
