#include "app/eval/report.h"

#include <fmt/format.h>

#include "app/cli/command.h"
#include "app/cli/reply.h"
#include "text/utf8.h"

namespace hearth::app {
namespace {

OrderedJson share_json(const eval::Share& share) {
  return {{"right", share.right}, {"of", share.of}, {"rate", share.rate()}};
}

std::string share_text(const eval::Share& share) {
  if (share.of == 0) return "none";
  return fmt::format("{:5.1f} %  ({} of {})", share.rate() * 100, share.right, share.of);
}

std::string score_row(std::string_view name, const std::string& value) {
  return fmt::format("  {:<26}{}\n", name, value);
}

OrderedJson text_json(const TextReport& text) {
  const eval::TextScore& score = text.outcome.score;
  OrderedJson json = {
      {"file", text.file.string()},
      {"tokens", text.tokens},
      {"conversations", nullptr},
      {"left_out", nullptr},
      {"scored_tokens", score.tokens},
      {"context_tokens", nullptr},
      {"stride_tokens", nullptr},
      {"perplexity", score.perplexity()},
      {"mean_surprise_nats", score.surprise / static_cast<double>(score.tokens)},
      {"first_choice_rate",
       static_cast<double>(score.first_choices) / static_cast<double>(score.tokens)},
  };
  if (text.conversations) {
    json["conversations"] = *text.conversations;
    json["left_out"] = text.left_out;
  } else {
    json["context_tokens"] = text.context_tokens;
    json["stride_tokens"] = text.stride_tokens;
  }
  if (text.against) {
    json["against"] = {{"folder", text.against->string()},
                       {"perplexity", text.outcome.reference_score.perplexity()},
                       {"kl_mean_nats", text.outcome.divergence.kl_mean()},
                       {"kl_max_nats", text.outcome.divergence.kl_max},
                       {"top1_agreement", text.outcome.divergence.top1_agreement()}};
  }
  return json;
}

/// Without the bins, of which one tool's calls fill few.
OrderedJson confidence_json(const eval::Calibration& calibration) {
  return {{"count", calibration.count},
          {"mean", calibration.mean_confidence},
          {"accuracy", calibration.accuracy},
          {"expected_calibration_error", calibration.expected_error}};
}

OrderedJson calibration_json(const eval::Calibration& calibration) {
  OrderedJson bins = OrderedJson::array();
  for (const eval::ReliabilityBin& bin : calibration.bins) {
    bins.push_back({{"low", bin.low},
                    {"high", bin.high},
                    {"count", bin.count},
                    {"mean_confidence", bin.mean_confidence},
                    {"accuracy", bin.accuracy}});
  }
  OrderedJson json = confidence_json(calibration);
  json["bins"] = std::move(bins);
  return json;
}

OrderedJson cases_json(const CasesReport& cases) {
  const eval::Tally& tally = cases.tally;
  OrderedJson kinds = OrderedJson::object();
  for (const auto& [kind, share] : tally.kinds) kinds[kind] = share_json(share);
  OrderedJson tools = OrderedJson::object();
  for (const auto& [tool, of_tool] : tally.tools) {
    tools[tool] = {{"name", share_json(of_tool.calls.name)},
                   {"arguments", share_json(of_tool.calls.arguments)},
                   {"valid_json", share_json(of_tool.made.valid_json)},
                   {"repaired", share_json(of_tool.made.repaired)},
                   {"confidence", confidence_json(of_tool.made.calibration)}};
  }
  return {{"file", cases.file.string()},
          {"right", share_json(tally.all)},
          {"kinds", std::move(kinds)},
          {"tool_calls",
           {{"name", share_json(tally.calls.name)},
            {"arguments", share_json(tally.calls.arguments)},
            {"valid_json", share_json(tally.made.valid_json)},
            {"repaired", share_json(tally.made.repaired)},
            {"no_call", share_json(tally.no_call)},
            {"by_tool", std::move(tools)}}},
          {"confidence", calibration_json(tally.made.calibration)},
          {"prompt_tokens", cases.outcome.prompt_tokens},
          {"output_tokens", cases.outcome.output_tokens}};
}

OrderedJson speed_json(const SpeedReport& speed) {
  return {{"load_ms", speed.load_ms},
          {"tokens_per_s", speed.tokens_per_s},
          {"prompt_tokens_per_s", speed.prompt_tokens_per_s},
          {"request_ms", distribution_json(speed.request_ms)},
          {"first_token_ms", distribution_json(speed.first_token_ms)},
          {"step_ms", distribution_json(speed.step_ms)},
          {"peak_memory_bytes", speed.peak_memory_bytes}};
}

std::string how_it_was_read(const TextReport& text) {
  if (text.conversations) {
    return fmt::format("the last replies of {} conversations", *text.conversations);
  }
  return fmt::format("context {}, stride {}", text.context_tokens, text.stride_tokens);
}

std::string text_text(const TextReport& text) {
  const eval::TextOutcome& outcome = text.outcome;
  std::string made = fmt::format("text {}\n", text.file.string());
  made += score_row("scored", fmt::format("{} of {} tokens, {}", outcome.score.tokens, text.tokens,
                                          how_it_was_read(text)));
  if (text.left_out > 0) {
    made += score_row(
        "left out", fmt::format("{} conversations, such as {}", text.left_out, text.why_left_out));
  }
  made += score_row("perplexity", fmt::format("{:.4f}", outcome.score.perplexity()));
  if (!text.against) return made;
  made += score_row(
      "perplexity of the other",
      fmt::format("{:.4f}  ({})", outcome.reference_score.perplexity(), text.against->string()));
  made += score_row("KL divergence",
                    fmt::format("{:.6f} nats a token, at most {:.4f}", outcome.divergence.kl_mean(),
                                outcome.divergence.kl_max));
  made += score_row("same likeliest token",
                    fmt::format("{:.2f} %", outcome.divergence.top1_agreement() * 100));
  return made;
}

std::string calibration_text(const eval::Calibration& calibration) {
  if (calibration.count == 0) return {};
  std::string made = score_row(
      "confidence in the name",
      fmt::format("mean {:.3f}, right {:.3f}, calibration error {:.3f}",
                  calibration.mean_confidence, calibration.accuracy, calibration.expected_error));
  for (const eval::ReliabilityBin& bin : calibration.bins) {
    if (bin.count == 0) continue;
    made += score_row(fmt::format("  {:.1f} to {:.1f}", bin.low, bin.high),
                      fmt::format("{:>4} calls, {:.3f} sure, {:.3f} right", bin.count,
                                  bin.mean_confidence, bin.accuracy));
  }
  return made;
}

std::string percent(const eval::Share& share) {
  return share.of == 0 ? "-" : fmt::format("{:.1f} %", share.rate() * 100);
}

/// A row for each tool that a case expected.
std::string tools_text(const eval::Tally& tally) {
  if (tally.tools.empty()) return {};
  constexpr auto kRow = "  {:<20} {:>6} {:>10} {:>10} {:>11} {:>9} {:>6}\n";
  std::string made = fmt::format(kRow, "by tool", "cases", "right tool", "arguments", "valid JSON",
                                 "repaired", "sure");
  for (const auto& [tool, of_tool] : tally.tools) {
    const eval::Calibration& sure = of_tool.made.calibration;
    made += fmt::format(kRow, tool, of_tool.calls.name.of, percent(of_tool.calls.name),
                        percent(of_tool.calls.arguments), percent(of_tool.made.valid_json),
                        percent(of_tool.made.repaired),
                        sure.count == 0 ? "-" : fmt::format("{:.3f}", sure.mean_confidence));
  }
  return made;
}

std::string cases_text(const CasesReport& cases) {
  const eval::Tally& tally = cases.tally;
  std::string made = fmt::format("set {}\n", cases.file.string());
  made += score_row("right in all", share_text(tally.all));
  for (const auto& [kind, share] : tally.kinds) made += score_row("  " + kind, share_text(share));
  made += score_row("right tool", share_text(tally.calls.name));
  made += score_row("and all arguments exact", share_text(tally.calls.arguments));
  made += score_row("no call where none fits", share_text(tally.no_call));
  made += score_row("valid JSON of calls", share_text(tally.made.valid_json));
  made += score_row("calls that were repaired", share_text(tally.made.repaired));
  return made + calibration_text(tally.made.calibration) + tools_text(tally);
}

std::string distribution_text(const eval::Distribution& times) {
  return fmt::format("mean {:.2f} ms, P50 {:.2f}, P95 {:.2f}, P99 {:.2f}  ({})", times.mean,
                     times.p50, times.p95, times.p99, times.count);
}

std::string speed_text(const SpeedReport& speed) {
  std::string made = "speed\n";
  made += score_row("generated", fmt::format("{:.1f} tokens/s", speed.tokens_per_s));
  made += score_row("prompts", fmt::format("{:.1f} tokens/s", speed.prompt_tokens_per_s));
  made += score_row("a request", distribution_text(speed.request_ms));
  made += score_row("to the first token", distribution_text(speed.first_token_ms));
  made += score_row("a further token", distribution_text(speed.step_ms));
  made += score_row("loading", fmt::format("{:.0f} ms", speed.load_ms));
  return made + score_row("peak memory", size_in_words(speed.peak_memory_bytes));
}

}  // namespace

OrderedJson distribution_json(const eval::Distribution& times) {
  return {{"count", times.count},
          {"mean", times.mean},
          {"p50", times.p50},
          {"p95", times.p95},
          {"p99", times.p99}};
}

OrderedJson evaluation_json(const Evaluation& evaluation) {
  OrderedJson json;
  json["model"] = {{"name", evaluation.model},
                   {"folder", evaluation.folder.string()},
                   {"variant", nullptr},
                   {"size_bytes", evaluation.size_bytes},
                   {"bytes_read_per_token", evaluation.bytes_read_per_token},
                   {"executor", executor_json(evaluation.execution)}};
  if (evaluation.variant) json["model"]["variant"] = *evaluation.variant;
  json["text"] = evaluation.text ? text_json(*evaluation.text) : OrderedJson(nullptr);
  json["cases"] = evaluation.cases ? cases_json(*evaluation.cases) : OrderedJson(nullptr);
  json["speed"] = evaluation.speed ? speed_json(*evaluation.speed) : OrderedJson(nullptr);
  return json;
}

std::string evaluation_text(const Evaluation& evaluation) {
  std::string text = fmt::format("{}, {} on disk, {} read per token, {}\n", evaluation.model,
                                 size_in_words(evaluation.size_bytes),
                                 size_in_words(evaluation.bytes_read_per_token),
                                 executor_in_words(evaluation.execution));
  if (evaluation.cases) text += cases_text(*evaluation.cases);
  if (evaluation.text) text += text_text(*evaluation.text);
  if (evaluation.speed) text += speed_text(*evaluation.speed);
  return text;
}

std::string answers_jsonl(const CasesReport& cases) {
  std::string lines;
  for (std::size_t i = 0; i < cases.outcome.cases.size(); ++i) {
    const eval::CaseOutcome& one = cases.outcome.cases[i];
    OrderedJson line = {{"id", cases.cases[i].id},
                        {"kind", cases.cases[i].kind},
                        {"right", one.score.right},
                        {"answer", text::utf8_replace_invalid(one.answer.raw)}};
    if (one.score.confidence) line["confidence"] = *one.score.confidence;
    lines += dump(line) + "\n";
  }
  return lines;
}

}  // namespace hearth::app
