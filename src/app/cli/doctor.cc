// hearth doctor: can this machine answer, how fast could it be, and which settings hold.
#include <CLI/CLI.hpp>

#include "app/cli/command.h"
#include "app/cli/reply.h"
#include "app/doctor/report.h"
#include "app/io/standard_output.h"
#include "app/model_locator.h"
#include "app/request_settings.h"
#include "base/file.h"
#include "runtime/execution_providers.h"
#include "runtime/open_executor.h"
#include "runtime/stock_executor.h"

namespace hearth::app {
namespace {

/// Models larger than this would make the doctor read gigabytes just to try a device.
constexpr std::uint64_t kProbeModelBytesMax = 256'000'000;

/// The model asked for, or the one in the box when that is too large.
std::optional<runtime::ModelFolder> small_model(const std::optional<runtime::ModelFolder>& asked,
                                                const Environment& environment) {
  if (asked && asked->size_bytes <= kProbeModelBytesMax) return asked;
  const auto box = locate_model(Settings(), environment);
  if (!box) return std::nullopt;
  auto model = runtime::open_model_folder(box->folder, environment.cache_folder());
  if (!model) return std::nullopt;
  return *std::move(model);
}

ProbeExecutionProvider probe_with(std::optional<runtime::ModelFolder> model) {
  return [model = std::move(model)](const std::string& name) -> std::optional<std::string> {
    if (!model) return std::nullopt;
    runtime::SessionOptions options;
    options.execution_providers.names = {name};
    const auto executor = runtime::StockExecutor::load(*model, options);
    if (!executor) return executor.error().message;
    const runtime::ExecutionReport& report = (*executor)->report();
    if (report.providers.front() == name) return "";
    // The report says "name: reason".
    return report.messages.empty() ? "it fell back to the CPU"
                                   : report.messages.front().substr(name.size() + 2);
  };
}

/// Goes on after each failure: one broken part must not hide the others.
DoctorReport examine(const SettingFlags& flags, const Environment& environment) {
  DoctorReport report;
  report.version = HEARTH_VERSION;
  report.config_file = flags.config_file(environment).value_or(std::nullopt);
  if (auto settings = flags.resolve(environment)) {
    report.settings = *std::move(settings);
  } else {
    report.problems.push_back(settings.error());
  }

  auto model =
      locate_model(report.settings, environment).and_then([&](const LocatedModel& located) {
        return as_model_failure(
            runtime::open_model_folder(located.folder, environment.cache_folder()));
      });
  if (model) {
    put_model_defaults(model->config.search, report.settings);
    put_built_in_numbers(model->config.context_length, report.settings);
    report.model = *std::move(model);
  } else {
    report.problems.push_back(model.error());
  }

  report.onnx_runtime_version = runtime::onnx_runtime_version();
  report.execution_providers = explain_execution_providers(
      session_options(report.settings).execution_providers,
      runtime::available_execution_providers(), probe_with(small_model(report.model, environment)));
  if (report.model) {
    auto execution = runtime::plan_executor(*report.model, session_options(report.settings));
    if (execution) {
      report.execution = *std::move(execution);
    } else {
      report.problems.push_back(execution.error());
    }
  }
  report.machine = examine_machine();
  report.bandwidth = measure_bandwidth(report.machine);
  report.model_folders = roots_in_words(environment);
  report.cache_folder = environment.cache_folder();
  if (const auto free = free_disk_bytes(report.cache_folder))
    report.cache_folder_free_bytes = *free;
  return report;
}

Result<ExitCode> doctor(bool json, const SettingFlags& flags) {
  const DoctorReport report = examine(flags, Environment::of_process());
  print_warnings(report.settings);
  StandardOutput out;
  out.write(json ? dump(doctor_json(report), 2) + "\n" : doctor_text(report));
  HEARTH_TRY_VOID(out.status());
  if (out.reader_gone()) return ExitCode::kBrokenPipe;
  return report.problems.empty() ? ExitCode::kOk : exit_code_for(report.problems.front().code);
}

}  // namespace

void add_doctor_command(CLI::App& root, std::vector<Subcommand>& commands) {
  CLI::App* parser = root.add_subcommand(
      "doctor",
      "Check processor, memory, ONNX Runtime, model and settings; takes about two seconds");
  const auto json = std::make_shared<bool>(false);
  parser->add_flag("--json", *json, "Print one JSON object");
  const auto flags = std::make_shared<SettingFlags>(*parser, settings_with_flags());
  flags->add_agent_and_local(*parser);
  parser->footer(
      "Flags of settings are accepted to see what they would do:\n"
      "  hearth doctor --agent coder --top-p 0.8\n");
  commands.push_back({parser, [json, flags] { return doctor(*json, *flags); }});
}

}  // namespace hearth::app
