#include "app/io/standard_output.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>

#include "base/terminal_text.h"

namespace hearth::app {

void fill_standard_descriptors() {
  for (const int descriptor : {0, 1, 2}) {
    if (::fcntl(descriptor, F_GETFD) >= 0 || errno != EBADF) continue;
    // The lowest free number is taken. Reading 0 gives an end at once; writing to 1 and 2 fails, as
    // it would on a closed descriptor, because the mode is the wrong one on purpose.
    if (::open("/dev/null", O_RDONLY) != descriptor) return;
  }
}

StandardOutput::StandardOutput(int descriptor)
    : descriptor_(descriptor), terminal_(::isatty(descriptor) == 1) {}

bool StandardOutput::write(std::string_view text) {
  return terminal_ ? write_bytes(for_terminal(text)) : write_bytes(text);
}

bool StandardOutput::write_bytes(std::string_view bytes) {
  while (!bytes.empty() && error_ == 0) {
    const ssize_t n = ::write(descriptor_, bytes.data(), bytes.size());
    if (n >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(n));
    } else if (errno == EAGAIN) {  // someone made the descriptor non-blocking
      struct pollfd entry {
        descriptor_, POLLOUT, 0
      };
      ::poll(&entry, 1, -1);
    } else if (errno != EINTR) {
      error_ = errno;
      reader_gone_ = error_ == EPIPE;
    }
  }
  return error_ == 0;
}

Result<void> StandardOutput::status() const {
  if (error_ == 0 || reader_gone_) return {};
  const bool full = error_ == ENOSPC || error_ == EDQUOT || error_ == EFBIG;
  return fail(full ? ErrorCode::kResourceExhausted : ErrorCode::kIo,
              "cannot write to standard output: " + std::generic_category().message(error_));
}

}  // namespace hearth::app
