// How fast paged attention is: generated rows as a share of what these threads can read from the
// same memory, prompt rows in multiply-adds per second.
//
//   attention_bench [threads] [isa] [bf16|fp32|int8]
#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <functional>
#include <memory>
#include <numeric>
#include <random>
#include <span>
#include <thread>
#include <vector>

#include "kernels/attention.h"

namespace hearth::kernels {
namespace {

constexpr std::int64_t kBlockTokens = 64;
constexpr double kSecondsPerRow = 1.0;

/// The attention of Phi-4-mini.
AttentionShape phi4_mini() {
  AttentionShape shape;
  shape.query_heads = 24;
  shape.kv_heads = 8;
  shape.head_dim = 128;
  shape.rotary_dim = 96;
  shape.scale = 0.08838835F;
  return shape;
}

/// Seconds since some moment. With one thread those that it ran, so that what else the machine does
/// counts less.
double now(std::int64_t threads) {
  timespec time{};
  clock_gettime(threads == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

/// Threads that start together and spin between pieces of work: what a step looks like.
class Team {
 public:
  explicit Team(std::int64_t size) : size_(size) {
    for (std::int64_t i = 1; i < size; ++i) threads_.emplace_back([this, i] { serve(i); });
  }
  ~Team() {
    run([](std::int64_t) {}, true);
    for (std::thread& thread : threads_) thread.join();
  }
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  std::int64_t size() const { return size_; }

  void run(const std::function<void(std::int64_t)>& work, bool last = false) {
    work_ = &work;
    last_ = last;
    left_.store(size_ - 1);
    round_.fetch_add(1);
    work(0);
    while (left_.load() > 0) {
    }
  }

 private:
  void serve(std::int64_t index) {
    for (std::int64_t seen = 0; !last_;) {
      while (round_.load() == seen) {
      }
      ++seen;
      (*work_)(index);
      const bool last = last_;
      left_.fetch_sub(1);
      if (last) return;
    }
  }

  std::int64_t size_;
  std::vector<std::thread> threads_;
  const std::function<void(std::int64_t)>* work_ = nullptr;
  bool last_ = false;
  std::atomic<std::int64_t> round_{0};
  std::atomic<std::int64_t> left_{0};
};

struct FreeMemory {
  void operator()(void* memory) const { std::free(memory); }
};
using Memory = std::unique_ptr<char, FreeMemory>;

Memory allocate(std::int64_t bytes) {
  const auto size = (static_cast<std::size_t>(bytes) + 4095) / 4096 * 4096;
  char* memory = static_cast<char*>(std::aligned_alloc(4096, size));
  if (memory == nullptr) std::abort();
  std::memset(memory, 0x3c, size);  // 0.0115 in bf16, as a scale too: no denormals
  return Memory(memory);
}

/// Pools of several layers, so that a pass over all of them does not find the last in the caches.
struct Layers {
  Layers(std::int64_t layer_count, std::int64_t blocks, KvElement type)
      : element(type),
        bytes(blocks * kv_block_bytes(8, 128, kBlockTokens, type)),
        memory(allocate(2 * layer_count * bytes)),
        count(layer_count) {}

  KvPoolView view(std::int64_t layer) const {
    return {memory.get() + 2 * layer * bytes, memory.get() + (2 * layer + 1) * bytes, kBlockTokens,
            element};
  }

  KvElement element;
  std::int64_t bytes;
  Memory memory;
  std::int64_t count;
};

/// Bytes per second when the team reads all of it: layer by layer, the best of five each.
double read_rate(Team& team, const Layers& layers) {
  const std::int64_t share = 2 * layers.bytes / team.size() / 512 * 512;
  std::atomic<std::uint64_t> sink{0};
  std::vector<double> best(static_cast<std::size_t>(layers.count), 1e9);
  for (int pass = 0; pass < 5; ++pass) {
    for (std::int64_t layer = 0; layer < layers.count; ++layer) {
      const double start = now(team.size());
      team.run([&](std::int64_t task) {
        const char* at = static_cast<const char*>(layers.view(layer).keys) + task * share;
        std::uint64_t sums[8] = {};
        for (std::int64_t i = 0; i < share; i += 512) {
          for (int line = 0; line < 8; ++line) {
            __builtin_prefetch(at + i + 4096 + line * 64);
            std::uint64_t value;
            std::memcpy(&value, at + i + line * 64, 8);
            sums[line] += value;
          }
        }
        sink += std::accumulate(std::begin(sums), std::end(sums), std::uint64_t{0});
      });
      double& least = best[static_cast<std::size_t>(layer)];
      least = std::min(least, now(team.size()) - start);
    }
  }
  return static_cast<double>(share * team.size() * layers.count) /
         std::accumulate(best.begin(), best.end(), 0.0);
}

struct Call {
  std::int64_t sequences;
  std::int64_t rows;
  std::int64_t past;
  bool fast;
};

/// Seconds of a layer: the mean over the layers of the best of each.
double time_call(Team& team, AttentionFunction run, const Layers& layers, const Call& call) {
  const AttentionShape shape = phi4_mini();
  const std::int64_t blocks_each = (call.past + call.rows + kBlockTokens - 1) / kBlockTokens;
  std::vector<std::int32_t> blocks(static_cast<std::size_t>(call.sequences * blocks_each));
  std::iota(blocks.begin(), blocks.end(), 0);
  std::shuffle(blocks.begin(), blocks.end(), std::mt19937(1));
  const std::vector<float> table(static_cast<std::size_t>((call.past + call.rows) * 48), 0.5F);
  const std::int64_t width = (24 + 2 * 8) * 128;
  std::vector<float> qkv(static_cast<std::size_t>(call.sequences * call.rows * width));
  std::mt19937 random(2);
  std::normal_distribution<float> normal;
  for (float& value : qkv) value = normal(random);
  std::vector<float> out(static_cast<std::size_t>(call.sequences * call.rows * 24 * 128));
  std::vector<AttentionSequence> sequences(static_cast<std::size_t>(call.sequences));
  for (std::int64_t i = 0; i < call.sequences; ++i) {
    sequences[static_cast<std::size_t>(i)] = {
        i * call.rows, call.rows,    call.past, blocks.data() + i * blocks_each,
        table.data(),  table.data(), call.fast};
  }
  AttentionArgs args;
  args.shape = shape;
  args.pool = layers.view(0);
  args.sequences = sequences.data();
  args.sequence_count = call.sequences;
  args.q = qkv.data();
  args.k = qkv.data() + 24 * 128;
  args.v = qkv.data() + 32 * 128;
  args.q_stride = args.kv_stride = width;
  args.out = out.data();
  args.out_stride = 24 * 128;
  const AttentionPlan plan = plan_attention(args, team.size());
  const Memory scratch = allocate(plan.scratch_bytes);
  args.scratch = scratch.get();
  std::vector<double> best(static_cast<std::size_t>(layers.count), 1e9);
  const double end = now(team.size()) + kSecondsPerRow;
  do {
    for (std::int64_t layer = 0; layer < layers.count; ++layer) {
      args.pool = layers.view(layer);
      const double start = now(team.size());
      for (std::int64_t section = 0; section < plan.sections; ++section) {
        team.run([&](std::int64_t task) { run(&args, &plan, section, task); });
      }
      double& least = best[static_cast<std::size_t>(layer)];
      least = std::min(least, now(team.size()) - start);
    }
  } while (now(team.size()) < end);
  return std::accumulate(best.begin(), best.end(), 0.0) / static_cast<double>(layers.count);
}

void measure_generated(Team& team, AttentionFunction run, KvElement element) {
  std::printf("generated rows     sequences  context   us/layer    GB/s   share of reading\n");
  const Layers layers(40, 4160 / kBlockTokens, element);
  const double rate = read_rate(team, layers);
  for (const Call& call : {Call{1, 1, 63, false}, Call{1, 1, 1023, false}, Call{1, 1, 4095, false},
                           Call{4, 1, 1023, false}, Call{1, 4, 4092, false}}) {
    const double seconds = time_call(team, run, layers, call);
    const double bytes = static_cast<double>(call.sequences * (call.past + call.rows) * 2 * 8 *
                                             kv_token_bytes(128, element));
    std::printf("  %lld row%s %14lld %9lld %10.1f %7.1f %10.0f%%\n",
                static_cast<long long>(call.rows), call.rows == 1 ? " " : "s",
                static_cast<long long>(call.sequences),
                static_cast<long long>(call.past + call.rows), seconds * 1e6, bytes / seconds / 1e9,
                100 * bytes / seconds / rate);
  }
  std::printf("  (reading alone: %.1f GB/s)\n", rate / 1e9);
}

void measure_prompts(Team& team, AttentionFunction run, KvElement element) {
  std::printf("prompt rows        rows   past    us/token (32 layers)   GMAC/s\n");
  const Layers layers(2, 4096 / kBlockTokens, element);
  for (const bool fast : {true, false}) {
    for (const Call& call : {Call{1, 256, 0, fast}, Call{1, 1024, 0, fast},
                             Call{1, 512, 3584, fast}, Call{1, 4096, 0, fast}}) {
      const double seconds = time_call(team, run, layers, call);
      const auto rows = static_cast<double>(call.rows);
      const double keys = rows * (static_cast<double>(call.past) + (rows + 1) / 2);
      std::printf("  %s %13lld %6lld %15.1f %18.0f\n", fast ? "fast " : "exact",
                  static_cast<long long>(call.rows), static_cast<long long>(call.past),
                  seconds * 32 / rows * 1e6, keys * 24 * 128 * 2 / seconds / 1e9);
    }
  }
}

int run_all(int argc, char** argv) {
  Team team(argc > 1 ? std::max(1, std::atoi(argv[1])) : 2);
  Isa isa = best_isa();
  if (argc > 2) {
    const Result<Isa> asked = parse_isa(argv[2]);
    if (!asked || *asked > isa) {
      std::fprintf(stderr, "this CPU does not run '%s'\n", argv[2]);
      return 2;
    }
    isa = *asked;
  }
  KvElement element = KvElement::kBf16;
  if (argc > 3) {
    const Result<KvElement> asked = parse_kv_element(argv[3]);
    if (!asked) {
      std::fprintf(stderr, "%s\n", asked.error().message.c_str());
      return 2;
    }
    element = *asked;
  }
  std::printf("%s, %s, %lld threads\n", std::string(name_of(isa)).c_str(),
              std::string(name_of(element)).c_str(), static_cast<long long>(team.size()));
  measure_generated(team, attention_for(isa), element);
  measure_prompts(team, attention_for(isa), element);
  return 0;
}

}  // namespace
}  // namespace hearth::kernels

int main(int argc, char** argv) { return hearth::kernels::run_all(argc, argv); }
