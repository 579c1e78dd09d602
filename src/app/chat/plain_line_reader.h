// Lines from a pipe or a file: no prompt, no editing, no history.
#pragma once

#include <cstddef>
#include <string>

#include "app/chat/line_reader.h"
#include "app/io/signal_events.h"

namespace hearth::app {

/// One thread. The last line needs no line break; "\r\n" ends one too.
class PlainLineReader final : public LineReader {
 public:
  static constexpr std::size_t line_bytes_max = std::size_t{16} << 20;

  PlainLineReader(int descriptor, SignalEvents& signals)
      : descriptor_(descriptor), signals_(signals) {}

  Result<ReadLine> read(std::string_view prompt) override;
  void remember(const std::string&) override {}

 private:
  Result<bool> fill();
  ReadLine take(std::size_t length, std::size_t line_break);

  int descriptor_;
  SignalEvents& signals_;
  std::string buffer_;
  bool ended_ = false;
};

}  // namespace hearth::app
