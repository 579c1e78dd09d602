// How fast the quantised linears are, beside what this machine can do in the same minute.
//
//   linear_bench [threads=2] [isa=all] [bits=4] [rows=1,2,4,8,16,32,64,128,256,512]
//   [megabytes=1200]
//
// The weights are as many layers of Phi-4-mini's shape as fit the given size, in one shared mapping
// as a packed file would be, so that a step streams from memory and not from a cache. GB/s counts
// packed weight bytes; its share is of the best streaming read of the same mapping by the same
// threads. A step's time is the sum over a layer's four products of the best time of each, times
// the layers, so that what else runs on the machine shows least. MAC/cycle per core takes the AMX
// bf16 probe as 512.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <numeric>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "kernels/linear.h"
#include "kernels/pack_linear.h"
#include "kernels/registry.h"
#include "probes.h"

namespace hearth::bench {
namespace {

using kernels::Isa;

/// Threads that spin between phases, as an inference engine's do inside a step.
class Crew {
 public:
  explicit Crew(int count) : count_(count) {
    for (int i = 1; i < count; ++i) threads_.emplace_back([this, i] { work(i); });
  }
  ~Crew() {
    run([](int) {}, true);
    for (std::thread& thread : threads_) thread.join();
  }
  int count() const { return count_; }
  /// job(0) ... job(count - 1), one on each thread.
  void run(std::function<void(int)> job, bool last = false) {
    job_ = std::move(job);
    last_ = last;
    left_ = count_ - 1;
    phase_.fetch_add(1, std::memory_order_release);
    job_(0);
    while (left_.load(std::memory_order_acquire) != 0) {
    }
  }

