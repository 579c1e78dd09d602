// hearth_worker MODEL_FOLDER stock|exact|fast [ISA]: one of Hearth's executors in a process of its
// own. All time is the executor's call plus the greedy choice, as in the loop that generates.
//
// Questions, one at a time:
//   {"do": "prompt", "tokens": N}: {"seconds"} of a prompt from nothing to its last row's logits
//   {"do": "decode", "context": N, "steps": S, "sequences": Q}: {"seconds"} of a step, the median
//   of
//     S that follow N tokens in each of Q sequences, and the "bytes" of weights, keys and values
//     that a step reads, where the executor counts them. Before the first one it generates until
//     the weights have moved to memory of the process.
//   {"do": "memory"}: {"rss_bytes"}
#include <onnxruntime_cxx_api.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "engine/generate.h"
#include "engine/sampling.h"
#include "json_lines.h"
#include "runtime/accelerated_executor.h"
#include "runtime/model_folder.h"
#include "runtime/stock_executor.h"
#include "runtime/thread_count.h"

namespace hearth::bench {
namespace {

using Clock = std::chrono::steady_clock;
using engine::SequenceId;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + std::ssize(values) / 2, values.end());
  return values[values.size() / 2];
}

/// The executor under measurement, and the sequences that the next question may go on with: filling
/// thousands of tokens again for every round would take most of the time.
class Worker {
 public:
  static Result<Worker> load(const std::string& folder, const std::string& kind,
                             std::string_view isa);

  Json greeting() const { return greeting_; }
  Result<Json> answer(const JsonReader& question);

 private:
  Result<Json> prompt(std::int64_t tokens);
  Result<Json> decode(std::int64_t context, std::int64_t steps, std::int64_t sequences);
  Result<void> settle();
  Result<void> hold(std::int64_t context, std::int64_t steps, std::int64_t sequences);
  Result<engine::StepResult> feed(SequenceId sequence, std::int64_t tokens);
  Result<void> step(std::vector<std::vector<TokenId>>& last);
  Result<TokenId> choose(std::span<float> logits);
  void close_held();

  std::unique_ptr<engine::Executor> executor_;
  runtime::AcceleratedExecutor* accelerated_ = nullptr;  ///< executor_, where it is that one
  std::int64_t cached_bytes_per_token_ = 0;              ///< of keys and values, in bf16
  std::optional<engine::Sampler> greedy_;
  Json greeting_;
  std::vector<SequenceId> held_;
  std::int64_t held_context_ = 0;
};

Result<Worker> Worker::load(const std::string& folder, const std::string& kind,
                            std::string_view isa) {
  const auto start = Clock::now();
  HEARTH_TRY(const runtime::ModelFolder model, runtime::open_model_folder(folder));
  runtime::SessionOptions options;
  if (!isa.empty()) {
    HEARTH_TRY(options.accelerated.isa, kernels::parse_isa(isa));
  }
  Worker worker;
  const auto& config = model.config;
  worker.cached_bytes_per_token_ =
      config.num_hidden_layers * config.num_key_value_heads * config.head_size * 2 * 2;
  runtime::ExecutionReport report;
  if (kind == "stock") {
    options.intra_op_num_threads = runtime::default_thread_count();
    HEARTH_TRY(auto stock, runtime::StockExecutor::load(model, options));
    report = stock->report();
    worker.executor_ = std::move(stock);
  } else {
    options.accelerated.recipe = kind == "fast" ? runtime::Recipe::kFast : runtime::Recipe::kExact;
    HEARTH_TRY(auto accelerated, runtime::AcceleratedExecutor::load(model, options));
    report = accelerated->report();
    worker.accelerated_ = accelerated.get();
    worker.executor_ = std::move(accelerated);
  }
  worker.greeting_ = {{"load_s", seconds_since(start)},
                      {"executor", report.executor},
                      {"isa", report.isa},
                      {"recipe", report.recipe},
                      {"version", "ONNX Runtime " + Ort::GetVersionString()}};
  if (worker.accelerated_ != nullptr) {
    worker.greeting_["packed_bytes"] = worker.accelerated_->packed_bytes();
  }
  return worker;
}

/// Ids that jump about the vocabulary, so that no row of the embedding is read twice in a row; its
/// end, where the special tokens stand, is left out.
TokenId token_at(std::int64_t place, std::int64_t vocab_size) {
  return static_cast<TokenId>((place * 7919 + 13) % std::max<std::int64_t>(1, vocab_size - 64));
}

/// The sequence's first `tokens` tokens, in the chunks in which `hearth run` feeds a prompt.
Result<engine::StepResult> Worker::feed(SequenceId sequence, std::int64_t tokens) {
  const std::int64_t chunk_max = engine::GenerateRequest{}.prefill_chunk_tokens;
  engine::StepResult result;
  for (std::int64_t done = 0; done < tokens;) {
    const std::int64_t end = std::min(tokens, done + chunk_max);
    std::vector<TokenId> chunk;
    for (; done < end; ++done) chunk.push_back(token_at(done, executor_->vocab_size()));
    HEARTH_TRY(result, executor_->run({{engine::Segment{sequence, chunk, done == tokens}}}));
  }
  return result;
}

Result<TokenId> Worker::choose(std::span<float> logits) {
  if (!greedy_) greedy_.emplace(engine::SamplingParams{}, executor_->vocab_size());
  return greedy_->sample(logits, {}, 0);
}

Result<Json> Worker::prompt(std::int64_t tokens) {
  HEARTH_TRY(const SequenceId sequence, executor_->open_sequence({tokens, tokens}));
  const auto start = Clock::now();
  HEARTH_TRY(auto result, feed(sequence, tokens));
  HEARTH_TRY_VOID(choose(result.logits));
  const double seconds = seconds_since(start);
  executor_->close_sequence(sequence);
  return Json{{"seconds", seconds}};
}

