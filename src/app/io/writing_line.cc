#include "app/io/writing_line.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <memory>

#include "app/cli/command.h"

namespace hearth::app {

onnx::ProgressFn writing_line(const std::atomic<bool>& cancelled) {
  const bool terminal = ::isatty(2) == 1;
  auto shown = std::make_shared<std::uint64_t>(101);
  return [terminal, shown, &cancelled](std::uint64_t done, std::uint64_t total) {
    const std::uint64_t percent = total == 0 ? 100 : done * 100 / total;
    if (terminal && percent != *shown) {
      *shown = percent;
      std::fputs(fmt::format("\r\x1b[Kwriting weights: {} % of {}{}", percent, size_in_words(total),
                             done >= total ? "\n" : "")
                     .c_str(),
                 stderr);
    }
    return !cancelled.load();
  };
}

}  // namespace hearth::app