 private:
  void work(int index) {
    for (long seen = 0;; ++seen) {
      while (phase_.load(std::memory_order_acquire) == seen) {
      }
      job_(index);
      const bool last = last_;
      left_.fetch_sub(1, std::memory_order_release);
      if (last) return;
    }
  }
  int count_;
  std::function<void(int)> job_;
  bool last_ = false;
  std::atomic<int> left_{0};
  std::atomic<long> phase_{0};
  std::vector<std::thread> threads_;
};

double seconds_of(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

constexpr std::size_t kLayerGroups = 4;

/// A step's worth of packed weights.
struct Model {
  struct Group {  // linears over the same rows
    std::int32_t k;
    std::vector<kernels::PackedLinear> linears;
  };
  std::vector<Group> groups;
  std::byte* data = nullptr;
  std::size_t bytes = 0;
  double weights = 0;
  std::int32_t widest = 0;
};

kernels::LinearFormat format_of(std::int32_t n, std::int32_t k, int bits) {
  kernels::LinearFormat format;
  format.n = n;
  format.k = k;
  format.bits = bits;
  return format;
}

Model make_model(int bits, std::size_t bytes_max, Crew& crew) {
  const std::vector<std::vector<kernels::LinearFormat>> layer{
      {format_of(5120, 3072, bits)},
      {format_of(3072, 3072, bits)},
      {format_of(8192, 3072, bits), format_of(8192, 3072, bits)},
      {format_of(3072, 8192, bits)}};
  std::size_t layer_bytes = 0;
  for (const auto& group : layer) {
    for (const auto& format : group) layer_bytes += kernels::packed_bytes(format);
  }
  const std::size_t layers = std::max<std::size_t>(1, bytes_max / layer_bytes);
  Model model;
  model.bytes = layers * layer_bytes;
  const int file = memfd_create("linear_bench", 0);
  if (file < 0 || ftruncate(file, static_cast<off_t>(model.bytes + 16384)) != 0) std::abort();
  model.data = static_cast<std::byte*>(mmap(nullptr, model.bytes + 16384, PROT_READ | PROT_WRITE,
                                            MAP_SHARED | MAP_POPULATE, file, 0));
  if (model.data == MAP_FAILED) std::abort();
  std::size_t at = 0;
  for (std::size_t i = 0; i < layers; ++i) {
    for (const auto& formats : layer) {
      Model::Group group{formats.front().k, {}};
      for (const auto& format : formats) {
        group.linears.push_back(
            kernels::view_packed(format, reinterpret_cast<std::uint8_t*>(model.data + at)));
        at += kernels::packed_bytes(format);
        model.weights += static_cast<double>(format.n) * format.k;
        model.widest = std::max(model.widest, format.n);
      }
      model.groups.push_back(std::move(group));
    }
  }
  crew.run([&](int thread) {  // random bytes, then scales between 2^-2 and 2^2
    const std::size_t count = model.bytes / 8;
    auto* words = reinterpret_cast<std::uint64_t*>(model.data);
    for (std::size_t i = count * std::size_t(thread) / std::size_t(crew.count());
         i < count * std::size_t(thread + 1) / std::size_t(crew.count()); ++i) {
      words[i] = i * 0x9e3779b97f4a7c15U ^ (i * 0x9e3779b97f4a7c15U) >> 29;
    }
  });
  for (const Model::Group& group : model.groups) {
    for (const kernels::PackedLinear& linear : group.linears) {
      auto* data = const_cast<std::uint8_t*>(linear.data);
      const std::int64_t tiles = (linear.n + 15) / 16;
      for (std::int64_t unit = 0; unit < tiles * linear.tile_bytes; unit += linear.unit_bytes) {
        for (int i = 0; i < 64; ++i) {
          const auto half = static_cast<std::uint16_t>(0x3400 + (unit / 64 + i) % 0x1000);
          data[unit + 2 * i] = static_cast<std::uint8_t>(half);
          data[unit + 2 * i + 1] = static_cast<std::uint8_t>(half >> 8);
        }
      }
    }
  }
  return model;
}

struct Buffers {
  std::vector<float> x;
  std::vector<float> y;
  std::vector<std::byte> workspace;
};

/// One step: every linear of the model once. Keeps the best time of each shape of the layer.
void step(const Model& model, const kernels::KernelSet& set, int exact, int fast, Buffers& buffers,
          Crew& crew, std::vector<double>& best) {
  const int rows = exact + fast;
  for (std::size_t i = 0; i < model.groups.size(); ++i) {
    const Model::Group& group = model.groups[i];
    std::vector<kernels::LinearCall> calls;
    float* y = buffers.y.data();
    for (const kernels::PackedLinear& linear : group.linears) {
      calls.push_back({linear, y, linear.n});
      y += static_cast<std::int64_t>(rows) * linear.n;
    }
    kernels::LinearBatch batch;
    batch.kernels = &set;
    batch.x = buffers.x.data();
    batch.x_stride = group.k;
    batch.k = group.k;
    batch.exact_rows = exact;
    batch.fast_rows = fast;
    batch.calls = calls;
    void* p = buffers.workspace.data();
    std::size_t space = buffers.workspace.size();
    batch.workspace = static_cast<std::byte*>(std::align(64, 64, p, space));
    const double seconds = seconds_of([&] {
      crew.run([&](int task) { kernels::prepare_rows(batch, task, crew.count()); });
      crew.run([&](int task) { kernels::run_linears(batch, task, crew.count()); });
    });
    double& slot = best[i % best.size()];
    slot = std::min(slot, seconds);
  }
}

double best_bandwidth(const Model& model, Crew& crew) {
  std::atomic<long> sink{0};
  double best = 1e9;
  const std::size_t share = (std::size_t{16} << 20) / std::size_t(crew.count()) / 256 * 256;
  const std::size_t slice = share * std::size_t(crew.count());
  for (std::size_t at = 0; at + slice <= model.bytes; at += slice) {
    best = std::min(best, seconds_of([&] {
                      crew.run([&](int task) {
                        sink += read_all(model.data + at + share * std::size_t(task), share);
                      });
                    }));
  }
  return static_cast<double>(share) * crew.count() / best;
}

double best_tiles(Crew& crew) {
  constexpr long kCount = 100000;
  double best = 1e9;
  for (int i = 0; i < 20; ++i) {
    best = std::min(best, seconds_of([&] { crew.run([&](int) { multiply_tiles(kCount); }); }));
  }
  return static_cast<double>(kCount) * 8192 / best;  // per core
}

std::vector<int> numbers(const std::string& list) {
  std::vector<int> all;
  std::stringstream stream(list);
  for (std::string part; std::getline(stream, part, ',');) all.push_back(std::stoi(part));
  return all;
}

int run(int count, char** values) {
  const auto argument = [&](int i, const char* otherwise) {
    return std::string(i < count ? values[i] : otherwise);
  };
  Crew crew(std::stoi(argument(1, "2")));
  const std::string isa_name = argument(2, "all");
  const int bits = std::stoi(argument(3, "4"));
  const std::vector<int> rows = numbers(argument(4, "1,2,4,8,16,32,64,128,256,512"));
  const auto megabytes = static_cast<std::size_t>(std::stoi(argument(5, "1200")));
  const Model model = make_model(bits, megabytes << 20, crew);
  const int rows_max = *std::max_element(rows.begin(), rows.end());
  Buffers buffers;
  buffers.x.resize(static_cast<std::size_t>(rows_max) * 8192);
  for (std::size_t i = 0; i < buffers.x.size(); ++i) {
    buffers.x[i] = static_cast<float>(i * 2654435761U % 2001U) / 1000.0F - 1.0F;
  }
  buffers.y.resize(static_cast<std::size_t>(rows_max) * 8192 * 2);
  const bool has_amx = kernels::best_isa() == Isa::kAmx;
  std::printf("%d threads, %.0f MB of %d-bit weights\n", crew.count(), model.bytes / 1e6, bits);
  std::printf("%-11s %-6s %5s %9s %7s %6s %9s %6s\n", "isa", "recipe", "rows", "ms", "GB/s",
              "share", "MAC/cycle", "of AMX");
  for (int i = 0; i <= static_cast<int>(kernels::best_isa()); ++i) {
    const auto isa = static_cast<Isa>(i);
    if (isa_name == "all" ? isa == Isa::kPortable : isa_name != kernels::name_of(isa)) continue;
    const kernels::KernelSet& set = *kernels::kernels_for(isa).value();
    for (const bool fast : {false, true}) {
      if (fast && set.fast == nullptr) continue;
      for (const int m : rows) {
        buffers.workspace.resize(64 + kernels::linear_workspace_bytes(set, 8192, fast ? 0 : m,
                                                                      fast ? m : 0, crew.count()));
        const double bandwidth = best_bandwidth(model, crew);
        const double tiles = has_amx ? best_tiles(crew) : 0;
        std::vector<double> shapes(kLayerGroups, 1e9);
        double spent = 0;
        for (int round = 0; round < 5 && spent < 1.5; ++round) {
          spent += seconds_of(
              [&] { step(model, set, fast ? 0 : m, fast ? m : 0, buffers, crew, shapes); });
        }
        const double best = std::accumulate(shapes.begin(), shapes.end(), 0.0) *
                            static_cast<double>(model.groups.size() / kLayerGroups);
        const double macs = model.weights * m / best / crew.count();
        const double gigabytes = static_cast<double>(model.bytes) / best / 1e9;
        std::printf("%-11s %-6s %5d %9.2f %7.1f %5.0f%% %9.0f %5.0f%%\n",
                    std::string(kernels::name_of(isa)).c_str(), fast ? "fast" : "exact", m,
                    best * 1e3, gigabytes, 100 * gigabytes * 1e9 / bandwidth,
                    has_amx ? 512 * macs / tiles : 0.0, has_amx ? 100 * macs / tiles : 0.0);
        std::fflush(stdout);
      }
    }
  }
  return 0;
}

}  // namespace
}  // namespace hearth::bench

int main(int count, char** values) { return hearth::bench::run(count, values); }
