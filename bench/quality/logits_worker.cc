// logits_worker MODEL_FOLDER exact|fast bf16|fp32|int8: logits of the accelerated executor with
// that recipe and that cache of keys and values.
//
// Question: {"ids": [...], "file": PATH}. It feeds the ids to a sequence of their own, in the
// chunks in which `hearth run` feeds a prompt, and writes the logits of every position to PATH as
// float32 in the machine's own order, [ids, vocab_size]. Answer: {"rows"}.
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "../peers/json_lines.h"
#include "engine/generate.h"
#include "kernels/attention.h"
#include "runtime/accelerated_executor.h"
#include "runtime/model_folder.h"

namespace hearth::bench {
namespace {

Result<runtime::SessionOptions> options_of(const std::string& recipe, const std::string& cache) {
  runtime::SessionOptions options;
  if (recipe != "exact" && recipe != "fast") {
    return fail(ErrorCode::kInvalidArgument, "the recipe is " + recipe + ", not exact or fast");
  }
  options.accelerated.recipe = recipe == "fast" ? runtime::Recipe::kFast : runtime::Recipe::kExact;
  HEARTH_TRY(options.accelerated.kv_element, kernels::parse_kv_element(cache));
  options.accelerated.move_weights = false;  // which changes no value, and nothing here is timed
  return options;
}

class Worker {
 public:
  static Result<Worker> load(const std::string& folder, const std::string& recipe,
                             const std::string& cache);

  Json greeting() const;
  Result<Json> answer(const JsonReader& question);

 private:
  Result<void> write_logits(std::span<const TokenId> ids, const std::string& path);

  std::unique_ptr<runtime::AcceleratedExecutor> executor_;
};

Result<Worker> Worker::load(const std::string& folder, const std::string& recipe,
                            const std::string& cache) {
  HEARTH_TRY(const runtime::SessionOptions options, options_of(recipe, cache));
  HEARTH_TRY(const runtime::ModelFolder model, runtime::open_model_folder(folder));
  Worker worker;
  HEARTH_TRY(worker.executor_, runtime::AcceleratedExecutor::load(model, options));
  return worker;
}

Json Worker::greeting() const {
  return {{"isa", executor_->report().isa}, {"vocab_size", executor_->vocab_size()}};
}

Result<void> Worker::write_logits(std::span<const TokenId> ids, const std::string& path) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  const std::int64_t total = std::ssize(ids);
  HEARTH_TRY(const engine::SequenceId sequence, executor_->open_sequence({total, total}));
  const auto chunk_max = static_cast<std::size_t>(engine::GenerateRequest{}.prefill_chunk_tokens);
  for (std::size_t done = 0; done < ids.size(); done += chunk_max) {
    const auto chunk = ids.subspan(done, std::min(chunk_max, ids.size() - done));
    engine::StepPlan plan;
    plan.segments.push_back({sequence, chunk, true, std::ssize(chunk)});
    HEARTH_TRY(const engine::StepResult result, executor_->run(plan));
    const auto bytes = std::as_bytes(std::span(result.logits));
    file.write(reinterpret_cast<const char*>(bytes.data()), std::ssize(bytes));
  }
  executor_->close_sequence(sequence);
  file.close();
  if (!file) {
    return fail(ErrorCode::kIo, "cannot write the logits to " + path +
                                    "; is the disk full, or the folder not writable?");
  }
  return {};
}

Result<Json> Worker::answer(const JsonReader& question) {
  HEARTH_TRY(const auto numbers, question.integers("ids", 0, std::numeric_limits<TokenId>::max()));
  HEARTH_TRY(const std::string path, question.string("file"));
  if (numbers.empty()) return fail(ErrorCode::kInvalidArgument, "question: no ids");
  std::vector<TokenId> ids;
  for (const std::int64_t number : numbers) ids.push_back(static_cast<TokenId>(number));
  HEARTH_TRY_VOID(write_logits(ids, path));
  return Json{{"rows", ids.size()}};
}

}  // namespace
}  // namespace hearth::bench

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: logits_worker MODEL_FOLDER exact|fast bf16|fp32|int8\n");
    return 2;
  }
  auto worker = hearth::bench::Worker::load(argv[1], argv[2], argv[3]);
  const auto greeting = worker.map([](const auto& loaded) { return loaded.greeting(); });
  return hearth::bench::answer_lines(
      greeting, [&](const hearth::JsonReader& question) { return worker->answer(question); });
}
