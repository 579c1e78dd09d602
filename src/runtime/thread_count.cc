#include "runtime/thread_count.h"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <set>
#include <string>

#include "runtime/control_groups.h"

namespace hearth::runtime {
namespace {

namespace fs = std::filesystem;

int physical_cores(const fs::path& root) {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (::sched_getaffinity(0, sizeof allowed, &allowed) != 0) return 1;
  std::set<std::string> cores;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &allowed)) continue;
    const std::string name = "cpu" + std::to_string(cpu);
    std::ifstream siblings(root / "sys/devices/system/cpu" / name / "topology/core_cpus_list");
    std::string list;
    std::getline(siblings, list);
    cores.insert(list.empty() ? name : list);
  }
  return std::max(1, static_cast<int>(cores.size()));
}

/// CPUs by the quota of one control group's folder; infinity without one.
double quota_of(const fs::path& group) {
  double quota = 0;
  double period = 0;
  if (std::ifstream file(group / "cpu.max"); file >> quota >> period && period > 0) {
    return quota / period;
  }
  std::ifstream v1_quota(group / "cpu.cfs_quota_us");
  std::ifstream v1_period(group / "cpu.cfs_period_us");
  if (v1_quota >> quota && v1_period >> period && quota > 0 && period > 0) return quota / period;
  return std::numeric_limits<double>::infinity();
}

/// The tightest quota of this process's group and those above it.
double tightest_quota(const fs::path& root) {
  double tightest = std::numeric_limits<double>::infinity();
  for (const fs::path& group : control_group_folders(root, "cpu")) {
    tightest = std::min(tightest, quota_of(group));
  }
  return tightest;
}

}  // namespace

int default_thread_count(const fs::path& root) {
  const double quota = std::ceil(tightest_quota(root));
  const int cores = physical_cores(root);
  return quota < cores ? std::max(1, static_cast<int>(quota)) : cores;
}

}  // namespace hearth::runtime
