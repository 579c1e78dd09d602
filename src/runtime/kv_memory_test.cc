// How much memory there is, by files of a made-up machine.
#include "runtime/kv_memory.h"

#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "runtime/test_models.h"

namespace hearth::runtime {
namespace {

namespace fs = std::filesystem;

class AvailableMemory : public ::testing::Test {
 protected:
  AvailableMemory() {
    put("proc/meminfo", "MemTotal: 9000 kB\nMemFree: 10 kB\nMemAvailable: 8000 kB\n");
  }
  void put(const fs::path& path, const std::string& content) const {
    fs::create_directories((root_.path() / path).parent_path());
    std::ofstream(root_.path() / path) << content;
  }
  std::uint64_t available() const { return available_memory_bytes(root_.path()); }

 private:
  TemporaryFolder root_;
};

TEST_F(AvailableMemory, IsTheMachinesWithoutALimit) {
  EXPECT_EQ(available(), 8000U * 1024);
  put("sys/fs/cgroup/memory.max", "max\n");
  put("sys/fs/cgroup/memory.current", "1000\n");
  EXPECT_EQ(available(), 8000U * 1024);
}

TEST_F(AvailableMemory, IsBoundedByTheGroupsAboveToo) {
  put("proc/self/cgroup", "0::/pod/container\n");
  put("sys/fs/cgroup/pod/container/memory.max", "5000000\n");
  put("sys/fs/cgroup/pod/container/memory.current", "1000000\n");
  EXPECT_EQ(available(), 4000000U);
  put("sys/fs/cgroup/pod/memory.max", "3000000\n");
  put("sys/fs/cgroup/pod/memory.current", "2000000\n");
  EXPECT_EQ(available(), 1000000U);
  put("sys/fs/cgroup/pod/memory.stat", "anon 5\ninactive_file 500000\nactive_file 9\n");
  EXPECT_EQ(available(), 1500000U) << "the system takes back what is kept for files";
  put("sys/fs/cgroup/memory.max", "100\n");
  put("sys/fs/cgroup/memory.current", "200\n");
  EXPECT_EQ(available(), 1U) << "never 0";
}

TEST_F(AvailableMemory, ReadsTheFirstVersionsFilesToo) {
  put("proc/self/cgroup", "9:memory:/docker/abc\n4:cpu,cpuacct:/docker/def\n");
  put("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  put("sys/fs/cgroup/memory/memory.usage_in_bytes", "4000000\n");
  put("sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes", "3000000\n");
  put("sys/fs/cgroup/memory/docker/abc/memory.usage_in_bytes", "2000000\n");
  put("sys/fs/cgroup/memory/docker/abc/memory.stat", "inactive_file 1\ntotal_inactive_file 7\n");
  put("sys/fs/cgroup/memory/docker/def/memory.limit_in_bytes", "1\n");
  EXPECT_EQ(available(), 1000007U);
}

}  // namespace
}  // namespace hearth::runtime
