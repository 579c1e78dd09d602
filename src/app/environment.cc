#include "app/environment.h"

#include <unistd.h>

#include <string_view>

namespace hearth::app {

namespace fs = std::filesystem;

Environment Environment::of(std::map<std::string, std::string> variables) {
  Environment made;
  made.variables_ = std::move(variables);
  return made;
}

Environment Environment::of_process() {
  std::map<std::string, std::string> variables;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const auto equals = text.find('=');
    if (equals == std::string_view::npos) continue;
    variables.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return of(std::move(variables));
}

std::optional<std::string> Environment::get(const std::string& name) const {
  const auto found = variables_.find(name);
  if (found == variables_.end() || found->second.empty()) return std::nullopt;
  return found->second;
}

fs::path Environment::home() const { return fs::path(get("HOME").value_or("/")); }

fs::path Environment::xdg_folder(const std::string& variable, const char* fallback) const {
  const auto base = get(variable);
  // The XDG specification: a relative path is invalid and counts as not set.
  if (base && fs::path(*base).is_absolute()) return fs::path(*base) / "hearth";
  return home() / fallback / "hearth";
}

fs::path Environment::config_folder() const { return xdg_folder("XDG_CONFIG_HOME", ".config"); }
fs::path Environment::data_folder() const { return xdg_folder("XDG_DATA_HOME", ".local/share"); }
fs::path Environment::state_folder() const { return xdg_folder("XDG_STATE_HOME", ".local/state"); }

fs::path Environment::cache_folder() const {
  if (const auto folder = get("HEARTH_CACHE_DIR")) return fs::path(*folder);
  return xdg_folder("XDG_CACHE_HOME", ".cache");
}

fs::path Environment::hearth_home() const {
  return fs::path(get("HEARTH_HOME").value_or(HEARTH_DEFAULT_HOME));
}

fs::path Environment::expand_home(const std::string& path) const {
  if (path == "~") return home();
  if (path.starts_with("~/")) return home() / path.substr(2);
  return fs::path(path);
}

}  // namespace hearth::app
