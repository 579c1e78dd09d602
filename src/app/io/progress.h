// A line on standard error that shows a long answer is being worked on.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>

namespace hearth::app {

/// Writes "12 s, 1,234 bytes so far" over itself once a second until destroyed, and wipes the line
/// at the end. Inactive when standard error is no terminal or standard output is one.
class ProgressLine {
 public:
  ProgressLine();
  ~ProgressLine();
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  /// Counts text that was generated. Any thread.
  void add(std::uint64_t bytes) { bytes_ += bytes; }

  /// Whether the line is useful where the two descriptors lead.
  static bool wanted(int output_descriptor, int error_descriptor);

 private:
  void loop();

  std::atomic<std::uint64_t> bytes_{0};
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::mutex mutex_;
  std::condition_variable done_changed_;
  bool done_ = false;
  std::thread thread_;
};

}  // namespace hearth::app
