// Reads only: a decoder's weights are never written. bytes / time of the slowest thread, best of
// the rounds, because anything else that runs can only slow a round down.
#include "app/doctor/bandwidth.h"

#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <barrier>
#include <chrono>
#include <cstring>
#include <system_error>
#include <thread>
#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace hearth::app {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint64_t kMegabyte = 1'000'000;
constexpr std::uint64_t kBlockBytes = 1 << 16;
constexpr std::uint64_t kPageBytes = 4096;
constexpr auto kBudget = std::chrono::milliseconds(1500);  // filling included
constexpr int kRoundsMin = 2;

/// Anonymous memory in large pages where the system grants them.
class Buffer {
 public:
  explicit Buffer(std::uint64_t bytes) : bytes_(bytes) {
    void* mapped =
        ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped == MAP_FAILED) return;
    data_ = static_cast<unsigned char*>(mapped);
    ::madvise(mapped, bytes, MADV_HUGEPAGE);
  }
  ~Buffer() {
    if (data_ != nullptr) ::munmap(data_, bytes_);
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  unsigned char* data() { return data_; }

 private:
  unsigned char* data_ = nullptr;
  std::uint64_t bytes_;
};

std::uint64_t read_portable(const unsigned char* data, std::uint64_t bytes) {
  std::uint64_t sums[8] = {};
  for (std::uint64_t at = 0; at + 64 <= bytes; at += 64) {
    for (int lane = 0; lane < 8; ++lane) {
      std::uint64_t word = 0;
      std::memcpy(&word, data + at + lane * 8, sizeof word);
      sums[lane] += word;
    }
  }
  std::uint64_t total = 0;
  for (const std::uint64_t sum : sums) total += sum;
  return total;
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) std::uint64_t read_avx2(const unsigned char* data,
                                                        std::uint64_t bytes) {
  __m256i a = _mm256_setzero_si256();
  __m256i b = a;
  __m256i c = a;
  __m256i d = a;
  for (std::uint64_t at = 0; at + 128 <= bytes; at += 128) {
    const auto* lines = reinterpret_cast<const __m256i*>(data + at);
    a = _mm256_add_epi64(a, _mm256_load_si256(lines));
    b = _mm256_add_epi64(b, _mm256_load_si256(lines + 1));
    c = _mm256_add_epi64(c, _mm256_load_si256(lines + 2));
    d = _mm256_add_epi64(d, _mm256_load_si256(lines + 3));
  }
  alignas(32) std::uint64_t sums[4];
  _mm256_store_si256(reinterpret_cast<__m256i*>(sums),
                     _mm256_add_epi64(_mm256_add_epi64(a, b), _mm256_add_epi64(c, d)));
  return sums[0] + sums[1] + sums[2] + sums[3];
}
#endif

std::uint64_t read_once(const unsigned char* data, std::uint64_t bytes) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) return read_avx2(data, bytes);
#endif
  return read_portable(data, bytes);
}

}  // namespace

std::uint64_t bandwidth_buffer_bytes(const Machine& machine) {
  const std::uint64_t wanted =
      std::clamp(4 * machine.last_level_cache_bytes, 512 * kMegabyte, 1000 * kMegabyte);
  const std::uint64_t bytes = std::min(wanted, machine.memory_free_bytes / 4);
  return bytes / kBlockBytes * kBlockBytes;
}

std::optional<Bandwidth> measure_bandwidth(const Machine& machine) {
  const auto threads = static_cast<std::uint64_t>(machine.threads());
  const std::uint64_t part = bandwidth_buffer_bytes(machine) / threads / kBlockBytes * kBlockBytes;
  const std::uint64_t bytes = part * threads;
  if (part == 0) return std::nullopt;
  Buffer buffer(bytes);
  if (buffer.data() == nullptr) return std::nullopt;

  double best_seconds = 0;
  std::atomic<std::uint64_t> sum{0};  // read afterwards, so that no round can be optimised away
  bool done = false;
  bool abandoned = false;
  int round = 0;
  Clock::time_point round_start;
  const Clock::time_point start = Clock::now();
  const auto between_rounds = [&]() noexcept {
    const Clock::time_point now = Clock::now();
    // Round 0 fills the buffer and round 1 warms up.
    if (round >= 2) {
      const double seconds = std::chrono::duration<double>(now - round_start).count();
      if (best_seconds == 0 || seconds < best_seconds) best_seconds = seconds;
    }
    done = abandoned || (round >= 1 + kRoundsMin && now - start > kBudget);
    ++round;
    round_start = Clock::now();
  };
  std::barrier barrier(static_cast<std::ptrdiff_t>(threads), between_rounds);
  const auto work = [&](std::uint64_t index) {
    unsigned char* const mine = buffer.data() + index * part;
    // One byte makes the system give a page; the rest it fills with zeros itself.
    for (std::uint64_t at = 0; at < part; at += kPageBytes) mine[at] = 1;
    barrier.arrive_and_wait();
    while (!done) {
      sum += read_once(mine, part);
      barrier.arrive_and_wait();
    }
  };
  std::vector<std::jthread> helpers;
  try {
    for (std::uint64_t index = 1; index < threads; ++index) helpers.emplace_back(work, index);
  } catch (const std::system_error&) {
    // The threads that did start wait for the missing ones: let them go, and give up measuring.
    abandoned = true;
    for (std::uint64_t missing = helpers.size(); missing < threads; ++missing) {
      (void)barrier.arrive();
    }
    return std::nullopt;
  }
  work(0);
  helpers.clear();
  if (sum == 0 || best_seconds == 0) return std::nullopt;
  return Bandwidth{static_cast<double>(bytes) / best_seconds, static_cast<int>(threads), bytes,
                   bytes >= 4 * machine.last_level_cache_bytes};
}

}  // namespace hearth::app
