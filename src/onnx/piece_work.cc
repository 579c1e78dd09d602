#include "onnx/piece_work.h"

#include <atomic>
#include <mutex>
#include <new>
#include <optional>
#include <system_error>
#include <thread>
#include <vector>

namespace hearth::onnx {
namespace {

/// What the threads share.
struct Work {
  std::size_t count = 0;
  std::atomic<std::size_t> next{0};
  std::atomic<bool> stopped{false};
  std::mutex mutex;
  WrittenBytes& written;
  std::optional<Error> error;

  void stop(Error why) {
    const std::lock_guard lock(mutex);
    if (!error) error = std::move(why);
    stopped = true;
  }
};

const char* const kOutOfMemory = "not enough memory for the weights and what is made of them";

void run_pieces_of(const PieceFn& worker, const ProgressFn& progress, Work& work) {
  while (!work.stopped) {
    const std::size_t index = work.next++;
    if (index >= work.count) return;
    Result<std::uint64_t> bytes = 0;
    try {
      bytes = worker(index);
    } catch (const std::bad_alloc&) {
      bytes = fail(ErrorCode::kResourceExhausted, kOutOfMemory);
    }
    if (!bytes) return work.stop(bytes.error());
    const std::lock_guard lock(work.mutex);
    work.written.done += *bytes;
    if (progress && !work.stopped && !progress(work.written.done, work.written.total)) {
      work.error = Error{ErrorCode::kCancelled, "writing the model was cancelled"};
      work.stopped = true;
    }
  }
}

/// An exception must not leave a thread: neither a piece's nor that of the worker's buffers.
void run_thread(const std::function<PieceFn()>& make_worker, const ProgressFn& progress,
                Work& work) {
  PieceFn worker;
  try {
    worker = make_worker();
  } catch (const std::bad_alloc&) {
    return work.stop({ErrorCode::kResourceExhausted, kOutOfMemory});
  }
  run_pieces_of(worker, progress, work);
}

}  // namespace

Result<void> run_pieces(std::size_t count, int threads, WrittenBytes& written,
                        const ProgressFn& progress, const std::function<PieceFn()>& make_worker) {
  Work work{
      .count = count, .next = {}, .stopped = {}, .mutex = {}, .written = written, .error = {}};
  const auto run = [&] { run_thread(make_worker, progress, work); };
  std::vector<std::thread> helpers;
  try {
    for (int i = 1; i < threads; ++i) helpers.emplace_back(run);
  } catch (const std::system_error&) {
    // Fewer threads do the same work.
  }
  run();
  for (std::thread& helper : helpers) helper.join();
  if (work.error) return fail(work.error->code, work.error->message);
  return {};
}

}  // namespace hearth::onnx