void Worker::close_held() {
  for (const SequenceId sequence : held_) executor_->close_sequence(sequence);
  held_.clear();
}

/// Generates until the weights lie where they stay: other libraries copy theirs when they load.
Result<void> Worker::settle() {
  if (accelerated_ == nullptr || accelerated_->weights_settled()) return {};
  constexpr std::int64_t kStepsMax = 1024;
  const auto start = Clock::now();
  HEARTH_TRY(const SequenceId sequence, executor_->open_sequence({1, 1 + kStepsMax}));
  std::int64_t steps = 0;
  for (; steps < kStepsMax && !accelerated_->weights_settled(); ++steps) {
    const std::vector<TokenId> token{token_at(steps, executor_->vocab_size())};
    HEARTH_TRY_VOID(executor_->run({{engine::Segment{sequence, token, true}}}));
  }
  executor_->close_sequence(sequence);
  std::fprintf(stderr, "the weights have moved after %d tokens, %.1f s\n", static_cast<int>(steps),
               seconds_since(start));
  return {};
}

/// Makes `sequences` sequences that hold `context` tokens, from those that are held if they fit.
Result<void> Worker::hold(std::int64_t context, std::int64_t steps, std::int64_t sequences) {
  const engine::SequenceSpec spec{context, context + steps};
  if (held_context_ == context && std::ssize(held_) == sequences) {
    std::int64_t kept = 0;
    for (const SequenceId sequence : held_) {
      HEARTH_TRY(const std::int64_t tokens, executor_->rewind_sequence(sequence, spec, context));
      kept += tokens;
    }
    if (kept == context * sequences) return {};
  }
  close_held();
  held_context_ = context;
  for (std::int64_t i = 0; i < sequences; ++i) {
    HEARTH_TRY(const SequenceId sequence, executor_->open_sequence(spec));
    held_.push_back(sequence);
    HEARTH_TRY_VOID(feed(sequence, context));
  }
  return {};
}

/// One token more in every held sequence, after the one in `last`, which becomes the chosen one.
Result<void> Worker::step(std::vector<std::vector<TokenId>>& last) {
  engine::StepPlan plan;
  for (std::size_t i = 0; i < held_.size(); ++i) plan.segments.push_back({held_[i], last[i], true});
  HEARTH_TRY(auto result, executor_->run(plan));
  const auto vocab = static_cast<std::size_t>(executor_->vocab_size());
  for (std::size_t i = 0; i < held_.size(); ++i) {
    HEARTH_TRY(last[i].front(), choose(std::span(result.logits).subspan(i * vocab, vocab)));
  }
  return {};
}

Result<Json> Worker::decode(std::int64_t context, std::int64_t steps, std::int64_t sequences) {
  HEARTH_TRY_VOID(settle());
  HEARTH_TRY_VOID(hold(context, steps, sequences));
  std::vector<std::vector<TokenId>> last;
  for (std::int64_t i = 0; i < sequences; ++i) {
    last.push_back({token_at(context + i, executor_->vocab_size())});
  }
  const std::uint64_t before = accelerated_ != nullptr ? accelerated_->weight_bytes_read() : 0;
  std::vector<double> seconds;
  for (std::int64_t i = 0; i < steps; ++i) {
    const auto start = Clock::now();
    HEARTH_TRY_VOID(step(last));
    seconds.push_back(seconds_since(start));
  }
  Json answer{{"seconds", median(seconds)}};
  if (accelerated_ != nullptr) {
    const double weights = static_cast<double>(accelerated_->weight_bytes_read() - before);
    const double tokens = static_cast<double>(context) + static_cast<double>(steps + 1) / 2;
    answer["bytes"] =
        weights / static_cast<double>(steps) +
        tokens * static_cast<double>(sequences) * static_cast<double>(cached_bytes_per_token_);
  }
  return answer;
}

/// Resident bytes of this process, as the kernel counts them.
Result<Json> memory() {
  HEARTH_TRY(const std::string status, read_file("/proc/self/status", 1 << 20));
  const auto at = status.find("VmRSS:");
  if (at == std::string::npos) return fail(ErrorCode::kUnsupported, "no VmRSS in /proc");
  return Json{{"rss_bytes", std::stoull(status.substr(at + 6)) * 1024}};
}

Result<Json> Worker::answer(const JsonReader& question) {
  constexpr std::int64_t kMax = 1 << 20;
  HEARTH_TRY(const std::string what, question.string("do"));
  if (what == "memory") return memory();
  if (what == "prompt") {
    HEARTH_TRY(const std::int64_t tokens, question.integer("tokens", 1, kMax));
    return prompt(tokens);
  }
  HEARTH_TRY(const std::int64_t context, question.integer("context", 1, kMax));
  HEARTH_TRY(const std::int64_t steps, question.integer("steps", 1, kMax));
  HEARTH_TRY(const std::int64_t sequences, question.integer_or("sequences", 1, 1, 1024));
  return decode(context, steps, sequences);
}

}  // namespace
}  // namespace hearth::bench

int main(int argc, char** argv) {
  if (argc < 3 || argc > 4) {
    std::fprintf(stderr, "usage: hearth_worker MODEL_FOLDER stock|exact|fast [ISA]\n");
    return 2;
  }
  auto worker = hearth::bench::Worker::load(argv[1], argv[2], argc > 3 ? argv[3] : "");
  const auto greeting = worker.map([](const auto& loaded) { return loaded.greeting(); });
  return hearth::bench::answer_lines(
      greeting, [&](const auto& question) { return worker->answer(question); });
}
