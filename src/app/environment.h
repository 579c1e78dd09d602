// The process's environment as a value, so that everything that depends on it can be tested; and
// the few folders that are found through it.
#pragma once

#include <array>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace hearth::app {

/// Those that name folders and files; the settings have others.
inline constexpr std::array<std::string_view, 5> kFolderVariables = {
    "HEARTH_HOME", "HEARTH_MODELS_DIR", "HEARTH_CACHE_DIR", "HEARTH_CHAT_HISTORY", "HEARTH_CONFIG"};

/// Names and values; a variable set to nothing counts as not set.
class Environment {
 public:
  /// Nothing is set.
  Environment() = default;

  static Environment of(std::map<std::string, std::string> variables);

  /// What this process was started with.
  static Environment of_process();

  std::optional<std::string> get(const std::string& name) const;
  const std::map<std::string, std::string>& all() const { return variables_; }

  /// HOME; the root folder when there is none, so that paths stay absolute.
  std::filesystem::path home() const;

  /// XDG_CONFIG_HOME/hearth, XDG_DATA_HOME/hearth, XDG_STATE_HOME/hearth, XDG_CACHE_HOME/hearth or
  /// their defaults in HOME; HEARTH_CACHE_DIR goes before the latter.
  std::filesystem::path config_folder() const;
  std::filesystem::path data_folder() const;
  std::filesystem::path state_folder() const;
  std::filesystem::path cache_folder() const;

  /// Where Hearth's own files are: HEARTH_HOME, else the folder it was built from.
  std::filesystem::path hearth_home() const;

  /// `path` with a leading "~/" replaced by HOME.
  std::filesystem::path expand_home(const std::string& path) const;

 private:
  std::filesystem::path xdg_folder(const std::string& variable, const char* fallback) const;

  std::map<std::string, std::string> variables_;
};

}  // namespace hearth::app
