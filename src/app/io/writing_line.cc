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

std::function<bool(std::size_t, std::size_t)> calibrating_line(const std::atomic<bool>& cancelled,
                                                               std::size_t runs, int descriptor) {
  struct Shown {
    std::size_t run = 1;
    std::size_t done = 0;
    std::size_t percent = 101;
  };
  const bool terminal = ::isatty(descriptor) == 1;
  return [terminal, descriptor, runs, shown = std::make_shared<Shown>(), &cancelled](
             std::size_t done, std::size_t total) {
    const bool again = shown->done > 0 && done <= shown->done;
    const std::size_t percent = total == 0 ? 100 : done * 100 / total;
    if (again) ++shown->run;
    if (terminal && (again || percent != shown->percent)) {
      ::dprintf(descriptor, "\r\x1b[Kreading the calibration text: %zu %%, run %zu of %zu", percent,
                shown->run, runs);
    }
    shown->done = done;
    shown->percent = percent;
    return !cancelled.load();
  };
}

}  // namespace hearth::app
