#include "runtime/weight_mover.h"

#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <system_error>
#include <thread>

#include "kernels/pack_linear.h"
#include "runtime/kv_memory.h"

namespace hearth::runtime {
namespace {

constexpr std::uint64_t kLargePageBytes = 2 << 20;
constexpr std::uint64_t kChunkBytes =
    kLargePageBytes;  ///< so that no page is filled by two threads

using Clock = std::chrono::steady_clock;

}  // namespace

MovePace::Duration MovePace::after_step(bool generating, Duration step) {
  if (!generating) return Duration::zero();
  if (generating_steps_ < kStepsBefore) {
    ++generating_steps_;
    return Duration::zero();
  }
  return step / kShareOfStep;
}

WeightMover::WeightMover(const PackedWeights& weights, std::vector<kernels::PackedLinear>& linears,
                         int threads)
    : weights_(weights),
      linears_(linears),
      threads_(threads),
      total_bytes_(weights.places().empty()
                       ? 0
                       : weights.places().back().offset + weights.places().back().size_bytes) {}

WeightMover::~WeightMover() {
  if (mapping_ != nullptr) ::munmap(mapping_, mapping_bytes_);
}

void WeightMover::reserve() {
  refused_ = available_memory_bytes() / 2 < total_bytes_;
  if (refused_) return;
  mapping_bytes_ = total_bytes_ + kLargePageBytes;
  void* const mapped =
      ::mmap(nullptr, mapping_bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  refused_ = mapped == MAP_FAILED;
  if (refused_) return;
  mapping_ = mapped;
  const std::uint64_t address = reinterpret_cast<std::uintptr_t>(mapped);
  const std::uint64_t past = (kLargePageBytes - address % kLargePageBytes) % kLargePageBytes;
  memory_ = static_cast<std::byte*>(mapped) + past;
  ::madvise(memory_, total_bytes_, MADV_HUGEPAGE);  // only a wish
}

void WeightMover::copy_chunks(Clock::time_point deadline) {
  const char* const from = weights_.bytes().data();
  std::atomic<std::uint64_t> next = moved_bytes_;
  const auto work = [&]() noexcept {
    do {
      const std::uint64_t at = next.fetch_add(kChunkBytes);
      if (at >= total_bytes_) return;
      std::memcpy(memory_ + at, from + at, std::min(kChunkBytes, total_bytes_ - at));
    } while (Clock::now() < deadline);
  };
  {
    std::vector<std::jthread> others;
    try {
      for (int i = 1; i < threads_; ++i) others.emplace_back(work);
    } catch (const std::system_error&) {
      // Where no more threads can be had, those that there are do it.
    }
    work();
  }
  moved_bytes_ = std::min(next.load(), total_bytes_);
}

void WeightMover::point_to_arrived() {
  const auto& places = weights_.places();
  for (; arrived_ < places.size(); ++arrived_) {
    const PackedWeights::Place& place = places[arrived_];
    if (place.offset + place.size_bytes > moved_bytes_) return;
    linears_[arrived_] = kernels::view_packed(
        place.format, reinterpret_cast<const std::uint8_t*>(memory_ + place.offset));
    weights_.forget(place);
  }
}

void WeightMover::move_for(std::chrono::nanoseconds budget) {
  if (finished()) return;
  if (memory_ == nullptr) reserve();
  if (refused_) return;
  copy_chunks(Clock::now() + budget);
  point_to_arrived();
}

}  // namespace hearth::runtime
