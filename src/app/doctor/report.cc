#include "app/doctor/report.h"

#include <fmt/format.h>

#include <algorithm>

#include "app/cli/command.h"
#include "app/cli/model_description.h"
#include "app/cli/reply.h"

namespace hearth::app {
namespace {

std::string finding_row(std::string_view name, const std::string& value) {
  return fmt::format("{:<16}{}\n", name, value);
}

bool contains(const std::vector<std::string>& list, const std::string& name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

std::string gigabytes_per_second(double bytes_per_second) {
  return fmt::format("{:.1f} GB/s", bytes_per_second / 1e9);
}

std::string features_in_words(const Cpu& cpu) {
  std::vector<std::string> there;
  std::vector<std::string> missing;
  for (const CpuFeature& feature : cpu.features) {
    (feature.present ? there : missing).push_back(feature.name);
  }
  return fmt::format("{}{}{}",
                     there.empty() ? "none known" : fmt::format("{}", fmt::join(there, ", ")),
                     missing.empty() ? "" : "; not: ", fmt::join(missing, ", "));
}

std::string cores_in_words(const Machine& machine) {
  std::string text = fmt::format("{} of {} usable", machine.cores_usable, machine.cores);
  if (machine.cores_quota) text += fmt::format(", quota {:.2f} cores", *machine.cores_quota);
  return text;
}

std::string bandwidth_in_words(const DoctorReport& report) {
  if (!report.bandwidth) return "not measured: too little free memory";
  const Bandwidth& found = *report.bandwidth;
  std::string text =
      fmt::format("{} read, {} thread{}, {} buffer", gigabytes_per_second(found.bytes_per_second),
                  found.threads, found.threads == 1 ? "" : "s", size_in_words(found.buffer_bytes));
  if (report.machine.load_average > 0.5 * found.threads) {
    text += fmt::format(" (other programs run, load {:.1f}: an idle machine is faster)",
                        report.machine.load_average);
  }
  if (!found.beyond_cache) {
    text +=
        fmt::format(" (the last-level cache of {} may hold part of it: take it as an upper bound)",
                    size_in_words(report.machine.last_level_cache_bytes));
  }
  return text;
}

std::string setting_line(const Setting& row_of, const Settings& settings) {
  const ResolvedValue* found = settings.find(row_of.id);
  if (found == nullptr) {
    return fmt::format("  {:<24}{} — built-in{}\n", row_of.name, row_of.default_words,
                       row_of.available || row_of.only ? "" : " (not available yet)");
  }
  const bool built_in = found->origin.words == "built-in";
  return fmt::format("  {:<24}{} — {}{}\n", row_of.name, value_in_words(found->value),
                     built_in ? "" : "from ", found->origin.words);
}

OrderedJson value_json(const SettingValue& value) {
  return std::visit([](const auto& held) { return OrderedJson(held); }, value);
}

OrderedJson settings_json(const Settings& settings) {
  OrderedJson list = OrderedJson::array();
  for (const Setting& row_of : setting_table()) {
    const ResolvedValue* found = settings.find(row_of.id);
    OrderedJson entry = {{"name", row_of.name}};
    entry["value"] = found == nullptr ? OrderedJson(nullptr) : value_json(found->value);
    entry["from"] = found == nullptr ? "built-in" : found->origin.words;
    entry["default"] = row_of.default_words;
    list.push_back(std::move(entry));
  }
  return list;
}

ExecutionProviderStatus explain_one(const std::string& name, bool built_in,
                                    const ProbeExecutionProvider& probe) {
  if (!built_in) return {name, false, false, "this ONNX Runtime was built without it"};
  const auto failure = probe(name);
  if (failure) return {name, failure->empty(), false, failure->empty() ? "works" : *failure};
  return {name, std::nullopt, false, "built in, but there is no model to try it with"};
}

OrderedJson machine_json(const Machine& machine) {
  OrderedJson features = OrderedJson::object();
  for (const CpuFeature& feature : machine.cpu.features) features[feature.name] = feature.present;
  return {{"cpu", machine.cpu.model},
          {"features", std::move(features)},
          {"cores", machine.cores},
          {"cores_usable", machine.cores_usable},
          {"cores_quota", machine.cores_quota ? OrderedJson(*machine.cores_quota) : OrderedJson()},
          {"last_level_cache_bytes", machine.last_level_cache_bytes},
          {"load_average", machine.load_average},
          {"memory_bytes", machine.memory_bytes},
          {"memory_free_bytes", machine.memory_free_bytes}};
}

OrderedJson bandwidth_json(const std::optional<Bandwidth>& bandwidth) {
  if (!bandwidth) return nullptr;
  return {{"bytes_per_second", bandwidth->bytes_per_second},
          {"threads", bandwidth->threads},
          {"buffer_bytes", bandwidth->buffer_bytes},
          {"beyond_cache", bandwidth->beyond_cache}};
}

std::string model_lines(const DoctorReport& report) {
  if (!report.model) return finding_row("model", "cannot be used, see below");
  const runtime::ModelFolder& model = *report.model;
  std::string text =
      finding_row("model", fmt::format("{}, {}, {} on disk, checked: {}", model.name,
                                       precision_in_words(model.graph),
                                       size_in_words(model.size_bytes), model.folder.string()));
  if (const auto most = report.tokens_per_second_max()) {
    text += finding_row(
        "speed limit",
        fmt::format("{:.1f} tokens/s at most: a token reads {} of weights{}", *most,
                    size_in_words(model.graph.bytes_read_per_token),
                    model.graph.bytes_read_per_token < report.machine.last_level_cache_bytes
                        ? " (which fit the cache: other costs will bound it)"
                        : ""));
  }
  return text;
}

}  // namespace

std::optional<double> DoctorReport::tokens_per_second_max() const {
  if (!bandwidth || !model || model->graph.bytes_read_per_token == 0) return std::nullopt;
  return bandwidth->bytes_per_second / static_cast<double>(model->graph.bytes_read_per_token);
}

std::vector<ExecutionProviderStatus> explain_execution_providers(
    const runtime::ExecutionProviderChoice& choice, const std::vector<std::string>& available,
    const ProbeExecutionProvider& probe) {
  std::vector<ExecutionProviderStatus> statuses;
  for (const std::string& name : runtime::known_execution_providers()) {
    statuses.push_back(explain_one(name, contains(available, name), probe));
  }
  const auto plan = runtime::plan_execution_providers(choice, available);
  if (!plan) return statuses;
  // The first one that works computes, with the CPU behind it.
  for (const std::string& name : plan->names) {
    const auto found = std::find_if(statuses.begin(), statuses.end(),
                                    [&](const auto& status) { return status.name == name; });
    if (found == statuses.end() || !found->usable.value_or(false)) continue;
    found->in_use = true;
    break;
  }
  return statuses;
}

OrderedJson doctor_json(const DoctorReport& report) {
  OrderedJson providers = OrderedJson::array();
  for (const ExecutionProviderStatus& status : report.execution_providers) {
    providers.push_back({{"name", status.name},
                         {"usable", status.usable ? OrderedJson(*status.usable) : OrderedJson()},
                         {"in_use", status.in_use},
                         {"reason", status.reason}});
  }
  OrderedJson problems = OrderedJson::array();
  for (const Error& problem : report.problems) problems.push_back(problem.message);
  const auto most = report.tokens_per_second_max();
  return {{"version", report.version},
          {"machine", machine_json(report.machine)},
          {"memory_bandwidth", bandwidth_json(report.bandwidth)},
          {"onnx_runtime", report.onnx_runtime_version},
          {"execution_providers", std::move(providers)},
          {"model", report.model ? model_json(*report.model) : OrderedJson()},
          {"executor", report.execution ? executor_json(*report.execution) : OrderedJson()},
          {"tokens_per_second_max", most ? OrderedJson(*most) : OrderedJson()},
          {"model_folders", report.model_folders},
          {"cache_folder", report.cache_folder.string()},
          {"cache_folder_free_bytes", report.cache_folder_free_bytes
                                          ? OrderedJson(*report.cache_folder_free_bytes)
                                          : OrderedJson()},
          {"config_file",
           report.config_file ? OrderedJson(report.config_file->string()) : OrderedJson()},
          {"settings", settings_json(report.settings)},
          {"problems", std::move(problems)}};
}

std::string doctor_text(const DoctorReport& report) {
  const Machine& machine = report.machine;
  std::string text = finding_row("hearth", report.version);
  text += finding_row("processor", machine.cpu.model);
  text += finding_row("features", features_in_words(machine.cpu));
  text += finding_row("cores", cores_in_words(machine));
  text += finding_row("memory", fmt::format("{}, {} free", size_in_words(machine.memory_bytes),
                                            size_in_words(machine.memory_free_bytes)));
  text += finding_row("bandwidth", bandwidth_in_words(report));
  text += finding_row("ONNX Runtime", report.onnx_runtime_version);
  for (const ExecutionProviderStatus& status : report.execution_providers) {
    text += fmt::format("  {:<14}{} — {}{}\n", status.name,
                        !status.usable   ? "?"
                        : *status.usable ? "yes"
                                         : "no",
                        status.reason, status.in_use ? ", in use" : "");
  }
  text += model_lines(report);
  if (report.execution) {
    const std::string& why = report.execution->why_stock;
    text += finding_row("executor",
                        executor_in_words(*report.execution) + (why.empty() ? "" : ": " + why));
  }
  text += finding_row("model folders", report.model_folders);
  text +=
      finding_row("cache folder",
                  fmt::format("{}{}", report.cache_folder.string(),
                              report.cache_folder_free_bytes
                                  ? ", " + size_in_words(*report.cache_folder_free_bytes) + " free"
                                  : ""));
  text += finding_row("configuration",
                      report.config_file ? report.config_file->string() : "no router.config.json");
  text += "settings\n";
  for (const Setting& row_of : setting_table()) text += setting_line(row_of, report.settings);
  for (const Error& problem : report.problems) text += "PROBLEM: " + problem.message + "\n";
  return text;
}

}  // namespace hearth::app
