#include "app/chat/plain_line_reader.h"

#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "base/file.h"

namespace hearth::app {

ReadLine PlainLineReader::take(std::size_t length, std::size_t line_break) {
  ReadLine line{ReadLine::Kind::kLine, buffer_.substr(0, length)};
  if (line.text.ends_with('\r')) line.text.pop_back();
  buffer_.erase(0, length + line_break);
  return line;
}

/// Adds what came to the buffer; false when a signal came instead.
Result<bool> PlainLineReader::fill() {
  if (!signals_.wait_readable(descriptor_)) return false;
  char bytes[1 << 16];
  const ssize_t n = ::read(descriptor_, bytes, sizeof bytes);
  if (n > 0) buffer_.append(bytes, static_cast<std::size_t>(n));
  if (n == 0) ended_ = true;
  if (n < 0 && errno != EINTR && errno != EAGAIN) {
    return fail(ErrorCode::kIo,
                "cannot read standard input: " + std::generic_category().message(errno));
  }
  return true;
}

Result<ReadLine> PlainLineReader::read(std::string_view) {
  std::size_t searched = 0;
  for (;;) {
    const std::size_t line_break = buffer_.find('\n', searched);
    if (line_break != std::string::npos) return take(line_break, 1);
    if (ended_ && buffer_.empty()) return ReadLine{};
    if (ended_) return take(buffer_.size(), 0);
    searched = buffer_.size();
    if (searched > line_bytes_max) {
      return fail(ErrorCode::kInvalidArgument, "a line of standard input is longer than the " +
                                                   with_thousands(line_bytes_max) +
                                                   " bytes allowed");
    }
    HEARTH_TRY(const bool came, fill());
    if (!came) return ReadLine{};
  }
}

}  // namespace hearth::app
