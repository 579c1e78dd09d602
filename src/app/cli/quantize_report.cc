#include "app/cli/quantize_report.h"

#include <fmt/format.h>

#include <algorithm>

#include "app/cli/command.h"

namespace hearth::app {
namespace {

OrderedJson cost_json(const FolderCost& cost) {
  return {{"size_bytes", cost.size_bytes}, {"bytes_read_per_token", cost.bytes_read_per_token}};
}

std::string cost_line(const char* what, const FolderCost& cost) {
  return fmt::format("{:<7} {} on disk, {} read per token\n", what, size_in_words(cost.size_bytes),
                     size_in_words(cost.bytes_read_per_token));
}

/// JSON has no infinity: a model that held a token impossible has null there.
std::string figure(const OrderedJson& value, const char* format, double factor = 1) {
  if (!value.is_number()) return "infinite";
  return fmt::format(fmt::runtime(format), factor * value.get<double>());
}

std::string quality_lines(const OrderedJson& quality) {
  if (quality.is_null()) return {};
  const OrderedJson& source = quality.at("against");
  return fmt::format(
      "quality: perplexity {} before, {} after; KL divergence {} nats a token, same likeliest "
      "token {} %\n         ({} tokens of {})\n",
      figure(source.at("perplexity"), "{:.4f}"), figure(quality.at("perplexity"), "{:.4f}"),
      figure(source.at("kl_mean_nats"), "{:.6f}"),
      figure(source.at("top1_agreement"), "{:.2f}", 100),
      quality.at("scored_tokens").get<std::int64_t>(), quality.at("file").get<std::string>());
}

}  // namespace

OrderedJson quantize_json(const QuantizeResult& result) {
  OrderedJson layers = OrderedJson::array();
  for (const onnx::LinearReport& linear : result.linears) {
    OrderedJson entry = {{"name", linear.node},
                         {"bits", linear.bits},
                         {"rows", linear.n},
                         {"columns", linear.k},
                         {"weight_error", linear.weight_error}};
    if (linear.output_error) entry["output_error"] = *linear.output_error;
    layers.push_back(std::move(entry));
  }
  return {{"source", result.source.string()},   {"out", result.out.string()},
          {"before", cost_json(result.before)}, {"after", cost_json(result.after)},
          {"quality", result.quality},          {"layers", std::move(layers)},
          {"compare", result.quality_command}};
}

std::string quantize_text(const QuantizeResult& result) {
  std::size_t width = 6;
  for (const onnx::LinearReport& linear : result.linears) {
    width = std::max(width, linear.node.size());
  }
  const bool outputs = !result.linears.empty() && result.linears.front().output_error.has_value();
  std::string text = fmt::format("{:<{}}  bits  rows x columns   error of weights{}\n", "matrix",
                                 width, outputs ? "  of outputs" : "");
  for (const onnx::LinearReport& linear : result.linears) {
    text += fmt::format("{:<{}}  {:>4}  {:>15}  {:>15.3f} %", linear.node, width, linear.bits,
                        fmt::format("{} x {}", linear.n, linear.k), 100 * linear.weight_error);
    if (linear.output_error) text += fmt::format("  {:>8.3f} %", 100 * *linear.output_error);
    text += "\n";
  }
  text += cost_line("before:", result.before) + cost_line("after:", result.after);
  text += quality_lines(result.quality);
  text += fmt::format("{} written.", result.out.string());
  if (result.quality.is_null()) {
    text += " What it costs in quality: " + result.quality_command;
  }
  return text + "\n";
}

}  // namespace hearth::app
