// What the machine has: processor, cores this process may use, memory. Linux; what a file does not
// say stays unknown.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::app {

struct CpuFeature {
  std::string name;  ///< "AVX2", "AVX-512 VNNI", ...
  bool present = false;
};

struct Cpu {
  std::string model = "unknown";
  std::vector<CpuFeature> features;
};

/// From the text of /proc/cpuinfo.
Cpu parse_cpuinfo(std::string_view text);

/// Cores that a cgroup grants, from cpu.max ("200000 100000"; "max 100000" is no limit).
std::optional<double> parse_cpu_max(std::string_view text);

/// The value of a line "MemAvailable:   123 kB" in bytes.
std::optional<std::uint64_t> parse_meminfo(std::string_view text, std::string_view name);

/// "512K", "480M" as in /sys/devices/system/cpu, in bytes.
std::optional<std::uint64_t> parse_cache_size(std::string_view text);

/// The cgroup (version 2) of a process, from the text of /proc/self/cgroup: "/a/b".
std::optional<std::string> parse_cgroup_path(std::string_view text);

struct Machine {
  Cpu cpu;
  int cores = 0;         ///< online
  int cores_usable = 0;  ///< by this process's affinity
  std::optional<double> cores_quota;
  std::uint64_t last_level_cache_bytes = 0;  ///< 0: unknown
  std::uint64_t memory_bytes = 0;
  std::uint64_t memory_free_bytes = 0;  ///< available without swapping, the cgroup's limit included

  double load_average = 0;  ///< processes that wanted to run, over the last minute

  /// Threads that computing may use without fighting over cores; at least 1.
  int threads() const;
};

Machine examine_machine();

}  // namespace hearth::app
