#include "runtime/kv_memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <utility>

#include "base/file.h"

namespace hearth::runtime {
namespace {

constexpr std::uint64_t kUnknownMemoryBytes = std::uint64_t{1} << 30;

/// The number in a file that holds one number; `fallback` for "max" and for no file.
std::uint64_t number_in(const char* path, std::uint64_t fallback) {
  std::ifstream file(path);
  std::uint64_t value = 0;
  return file >> value ? value : fallback;
}

std::uint64_t free_by_meminfo() {
  std::ifstream file("/proc/meminfo");
  std::string key;
  std::uint64_t kibibytes = 0;
  std::string unit;
  while (file >> key >> kibibytes) {
    if (key == "MemAvailable:") return kibibytes * 1024;
    std::getline(file, unit);
  }
  return kUnknownMemoryBytes;
}

}  // namespace

Result<KvMemory> KvMemory::reserve(std::uint64_t size_bytes) {
  void* data = ::mmap(nullptr, size_bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (data == MAP_FAILED) {
    return fail(ErrorCode::kResourceExhausted,
                "cannot reserve " + with_thousands(size_bytes) + " bytes for keys and values");
  }
  KvMemory memory;
  memory.data_ = static_cast<std::byte*>(data);
  memory.size_ = size_bytes;
  return memory;
}

KvMemory::~KvMemory() {
  if (data_ != nullptr) ::munmap(data_, size_);
}

KvMemory::KvMemory(KvMemory&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

KvMemory& KvMemory::operator=(KvMemory&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

std::uint64_t available_memory_bytes() {
  const std::uint64_t machine = free_by_meminfo();
  const std::uint64_t limit = number_in("/sys/fs/cgroup/memory.max", UINT64_MAX);
  const std::uint64_t used = number_in("/sys/fs/cgroup/memory.current", 0);
  const std::uint64_t group = limit == UINT64_MAX ? limit : limit - std::min(limit, used);
  return std::max<std::uint64_t>(std::min(machine, group), 1);
}

}  // namespace hearth::runtime
