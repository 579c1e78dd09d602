#include "app/cli/quantize_quality.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "app/cli/command.h"
#include "app/io/child.h"
#include "app/model_variants.h"
#include "base/shell_word.h"
#include "runtime/kv_memory.h"

namespace hearth::app {
namespace {

/// Weights as they are mapped, and the copies that ONNX Runtime arranges for its products: those of
/// float16 become float32 first.
constexpr double kMemoryPerByteOfSource = 3;
constexpr double kMemoryPerByteOfOut = 1.5;
constexpr int kKilled = 128 + 9;

/// Whatever the user's own settings say: the figures are those of the weights.
std::vector<std::string> arguments_of(const QualityQuestion& question) {
  std::vector<std::string> words = {"eval",       "--no-set",
                                    "--model",    question.out.string(),
                                    "--against",  question.source.string(),
                                    "--text",     question.text.string(),
                                    "--executor", "auto",
                                    "--recipe",   "exact"};
  if (question.cache_has_type) {
    for (const char* word : {"--kv-cache-type", "bf16"}) words.emplace_back(word);
  }
  // ONNX_MODEL_VARIANT would otherwise put a neighbour in the new folder's place.
  if (const auto variant = variant_of(question.out)) {
    words.insert(words.end(), {"--variant", *variant});
  }
  return words;
}

Result<void> check_memory(const QualityQuestion& question) {
  const auto needed = static_cast<std::uint64_t>(
      kMemoryPerByteOfSource * static_cast<double>(question.source_bytes) +
      kMemoryPerByteOfOut * static_cast<double>(question.out_bytes));
  const std::uint64_t free = runtime::available_memory_bytes();
  if (needed <= free) return {};
  return fail(ErrorCode::kResourceExhausted,
              fmt::format("it takes about {} of memory to run both models, {} are free",
                          size_in_words(needed), size_in_words(free)));
}

}  // namespace

std::string quality_command(const QualityQuestion& question) {
  std::string command = "hearth";
  for (const std::string& word : arguments_of(question)) command += " " + shell_word(word);
  return command;
}

Result<OrderedJson> measure_quality(const QualityQuestion& question,
                                    const std::atomic<bool>& cancelled) {
  HEARTH_TRY_VOID(check_memory(question));
  std::vector<std::string> words = arguments_of(question);
  words.emplace_back("--json");
  HEARTH_TRY(const ChildOutcome child, run_child(words, cancelled));
  if (cancelled.load()) return fail(ErrorCode::kCancelled, "stopped");
  if (child.exit_code != 0) {
    return fail(
        ErrorCode::kInternal,
        fmt::format("the measurement ended with exit code {}{}", child.exit_code,
                    child.exit_code == kKilled ? ", killed, perhaps for lack of memory" : ""));
  }
  HEARTH_TRY(OrderedJson json, parse_ordered_json(child.output, "the measurement"));
  return std::move(json["text"]);
}

}  // namespace hearth::app
