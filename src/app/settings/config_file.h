// router.config.json: found, read, and checked key by key.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/environment.h"
#include "app/settings/setting.h"
#include "base/json_reader.h"
#include "base/result.h"

namespace hearth::app {

/// A checked file. Invariant: every key in it is known.
struct ConfigFile {
  std::filesystem::path path;
  std::map<SettingId, SettingValue> values;
  /// Sections that would change who answers or how, and whose feature is not there yet:
  /// "routing", "fallbackChain", ... They cannot matter once the provider is chosen by hand.
  std::vector<std::string> later_sections;
  /// Blocks of providers other than onnx; they do nothing until one of them is chosen.
  std::vector<std::string> other_providers;
};

/// The file to read: `flag` (--config), else HEARTH_CONFIG, else router.config.json in
/// `working_folder`, else in the configuration folder. Nothing when only the last two are left and
/// neither exists; kInvalidArgument when a named one does not exist.
Result<std::optional<std::filesystem::path>> find_config_file(
    const std::optional<std::string>& flag, const Environment& environment,
    const std::filesystem::path& working_folder);

/// Reads and checks a file. Errors are kInvalidArgument and name file, key and what is allowed.
Result<ConfigFile> read_config_file(const std::filesystem::path& path,
                                    const Environment& environment);

/// The same from text.
Result<ConfigFile> parse_config(std::string_view text, const std::filesystem::path& path,
                                const Environment& environment);

/// Replaces ${NAME} and ${NAME:-fallback} by environment variables; "$${" stands for "${".
/// kInvalidArgument when NAME is not set and there is no fallback, or the braces are broken.
Result<std::string> expand_variables(std::string_view text, const Environment& environment);

/// router.config.json names files and folders relative to itself.
std::string resolve_config_path(const std::string& value, const std::filesystem::path& config_path);

}  // namespace hearth::app
