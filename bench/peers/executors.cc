// executors MODEL_FOLDER [ROUNDS] [PROMPT_TOKENS] [DECODE_TOKENS]: the accelerated executor, in
// both recipes, and the stock one on the same model, in turn; medians, and the streaming read of
// this machine in the same rounds. A step is the executor's call plus the greedy choice.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "runtime/accelerated_executor.h"
#include "runtime/model_folder.h"
#include "runtime/stock_executor.h"
#include "runtime/thread_count.h"

namespace hearth {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values.empty() ? 0 : values[values.size() / 2];
}

struct Speed {
  std::vector<double> prompt;  ///< tokens a second of each round
  std::vector<double> decode;
};

Result<void> measure(engine::Executor& executor, std::int64_t prompt_tokens,
                     std::int64_t decode_tokens, Speed& speed) {
  std::vector<TokenId> prompt;
  for (std::int64_t i = 0; i < prompt_tokens; ++i) {
    prompt.push_back(static_cast<TokenId>((i * 7919 + 13) % (executor.vocab_size() - 64)));
  }
  HEARTH_TRY(const auto id, executor.open_sequence({prompt_tokens, prompt_tokens + decode_tokens}));
  auto start = Clock::now();
  HEARTH_TRY(auto result, executor.run({{engine::Segment{id, prompt, true}}}));
  speed.prompt.push_back(static_cast<double>(prompt_tokens) / seconds_since(start));
  std::vector<double> steps;
  for (std::int64_t i = 0; i < decode_tokens; ++i) {
    start = Clock::now();
    const auto best = std::max_element(result.logits.begin(), result.logits.end());
    const std::vector<TokenId> next{static_cast<TokenId>(best - result.logits.begin())};
    HEARTH_TRY(result, executor.run({{engine::Segment{id, next, true}}}));
    steps.push_back(seconds_since(start));
  }
  speed.decode.push_back(1 / median(steps));
  executor.close_sequence(id);
  return {};
}

/// Bytes a second that `threads` threads read from a buffer far larger than the caches.
double read_bandwidth(int threads) {
  constexpr std::size_t kWords = std::size_t{1} << 27;  // 1 GB
  static const std::vector<std::uint64_t> buffer(kWords, 1);
  std::vector<std::uint64_t> sums(static_cast<std::size_t>(threads));
  const auto start = Clock::now();
  std::vector<std::thread> workers;
  for (std::size_t t = 0; t < sums.size(); ++t) {
    workers.emplace_back([&, t] {
      std::uint64_t lanes[8] = {};
      const std::size_t end = kWords * (t + 1) / sums.size() / 8 * 8;
      for (std::size_t i = kWords * t / sums.size() / 8 * 8; i + 8 <= end; i += 8) {
        for (std::size_t lane = 0; lane < 8; ++lane) lanes[lane] += buffer[i + lane];
      }
      for (const std::uint64_t lane : lanes) sums[t] += lane;
    });
  }
  for (std::thread& worker : workers) worker.join();
  const double seconds = seconds_since(start);
  return sums[0] > 0 ? static_cast<double>(kWords * sizeof(std::uint64_t)) / seconds : 0;
}

Result<void> run(const std::string& folder, int rounds, std::int64_t prompt_tokens,
                 std::int64_t decode_tokens) {
  HEARTH_TRY(const runtime::ModelFolder model, runtime::open_model_folder(folder));
  runtime::SessionOptions options;
  options.accelerated.cache_folder = std::filesystem::temp_directory_path() / "hearth-bench";
  const auto load_start = Clock::now();
  HEARTH_TRY(const auto exact, runtime::AcceleratedExecutor::load(model, options));
  std::printf("first load, packing included if needed: %.1f s\n", seconds_since(load_start));
  options.accelerated.recipe = runtime::Recipe::kFast;
  const auto again = Clock::now();
  HEARTH_TRY(const auto fast, runtime::AcceleratedExecutor::load(model, options));
  std::printf("second load: %.2f s; packed weights %.3f GB\n", seconds_since(again),
              static_cast<double>(fast->packed_bytes()) / 1e9);
  HEARTH_TRY(const auto stock, runtime::StockExecutor::load(model, {}));
  const int threads = runtime::default_thread_count();
  Speed speeds[3];
  std::vector<double> bandwidth;
  std::uint64_t step_bytes = 0;
  for (int round = 0; round < rounds; ++round) {
    bandwidth.push_back(read_bandwidth(threads));
    HEARTH_TRY_VOID(measure(*stock, prompt_tokens, decode_tokens, speeds[0]));
    const std::uint64_t before = exact->weight_bytes_read();
    HEARTH_TRY_VOID(measure(*exact, prompt_tokens, decode_tokens, speeds[1]));
    step_bytes =
        (exact->weight_bytes_read() - before) / static_cast<std::uint64_t>(decode_tokens + 1);
    HEARTH_TRY_VOID(measure(*fast, prompt_tokens, decode_tokens, speeds[2]));
  }
  const char* names[] = {"stock", "accelerated exact", "accelerated fast"};
  const double best_read = *std::max_element(bandwidth.begin(), bandwidth.end());
  std::printf("%d threads, %s, %d rounds, best streaming read %.1f GB/s\n", threads,
              exact->report().isa.c_str(), rounds, best_read / 1e9);
  for (int i = 0; i < 3; ++i) {
    std::printf("%-18s prompt of %lld: %7.1f tokens/s   decode: %6.2f tokens/s\n", names[i],
                static_cast<long long>(prompt_tokens), median(speeds[i].prompt),
                median(speeds[i].decode));
  }
  std::printf("decode reads %.3f GB of weights a step on average: %.0f%% of the streaming read\n",
              static_cast<double>(step_bytes) / 1e9,
              100 * static_cast<double>(step_bytes) * median(speeds[1].decode) / best_read);
  return {};
}

}  // namespace
}  // namespace hearth

int main(int argc, char** argv) {
  if (argc < 2 || argc > 5) {
    std::fprintf(stderr,
                 "usage: executors MODEL_FOLDER [ROUNDS] [PROMPT_TOKENS] [DECODE_TOKENS]\n");
    return 2;
  }
  const auto number = [&](int index, int fallback) {
    return argc > index ? std::max(1, std::atoi(argv[index])) : fallback;
  };
  const auto done = hearth::run(argv[1], number(2, 5), number(3, 256), number(4, 24));
  if (!done) std::fprintf(stderr, "executors: %s\n", done.error().message.c_str());
  return done ? 0 : 1;
}
