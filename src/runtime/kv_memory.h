// The memory of the block pool: reserved address space, given pages by the system as blocks are
// written.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>

#include "base/result.h"

namespace hearth::runtime {

/// Owns the mapping. Contents are not initialised in any way that is relied on.
class KvMemory {
 public:
  static Result<KvMemory> reserve(std::uint64_t size_bytes);

  KvMemory() = default;
  ~KvMemory();
  KvMemory(KvMemory&& other) noexcept;
  KvMemory& operator=(KvMemory&& other) noexcept;
  KvMemory(const KvMemory&) = delete;
  KvMemory& operator=(const KvMemory&) = delete;

  std::byte* data() const { return data_; }

 private:
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

/// What the system could give to new memory now, bounded by the limits of this process's control
/// group and of those above it, where what is only kept for files counts as free; from /proc and
/// /sys. Never 0. `root` stands for "/" in tests.
std::uint64_t available_memory_bytes(const std::filesystem::path& root = "/");

}  // namespace hearth::runtime
