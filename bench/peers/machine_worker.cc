// machine_worker MEGABYTES: what the machine itself can do in the minute in which libraries are
// measured, on as many threads as Hearth takes.
//
// Questions: {"do": "read"} answers {"bytes_per_s"}, the best of several readings of one mapping of
// that size; {"do": "tiles"} answers {"macs_per_s"} of bf16 tiles on all threads, 0 without AMX.
#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "../kernels/probes.h"
#include "json_lines.h"
#include "kernels/registry.h"
#include "runtime/thread_count.h"

namespace hearth::bench {
namespace {

/// Seconds that `threads` threads take for job(0) ... job(threads - 1). They end with the job: a
/// crew that stays would have to spin, and take time from the libraries.
double seconds_of(int threads, const std::function<void(int)>& job) {
  const auto start = std::chrono::steady_clock::now();
  {
    std::vector<std::jthread> running;
    for (int i = 1; i < threads; ++i) running.emplace_back(job, i);
    job(0);
  }
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

class Machine {
 public:
  static Result<Machine> open(std::size_t bytes, int threads) {
    Machine machine;
    machine.threads_ = threads;
    machine.share_ = bytes / static_cast<std::size_t>(threads) / 256 * 256;
    const std::size_t size = machine.share_ * static_cast<std::size_t>(threads);
    void* data = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (data == MAP_FAILED) return fail(ErrorCode::kResourceExhausted, "no memory to read");
    // Without large pages the reading would be of the page tables' speed, not of the memory's.
    ::madvise(data, size, MADV_HUGEPAGE);
    machine.data_ = static_cast<std::byte*>(data);
    seconds_of(threads, [&](int i) { std::memset(machine.share(i), i + 1, machine.share_); });
    return machine;
  }

  /// The best of several, because what disturbs a reading only makes it slower.
  double read_bytes_per_s() const {
    constexpr int kReadings = 5;
    std::atomic<long> sink{0};
    double best = 1e9;
    for (int i = 0; i < kReadings; ++i) {
      best =
          std::min(best, seconds_of(threads_, [&](int t) { sink += read_all(share(t), share_); }));
    }
    return static_cast<double>(share_) * threads_ / best;
  }

  double tile_macs_per_s() const {
    if (kernels::best_isa() != kernels::Isa::kAmx) return 0;  // this also asks for the tiles
    constexpr long kCount = 2000000;
    constexpr int kTries = 10;
    double best = 1e9;
    for (int i = 0; i < kTries; ++i) {
      best = std::min(best, seconds_of(threads_, [](int) { multiply_tiles(kCount); }));
    }
    return static_cast<double>(kCount) * 8192 * threads_ / best;
  }

 private:
  std::byte* share(int thread) const { return data_ + share_ * static_cast<std::size_t>(thread); }

  int threads_ = 0;
  std::size_t share_ = 0;      ///< bytes that each thread reads
  std::byte* data_ = nullptr;  ///< goes with the process
};

}  // namespace
}  // namespace hearth::bench

int main(int argc, char** argv) {
  using hearth::Json;
  using hearth::Result;
  const std::size_t bytes = std::size_t(argc > 1 ? std::atoi(argv[1]) : 2400) * 1000000;
  const int threads = hearth::runtime::default_thread_count();
  const auto machine = hearth::bench::Machine::open(bytes, threads);
  const auto greeting = machine.map([&](const auto&) {
    return Json{{"threads", threads},
                {"isa", std::string(hearth::kernels::name_of(hearth::kernels::best_isa()))}};
  });
  return hearth::bench::answer_lines(greeting, [&](const auto& question) -> Result<Json> {
    HEARTH_TRY(const std::string what, question.string("do"));
    if (what == "tiles") return Json{{"macs_per_s", machine->tile_macs_per_s()}};
    return Json{{"bytes_per_s", machine->read_bytes_per_s()}};
  });
}
