#include "app/io/standard_input.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "base/file.h"
#include "text/utf8.h"

namespace hearth::app {
namespace {

/// True when a read would return at once: data, the end, or an error.
bool ready_within(int descriptor, int wait_ms) {
  struct pollfd entry {
    descriptor, POLLIN, 0
  };
  for (;;) {
    const int ready = ::poll(&entry, 1, wait_ms);
    if (ready < 0 && errno == EINTR) continue;
    return ready != 0;
  }
}

Result<std::string> read_all(int descriptor, std::uint64_t bytes_max) {
  std::string text;
  char buffer[1 << 16];
  for (;;) {
    const ssize_t n = ::read(descriptor, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) {
      ready_within(descriptor, -1);
      continue;
    }
    if (n < 0) {
      return fail(ErrorCode::kIo,
                  "cannot read standard input: " + std::generic_category().message(errno));
    }
    if (n == 0) return text;
    text.append(buffer, static_cast<std::size_t>(n));
    if (text.size() > bytes_max) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("standard input is larger than the {} bytes allowed",
                              with_thousands(bytes_max)));
    }
  }
}

bool may_be_silent(const struct stat& info) {
  return S_ISFIFO(info.st_mode) || S_ISSOCK(info.st_mode);
}

}  // namespace

Result<PipedInput> read_piped_input(int descriptor, bool needed, const InputLimits& limits) {
  PipedInput input;
  struct stat info {};
  if (::fstat(descriptor, &info) != 0 || ::isatty(descriptor) == 1) return input;
  if (S_ISDIR(info.st_mode)) {
    return fail(ErrorCode::kInvalidArgument, "standard input is a folder; expected text");
  }
  if (!needed && may_be_silent(info) && !ready_within(descriptor, limits.first_byte_wait_ms)) {
    input.gave_up = true;
    return input;
  }
  HEARTH_TRY(input.text, read_all(descriptor, limits.bytes_max));
  if (const auto offset = text::utf8_find_invalid(input.text)) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("standard input is not UTF-8 at byte {}; convert it first (iconv), or "
                            "describe the file instead of sending it",
                            *offset));
  }
  if (input.text.ends_with('\n')) input.text.pop_back();
  if (input.text.ends_with('\r')) input.text.pop_back();
  return input;
}

std::string join_task(const std::string& task, const std::string& attachment) {
  if (attachment.empty()) return task;
  if (task.empty()) return attachment;
  return task + "\n\n" + attachment;
}

}  // namespace hearth::app
