// Everything `hearth doctor` finds out, as one value, and its two forms.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "app/doctor/bandwidth.h"
#include "app/doctor/machine.h"
#include "app/settings/settings.h"
#include "base/json_reader.h"
#include "base/result.h"
#include "runtime/execution_providers.h"
#include "runtime/model_folder.h"
#include "runtime/stock_executor.h"

namespace hearth::app {

struct ExecutionProviderStatus {
  std::string name;
  std::optional<bool> usable;  ///< nothing when there was no model to try it with
  bool in_use = false;         ///< would compute with the present settings
  std::string reason;          ///< why it is or is not usable
};

struct DoctorReport {
  std::string version;
  Machine machine;
  std::optional<Bandwidth> bandwidth;
  std::string onnx_runtime_version;
  std::vector<ExecutionProviderStatus> execution_providers;
  std::optional<runtime::ModelFolder> model;
  std::optional<runtime::ExecutionReport> execution;  ///< how the model would run
  std::string model_folders;                          ///< where models are looked for by name
  std::filesystem::path cache_folder;
  std::optional<std::uint64_t> cache_folder_free_bytes;
  std::optional<std::filesystem::path> config_file;
  Settings settings;
  std::vector<Error> problems;  ///< what must be mended before a model can answer

  /// Tokens a second that reading the weights alone allows; nothing when either number is missing.
  std::optional<double> tokens_per_second_max() const;
};

/// Tries a session on one execution provider alone; an empty text when it works, else what went
/// wrong. Nothing when there is no model to try it with.
using ProbeExecutionProvider = std::function<std::optional<std::string>(const std::string& name)>;

/// Every known execution provider, with the reason why it is usable or not.
std::vector<ExecutionProviderStatus> explain_execution_providers(
    const runtime::ExecutionProviderChoice& choice, const std::vector<std::string>& available,
    const ProbeExecutionProvider& probe);

OrderedJson doctor_json(const DoctorReport& report);
std::string doctor_text(const DoctorReport& report);

}  // namespace hearth::app
