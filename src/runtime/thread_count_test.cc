#include "runtime/thread_count.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "runtime/test_models.h"

namespace hearth::runtime {
namespace {

namespace fs = std::filesystem;

void put(const fs::path& path, const std::string& content) {
  fs::create_directories(path.parent_path());
  std::ofstream(path) << content;
}

TEST(DefaultThreadCount, IsBoundedByTheTightestQuotaRoundedUp) {
  const TemporaryFolder root;
  const int cores = default_thread_count(root.path());
  ASSERT_GE(cores, 1);
  put(root.path() / "sys/fs/cgroup/cpu.max", "max 100000\n");
  EXPECT_EQ(default_thread_count(root.path()), cores) << "no quota";
  put(root.path() / "sys/fs/cgroup/cpu.max", "50000 100000\n");
  EXPECT_EQ(default_thread_count(root.path()), 1) << "half a core";
  put(root.path() / "sys/fs/cgroup/cpu.max", "6400000 100000\n");
  EXPECT_EQ(default_thread_count(root.path()), cores) << "more than there are";
  put(root.path() / "proc/self/cgroup", "0::/pod/container\n");
  put(root.path() / "sys/fs/cgroup/pod/cpu.max", "100000 100000\n");
  put(root.path() / "sys/fs/cgroup/pod/container/cpu.max", "max 100000\n");
  EXPECT_EQ(default_thread_count(root.path()), 1) << "the pod's quota holds for what is in it";
}

TEST(DefaultThreadCount, ReadsTheFirstVersionsFilesToo) {
  const TemporaryFolder root;
  put(root.path() / "sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
  put(root.path() / "sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
  const int cores = default_thread_count(root.path());
  put(root.path() / "proc/self/cgroup", "4:cpu,cpuacct:/docker/abc\n");
  put(root.path() / "sys/fs/cgroup/cpu/docker/abc/cpu.cfs_quota_us", "20000\n");
  put(root.path() / "sys/fs/cgroup/cpu/docker/abc/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(default_thread_count(root.path()), 1);
  EXPECT_GE(cores, 1);
}

}  // namespace
}  // namespace hearth::runtime
