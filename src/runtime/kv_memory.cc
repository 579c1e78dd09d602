#include "runtime/kv_memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/file.h"
#include "runtime/control_groups.h"

namespace hearth::runtime {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kUnknownMemoryBytes = std::uint64_t{1} << 30;

/// The number in a file that holds one number; nothing for "max" and for no file.
std::optional<std::uint64_t> number_in(const fs::path& path) {
  std::ifstream file(path);
  std::uint64_t value = 0;
  return file >> value ? std::optional(value) : std::nullopt;
}

/// The number behind `key` in a file of "key number" and perhaps a unit in each line.
std::optional<std::uint64_t> number_behind(const fs::path& path, std::string_view key) {
  std::ifstream file(path);
  std::string word;
  std::uint64_t value = 0;
  for (std::string rest; file >> word >> value; std::getline(file, rest)) {
    if (word == key) return value;
  }
  return std::nullopt;
}

std::uint64_t free_by_meminfo(const fs::path& root) {
  const auto kibibytes = number_behind(root / "proc/meminfo", "MemAvailable:");
  return kibibytes ? *kibibytes * 1024 : kUnknownMemoryBytes;
}

/// What one control group leaves, by the files of version 2 or 1; everything without a limit.
std::uint64_t free_in(const fs::path& group) {
  auto limit = number_in(group / "memory.max");
  auto used = number_in(group / "memory.current");
  auto files = number_behind(group / "memory.stat", "inactive_file");
  if (const auto first = number_in(group / "memory.limit_in_bytes"); first && !limit) {
    limit = first;
    used = number_in(group / "memory.usage_in_bytes");
    files = number_behind(group / "memory.stat", "total_inactive_file");
  }
  if (!limit) return UINT64_MAX;
  const std::uint64_t kept = used.value_or(0) - std::min(used.value_or(0), files.value_or(0));
  return *limit - std::min(*limit, kept);
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

std::uint64_t available_memory_bytes(const fs::path& root) {
  std::uint64_t available = free_by_meminfo(root);
  for (const fs::path& group : control_group_folders(root, "memory")) {
    available = std::min(available, free_in(group));
  }
  return std::max<std::uint64_t>(available, 1);
}

}  // namespace hearth::runtime
