#include "app/doctor/machine.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <iterator>

namespace hearth::app {
namespace {

namespace fs = std::filesystem;

struct KnownFeature {
  const char* name;
  std::string_view flag;  // as /proc/cpuinfo spells it; x86, then Arm
};

constexpr KnownFeature kFeatures[] = {
    {"AVX2", "avx2"},
    {"FMA", "fma"},
    {"AVX-VNNI", "avx_vnni"},
    {"AVX-512", "avx512f"},
    {"AVX-512 VNNI", "avx512_vnni"},
    {"AVX-512 BF16", "avx512_bf16"},
    {"AVX-512 FP16", "avx512_fp16"},
    {"AMX INT8", "amx_int8"},
    {"AMX BF16", "amx_bf16"},
};

constexpr KnownFeature kArmFeatures[] = {
    {"NEON", "asimd"}, {"dot product", "asimddp"}, {"I8MM", "i8mm"}, {"BF16", "bf16"},
    {"SVE", "sve"},
};

/// Kernel files say 0 for their size: read until the end.
std::string slurp(const fs::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\n") - first + 1);
}

/// The value of the first line "name : value".
std::string_view field(std::string_view text, std::string_view name) {
  while (!text.empty()) {
    const auto end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    const auto colon = line.find(':');
    if (colon != std::string_view::npos && trimmed(line.substr(0, colon)) == name) {
      return trimmed(line.substr(colon + 1));
    }
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return {};
}

bool has_word(std::string_view words, std::string_view word) {
  while (!words.empty()) {
    const auto space = words.find(' ');
    if (words.substr(0, space) == word) return true;
    if (space == std::string_view::npos) return false;
    words.remove_prefix(space + 1);
  }
  return false;
}

std::optional<std::uint64_t> leading_number(std::string_view text) {
  std::uint64_t value = 0;
  text = trimmed(text);
  const auto [stopped, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return std::nullopt;
  return value;
}

/// Calls `look` with the process's cgroup folder and each one above it.
template <class Look>
void for_each_cgroup(const Look& look) {
  const fs::path root = "/sys/fs/cgroup";
  const auto path = parse_cgroup_path(slurp("/proc/self/cgroup"));
  if (!path) return;
  fs::path relative = fs::path(*path).relative_path();
  for (;;) {
    look(root / relative);
    if (relative.empty()) return;
    relative = relative.parent_path();
  }
}

std::uint64_t last_level_cache() {
  std::uint64_t largest = 0;
  for (int index = 0; index < 8; ++index) {
    const auto size = parse_cache_size(
        slurp("/sys/devices/system/cpu/cpu0/cache/index" + std::to_string(index) + "/size"));
    largest = std::max(largest, size.value_or(0));
  }
  return largest;
}

int usable_cores(int fallback) {
  cpu_set_t set;
  CPU_ZERO(&set);
  return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : fallback;
}

}  // namespace

Cpu parse_cpuinfo(std::string_view text) {
  Cpu cpu;
  std::string_view model = field(text, "model name");
  if (!model.empty()) cpu.model = std::string(model);
  const std::string_view x86 = field(text, "flags");
  const std::string_view arm = field(text, "Features");
  if (!arm.empty()) {
    for (const KnownFeature& known : kArmFeatures) {
      cpu.features.push_back({known.name, has_word(arm, known.flag)});
    }
  } else {
    for (const KnownFeature& known : kFeatures) {
      cpu.features.push_back({known.name, has_word(x86, known.flag)});
    }
  }
  return cpu;
}

std::optional<double> parse_cpu_max(std::string_view text) {
  const auto space = text.find(' ');
  if (space == std::string_view::npos) return std::nullopt;
  const auto quota = leading_number(text.substr(0, space));
  const auto period = leading_number(text.substr(space + 1));
  if (!quota || !period || *period == 0) return std::nullopt;
  return static_cast<double>(*quota) / static_cast<double>(*period);
}

std::optional<std::uint64_t> parse_meminfo(std::string_view text, std::string_view name) {
  const auto kilobytes = leading_number(field(text, name));
  if (!kilobytes) return std::nullopt;
  return *kilobytes * 1024;
}

std::optional<std::uint64_t> parse_cache_size(std::string_view text) {
  const auto value = leading_number(text);
  if (!value) return std::nullopt;
  if (text.find('K') != std::string_view::npos) return *value << 10;
  if (text.find('M') != std::string_view::npos) return *value << 20;
  return value;
}

std::optional<std::string> parse_cgroup_path(std::string_view text) {
  const auto start = text.find("0::");
  if (start == std::string_view::npos) return std::nullopt;
  const std::string_view rest = text.substr(start + 3);
  return std::string(rest.substr(0, rest.find('\n')));
}

int Machine::threads() const {
  int count = cores_usable;
  if (cores_quota) count = std::min(count, static_cast<int>(std::ceil(*cores_quota)));
  return std::max(1, count);
}

Machine examine_machine() {
  Machine machine;
  machine.cpu = parse_cpuinfo(slurp("/proc/cpuinfo"));
  machine.cores = static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN));
  machine.cores_usable = usable_cores(machine.cores);
  machine.last_level_cache_bytes = last_level_cache();
  const std::string meminfo = slurp("/proc/meminfo");
  machine.memory_bytes = parse_meminfo(meminfo, "MemTotal").value_or(0);
  machine.memory_free_bytes = parse_meminfo(meminfo, "MemAvailable").value_or(0);
  ::getloadavg(&machine.load_average, 1);
  for_each_cgroup([&](const fs::path& folder) {
    if (const auto quota = parse_cpu_max(slurp(folder / "cpu.max"))) {
      machine.cores_quota = std::min(*quota, machine.cores_quota.value_or(*quota));
    }
    const auto limit = leading_number(slurp(folder / "memory.max"));
    const auto used = leading_number(slurp(folder / "memory.current"));
    if (!limit || !used) return;
    machine.memory_bytes = std::min(machine.memory_bytes, *limit);
    machine.memory_free_bytes =
        std::min(machine.memory_free_bytes, *limit > *used ? *limit - *used : 0);
  });
  return machine;
}

}  // namespace hearth::app
