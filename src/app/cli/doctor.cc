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

namespace hearth::app {
namespace {

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

  report.onnx_runtime_version = runtime::onnx_runtime_version();
  report.execution_providers =
      explain_execution_providers(session_options(report.settings).execution_providers,
                                  runtime::available_execution_providers());

  auto model = locate_model(report.settings, environment).and_then([](const LocatedModel& located) {
    return as_model_failure(runtime::open_model_folder(located.folder));
  });
  if (model) {
    put_model_defaults(model->config.search, report.settings);
    report.model = *std::move(model);
  } else {
    report.problems.push_back(model.error());
  }

  report.machine = examine_machine();
  report.bandwidth = measure_bandwidth(report.machine);
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
