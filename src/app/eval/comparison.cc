#include "app/eval/comparison.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string_view>

#include "app/cli/command.h"

namespace hearth::app {
namespace {

using Path = std::vector<const char*>;

/// The number at that place of an evaluation; nothing where it is not there or not finite.
std::optional<double> number_at(const OrderedJson& json, const Path& path) {
  const OrderedJson* at = &json;
  for (const char* key : path) {
    if (!at->is_object() || !at->contains(key)) return std::nullopt;
    at = &at->at(key);
  }
  return at->is_number() ? std::optional(at->get<double>()) : std::nullopt;
}

struct Row {
  const char* words;
  Path path;
  std::string (*shown)(double);
};

std::string as_bytes(double value) { return size_in_words(static_cast<std::uint64_t>(value)); }
std::string as_rate(double value) { return fmt::format("{:.1f} %", value * 100); }
std::string as_ms(double value) { return fmt::format("{:.2f} ms", value); }
std::string as_speed(double value) { return fmt::format("{:.1f}", value); }
std::string as_divergence(double value) { return fmt::format("{:.6f}", value); }
std::string as_perplexity(double value) { return fmt::format("{:.3f}", value); }

const std::vector<Row>& rows() {
  static const std::vector<Row> kRows = {
      {"size on disk", {"model", "size_bytes"}, as_bytes},
      {"read per token", {"model", "bytes_read_per_token"}, as_bytes},
      {"peak memory", {"speed", "peak_memory_bytes"}, as_bytes},
      {"tokens/s", {"speed", "tokens_per_s"}, as_speed},
      {"prompt tokens/s", {"speed", "prompt_tokens_per_s"}, as_speed},
      {"a token: mean", {"speed", "step_ms", "mean"}, as_ms},
      {"a token: P50", {"speed", "step_ms", "p50"}, as_ms},
      {"a token: P95", {"speed", "step_ms", "p95"}, as_ms},
      {"a token: P99", {"speed", "step_ms", "p99"}, as_ms},
      {"a request: mean", {"speed", "request_ms", "mean"}, as_ms},
      {"a request: P50", {"speed", "request_ms", "p50"}, as_ms},
      {"a request: P95", {"speed", "request_ms", "p95"}, as_ms},
      {"a request: P99", {"speed", "request_ms", "p99"}, as_ms},
      {"perplexity", {"text", "perplexity"}, as_perplexity},
      {"KL from fp32", {"text", "against", "kl_mean_nats"}, as_divergence},
      {"same choice as fp32", {"text", "against", "top1_agreement"}, as_rate},
      {"right tool", {"cases", "tool_calls", "name", "rate"}, as_rate},
      {"and exact arguments", {"cases", "tool_calls", "arguments", "rate"}, as_rate},
      {"right in all", {"cases", "right", "rate"}, as_rate},
  };
  return kRows;
}

const VariantResult* find_result(const std::vector<VariantResult>& results,
                                 std::string_view variant) {
  for (const VariantResult& result : results) {
    if (result.variant == variant && result.problem.empty()) return &result;
  }
  return nullptr;
}

/// How a variant stands to fp32, where both were measured.
OrderedJson ratios_json(const OrderedJson& evaluation, const OrderedJson& reference) {
  const auto ratio = [&](const Path& path) -> OrderedJson {
    const auto value = number_at(evaluation, path);
    const auto base = number_at(reference, path);
    if (!value || !base || *base == 0) return nullptr;
    return *value / *base;
  };
  return {{"size", ratio({"model", "size_bytes"})},
          {"bytes_read_per_token", ratio({"model", "bytes_read_per_token"})},
          {"peak_memory", ratio({"speed", "peak_memory_bytes"})},
          {"tokens_per_s", ratio({"speed", "tokens_per_s"})},
          {"perplexity", ratio({"text", "perplexity"})}};
}

}  // namespace

Result<std::vector<VariantResult>> compare_variants(const ModelFamily& family,
                                                    const MeasureVariant& measure) {
  std::vector<VariantResult> results;
  for (const std::string_view name : variant_names()) {
    VariantResult result;
    result.variant = name;
    const auto folder = choose_variant(family, name, "--suite variants");
    if (folder) {
      result.folder = folder->string();
      auto measured = measure(result.folder, result.variant);
      if (measured) {
        result.evaluation = *std::move(measured);
      } else if (measured.error().code == ErrorCode::kCancelled) {
        return tl::unexpected<Error>(measured.error());
      } else {
        result.problem = measured.error().message;
      }
    } else if (folder.error().code == ErrorCode::kNotFound) {
      result.missing = true;
      result.problem = variant_advice(family, name);
    } else {
      result.problem = folder.error().message;
    }
    results.push_back(std::move(result));
  }
  return results;
}

bool measuring_failed(const std::vector<VariantResult>& results) {
  const auto measured = [](const VariantResult& one) { return one.problem.empty(); };
  const auto accounted_for = [&](const VariantResult& one) { return one.missing || measured(one); };
  return std::none_of(results.begin(), results.end(), measured) ||
         !std::all_of(results.begin(), results.end(), accounted_for);
}

OrderedJson comparison_json(const ModelFamily& family, const std::vector<VariantResult>& results) {
  OrderedJson json = {{"version", 1}, {"model", family.name}, {"variants", OrderedJson::object()}};
  const VariantResult* exact = find_result(results, "fp32");
  for (const VariantResult& result : results) {
    OrderedJson& entry = json["variants"][result.variant];
    entry["available"] = !result.missing;
    if (!result.problem.empty()) {
      entry[result.missing ? "how_to_get_it" : "error"] = result.problem;
      continue;
    }
    entry.update(result.evaluation);
    if (exact != nullptr)
      entry["relative_to_fp32"] = ratios_json(result.evaluation, exact->evaluation);
  }
  return json;
}

std::string comparison_text(const ModelFamily& family, const std::vector<VariantResult>& results) {
  std::string text = fmt::format("{:<22}", family.name);
  std::string below;
  for (const VariantResult& result : results) {
    if (result.problem.empty()) {
      text += fmt::format("{:>14}", result.variant);
    } else {
      below += fmt::format("{}: {}: {}\n", result.variant,
                           result.missing ? "not there" : "could not be measured", result.problem);
    }
  }
  text += "\n";
  for (const Row& row : rows()) {
    std::string line = fmt::format("{:<22}", row.words);
    bool has_figures = false;
    for (const VariantResult& result : results) {
      if (!result.problem.empty()) continue;
      const auto value = number_at(result.evaluation, row.path);
      line += fmt::format("{:>14}", value ? row.shown(*value) : "-");
      has_figures = has_figures || value;
    }
    if (has_figures) text += line + "\n";
  }
  return text + below;
}

}  // namespace hearth::app
