// The parsers of the kernel's files on what kernels write, and one real measurement.
#include "app/doctor/machine.h"

#include <gtest/gtest.h>

#include <map>

#include "app/doctor/bandwidth.h"

namespace hearth::app {
namespace {

std::map<std::string, bool> features(std::string_view cpuinfo) {
  std::map<std::string, bool> found;
  for (const CpuFeature& feature : parse_cpuinfo(cpuinfo).features) {
    found[feature.name] = feature.present;
  }
  return found;
}

TEST(ParseCpuinfo, X86) {
  const std::string_view text =
      "processor\t: 0\nmodel name\t: Some CPU @ 2.0GHz\nflags\t\t: fpu avx2 avx512f avx512_vnni "
      "amx_int8\n\nprocessor\t: 1\nmodel name\t: Other\n";
  EXPECT_EQ(parse_cpuinfo(text).model, "Some CPU @ 2.0GHz");
  auto found = features(text);
  EXPECT_TRUE(found.at("AVX2"));
  EXPECT_TRUE(found.at("AVX-512 VNNI"));
  EXPECT_TRUE(found.at("AMX INT8"));
  EXPECT_FALSE(found.at("AVX-512 BF16"));
  EXPECT_FALSE(found.at("AMX BF16"));
}

TEST(ParseCpuinfo, FlagsAreWholeWords) {
  EXPECT_FALSE(features("flags : avx512_vnni2 xavx2 avx2x\n").at("AVX2"));
}

TEST(ParseCpuinfo, Arm) {
  const auto found = features("processor : 0\nFeatures : fp asimd asimddp i8mm\n");
  EXPECT_TRUE(found.at("dot product"));
  EXPECT_FALSE(found.at("SVE"));
}

TEST(ParseCpuinfo, NothingIsUnknown) { EXPECT_EQ(parse_cpuinfo("").model, "unknown"); }

TEST(ParseCgroup, QuotaAndPath) {
  EXPECT_EQ(parse_cpu_max("150000 100000\n"), 1.5);
  EXPECT_EQ(parse_cpu_max("max 100000\n"), std::nullopt);
  EXPECT_EQ(parse_cpu_max(""), std::nullopt);
  EXPECT_EQ(parse_cpu_max("100000 0"), std::nullopt);
  EXPECT_EQ(parse_cgroup_path("0::/a/b\n"), "/a/b");
  EXPECT_EQ(parse_cgroup_path("12:cpu:/x\n0::/\n"), "/");
  EXPECT_EQ(parse_cgroup_path("12:cpu:/x\n"), std::nullopt);
}

TEST(ParseSizes, MemoryAndCaches) {
  const std::string_view meminfo = "MemTotal:  2048 kB\nMemFree: 1 kB\nMemAvailable: 1024 kB\n";
  EXPECT_EQ(parse_meminfo(meminfo, "MemTotal"), 2048U * 1024);
  EXPECT_EQ(parse_meminfo(meminfo, "MemAvailable"), 1024U * 1024);
  EXPECT_EQ(parse_meminfo(meminfo, "Mem"), std::nullopt);
  EXPECT_EQ(parse_cache_size("512K\n"), 512U << 10);
  EXPECT_EQ(parse_cache_size("480M\n"), 480U << 20);
  EXPECT_EQ(parse_cache_size(""), std::nullopt);
}

TEST(Threads, AreBoundByAffinityAndQuota) {
  Machine machine;
  machine.cores_usable = 8;
  EXPECT_EQ(machine.threads(), 8);
  machine.cores_quota = 1.5;
  EXPECT_EQ(machine.threads(), 2);
  machine.cores_quota = 0.2;
  EXPECT_EQ(machine.threads(), 1);
  EXPECT_EQ(Machine().threads(), 1);
}

TEST(Bandwidth, TheBufferIsBeyondTheCacheAndWithinMemory) {
  Machine machine;
  machine.memory_free_bytes = 100'000'000'000;
  machine.last_level_cache_bytes = 8 << 20;
  EXPECT_NEAR(static_cast<double>(bandwidth_buffer_bytes(machine)), 512e6, 1e5);
  machine.last_level_cache_bytes = 200'000'000;
  EXPECT_NEAR(static_cast<double>(bandwidth_buffer_bytes(machine)), 800e6, 1e5);
  machine.last_level_cache_bytes = 480 << 20;
  EXPECT_NEAR(static_cast<double>(bandwidth_buffer_bytes(machine)), 1000e6, 1e5);
  machine.memory_free_bytes = 400'000'000;
  EXPECT_NEAR(static_cast<double>(bandwidth_buffer_bytes(machine)), 100e6, 1e5);
  machine.memory_free_bytes = 1000;
  EXPECT_EQ(bandwidth_buffer_bytes(machine), 0U);
  EXPECT_EQ(measure_bandwidth(machine), std::nullopt);
}

TEST(Bandwidth, ASmallMeasurementIsPlausible) {
  Machine machine;
  machine.cores_usable = 2;
  machine.memory_free_bytes = 64'000'000;
  const auto measured = measure_bandwidth(machine);
  ASSERT_TRUE(measured);
  EXPECT_EQ(measured->threads, 2);
  EXPECT_GT(measured->bytes_per_second, 1e8);
  EXPECT_LT(measured->bytes_per_second, 1e13);
}

}  // namespace
}  // namespace hearth::app
