#include "app/io/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

#include "base/file.h"

namespace hearth::app {

bool ProgressLine::wanted(int output_descriptor, int error_descriptor) {
  return ::isatty(error_descriptor) == 1 && ::isatty(output_descriptor) != 1;
}

ProgressLine::ProgressLine() {
  if (wanted(1, 2)) thread_ = std::thread([this] { loop(); });
}

ProgressLine::~ProgressLine() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    done_ = true;
  }
  done_changed_.notify_one();
  thread_.join();
}

void ProgressLine::loop() {
  using namespace std::chrono_literals;
  bool shown = false;
  std::unique_lock lock(mutex_);
  while (!done_changed_.wait_for(lock, 1s, [this] { return done_; })) {
    const auto seconds =
        std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - start_);
    std::fputs(fmt::format("\r\x1b[Khearth: {} s, {} bytes so far", seconds.count(),
                           with_thousands(bytes_))
                   .c_str(),
               stderr);
    shown = true;
  }
  if (shown) std::fputs("\r\x1b[K", stderr);
}

}  // namespace hearth::app
