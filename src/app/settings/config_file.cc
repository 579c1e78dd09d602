#include "app/settings/config_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <span>
#include <system_error>

#include "app/settings/names.h"
#include "base/file.h"

namespace hearth::app {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kConfigBytesMax = 1 << 20;
constexpr std::string_view kFileName = "router.config.json";
constexpr std::string_view kOnnxPrefix = "providers.onnx.";

constexpr std::array<std::string_view, 10> kTopLevel = {
    "version", "defaultProvider",  "fallbackChain", "providers",   "routing",
    "cache",   "costOptimization", "performance",   "toolCalling", "monitoring"};

constexpr std::array<std::string_view, 7> kProviders = {
    "onnx", "anthropic", "openrouter", "huggingface", "openai", "ollama", "gemini"};

/// Keys that every provider's block may have and that mean something only over a network.
constexpr std::array<std::string_view, 7> kLaterProviderKeys = {
    "apiKey", "baseUrl", "models", "timeout", "maxRetries", "retryDelay", "rateLimit"};

bool contains(std::span<const std::string_view> list, std::string_view name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

tl::unexpected<Error> fail_at(const fs::path& path, std::string_view key,
                              const std::string& message) {
  return fail(ErrorCode::kInvalidArgument,
              key.empty() ? fmt::format("{}: {}", path.string(), message)
                          : fmt::format("{}: {} {}", path.string(), key, message));
}

std::string type_name(const Json& value) {
  return value.is_object() ? "an object"
                           : value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

/// Known keys of providers.onnx, for checking and for "did you mean": the first parts only
/// ("cudaOptions"), or with `inside` the keys of that object.
std::vector<std::string_view> onnx_keys(std::string_view inside) {
  std::vector<std::string_view> keys;
  for (const Setting& row : setting_table()) {
    if (!row.file_key.starts_with(kOnnxPrefix)) continue;
    std::string_view key = row.file_key.substr(kOnnxPrefix.size());
    const auto dot = key.find('.');
    const std::string_view object =
        dot == std::string_view::npos ? std::string_view() : key.substr(0, dot);
    if (inside.empty()) {
      key = key.substr(0, dot);
    } else if (object != inside) {
      continue;
    } else {
      key = key.substr(dot + 1);
    }
    if (!contains(keys, key)) keys.push_back(key);
  }
  return keys;
}

const Setting* setting_of_key(std::string_view full_key) {
  for (const Setting& row : setting_table()) {
    if (!row.file_key.empty() && row.file_key == full_key) return &row;
  }
  return nullptr;
}

bool is_group(std::string_view full_key) {
  const std::string prefix = std::string(full_key) + ".";
  const auto table = setting_table();
  return std::any_of(table.begin(), table.end(),
                     [&](const Setting& row) { return row.file_key.starts_with(prefix); });
}

/// The first key that an object of the text has twice. The parser would keep the last value, and
/// which one the user meant is not to be guessed.
std::optional<std::string> repeated_key(std::string_view text) {
  std::vector<std::set<std::string>> open_objects;
  std::optional<std::string> repeated;
  const Json::parser_callback_t look = [&](int, Json::parse_event_t event, Json& parsed) {
    if (event == Json::parse_event_t::object_start) open_objects.emplace_back();
    if (event == Json::parse_event_t::object_end) open_objects.pop_back();
    if (event == Json::parse_event_t::key && !repeated) {
      auto key = parsed.get<std::string>();
      if (!open_objects.back().insert(key).second) repeated = std::move(key);
    }
    return true;
  };
  [[maybe_unused]] const Json whole = Json::parse(text, look);
  return repeated;
}

/// Walks one file; the members are what every step needs.
class Checker {
 public:
  Checker(const fs::path& path, const Environment& environment)
      : environment_(environment), path_(path) {
    config_.path = path;
  }

  Result<ConfigFile> check(const Json& root) {
    if (!root.is_object()) return fail_at(path_, "", "expected an object at the top");
    for (const auto& [key, value] : root.items()) {
      if (!contains(kTopLevel, key)) {
        return fail_at(path_, key,
                       fmt::format("is not a known key{}; known at the top: {}",
                                   did_you_mean(key, kTopLevel), fmt::join(kTopLevel, ", ")));
      }
      if (!value.is_null()) HEARTH_TRY_VOID(check_section(key, value));
    }
    return std::move(config_);
  }

 private:
  Result<void> check_section(const std::string& key, const Json& value) {
    if (key == "version") {
      if (value.is_string() || value.is_number()) return {};
      return fail_at(path_, key, "is " + type_name(value) + "; expected a text or a number");
    }
    if (key == "defaultProvider") return take(*setting_of_key(key), value);
    if (key == "providers") return check_providers(value);
    if (key == "fallbackChain") return check_fallback_chain(value);
    if (!value.is_object()) {
      return fail_at(path_, key, "is " + type_name(value) + "; expected an object");
    }
    if (changes_behaviour(key, value)) config_.later_sections.push_back(key);
    return {};
  }

  /// An empty section, and routing by hand without rules, describe what happens anyway.
  static bool changes_behaviour(const std::string& key, const Json& section) {
    if (section.empty()) return false;
    if (key != "routing") return true;
    for (const auto& [name, value] : section.items()) {
      if (name == "mode" ? value != "manual" : !value.empty()) return true;
    }
    return false;
  }

  Result<void> check_fallback_chain(const Json& chain) {
    const std::string expected = fmt::format("a list of {}", fmt::join(kProviders, ", "));
    if (!chain.is_array()) {
      return fail_at(path_, "fallbackChain", "is " + type_name(chain) + "; expected " + expected);
    }
    bool leaves_the_machine = false;
    for (const Json& item : chain) {
      if (!item.is_string() || !contains(kProviders, item.get_ref<const std::string&>())) {
        return fail_at(path_, "fallbackChain",
                       "holds " + type_name(item) + "; expected " + expected);
      }
      if (item != "onnx") leaves_the_machine = true;
    }
    if (leaves_the_machine) config_.later_sections.push_back("fallbackChain");
    return {};
  }

  Result<void> check_providers(const Json& providers) {
    if (!providers.is_object()) {
      return fail_at(path_, "providers", "is " + type_name(providers) + "; expected an object");
    }
    for (const auto& [name, block] : providers.items()) {
      const std::string key = "providers." + name;
      if (!contains(kProviders, name)) {
        return fail_at(path_, key,
                       fmt::format("is not a known provider{}; known: {}",
                                   did_you_mean(name, kProviders), fmt::join(kProviders, ", ")));
      }
      if (block.is_null()) continue;
      if (!block.is_object()) {
        return fail_at(path_, key, "is " + type_name(block) + "; expected an object");
      }
      if (name == "onnx") {
        HEARTH_TRY_VOID(check_onnx(block, key, ""));
      } else {
        config_.other_providers.push_back(name);
      }
    }
    return {};
  }

  /// `inside` is the object within providers.onnx, such as "cudaOptions"; empty at its top.
  Result<void> check_onnx(const Json& block, const std::string& at, std::string_view inside) {
    for (const auto& [name, value] : block.items()) {
      const std::string key = at + "." + name;
      if (const Setting* row = setting_of_key(key)) {
        if (!value.is_null()) HEARTH_TRY_VOID(take(*row, value));
      } else if (is_group(key)) {
        if (!value.is_object()) {
          return fail_at(path_, key, "is " + type_name(value) + "; expected an object");
        }
        HEARTH_TRY_VOID(check_onnx(value, key, name));
      } else if (inside.empty() && contains(kLaterProviderKeys, name)) {
        return fail_at(path_, key, "is not available yet for the provider onnx; leave it out");
      } else {
        const std::vector<std::string_view> known = onnx_keys(inside);
        return fail_at(path_, key,
                       fmt::format("is not a known key{}; known in {}: {}",
                                   did_you_mean(name, known), at, fmt::join(known, ", ")));
      }
    }
    return {};
  }

  /// Texts are expanded first; a text that holds a variable may then stand for any type, since
  /// JSON has no other way to write it.
  Result<void> take(const Setting& row, const Json& value) {
    const std::string where = fmt::format("{}: {}", path_.string(), row.file_key);
    Result<SettingValue> parsed = take_value(row, value, where);
    if (!parsed) return tl::unexpected<Error>(parsed.error());
    if (row.id == SettingId::kModelPath) {
      auto& text = std::get<std::string>(*parsed);
      text = resolve_config_path(environment_.expand_home(text).string(), path_);
    }
    config_.values[row.id] = *std::move(parsed);
    return {};
  }

  Result<SettingValue> take_value(const Setting& row, const Json& value,
                                  const std::string& where) const {
    if (value.is_array()) {
      Json expanded = Json::array();
      for (const Json& item : value) {
        if (!item.is_string()) return parse_setting_json(row, value, where);
        HEARTH_TRY(const std::string text, expand(item.get_ref<const std::string&>(), where));
        expanded.push_back(text);
      }
      return parse_setting_json(row, expanded, where);
    }
    if (!value.is_string()) return parse_setting_json(row, value, where);
    const auto& raw = value.get_ref<const std::string&>();
    HEARTH_TRY(const std::string text, expand(raw, where));
    if (text != raw) return parse_setting_text(row, text, where);
    return parse_setting_json(row, value, where);
  }

  Result<std::string> expand(const std::string& text, const std::string& where) const {
    Result<std::string> expanded = expand_variables(text, environment_);
    if (!expanded) return fail(ErrorCode::kInvalidArgument, where + " " + expanded.error().message);
    return expanded;
  }

  const Environment& environment_;
  fs::path path_;
  ConfigFile config_;
};

bool is_variable_name(std::string_view name) {
  if (name.empty() || (name[0] >= '0' && name[0] <= '9')) return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return c == '_' || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
  });
}

}  // namespace

Result<std::string> expand_variables(std::string_view text, const Environment& environment) {
  std::string out;
  for (;;) {
    const auto dollar = text.find("${");
    out += text.substr(0, dollar);
    if (dollar == std::string_view::npos) return out;
    if (dollar > 0 && text[dollar - 1] == '$') {  // "$${" is a plain "${"
      out += "{";
      text.remove_prefix(dollar + 2);
      continue;
    }
    const auto close = text.find('}', dollar);
    if (close == std::string_view::npos) {
      return fail(ErrorCode::kInvalidArgument, "has \"${\" without a closing \"}\"");
    }
    const std::string_view inner = text.substr(dollar + 2, close - dollar - 2);
    const auto fallback_at = inner.find(":-");
    const std::string name(inner.substr(0, fallback_at));
    if (!is_variable_name(name)) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("has \"${{{}}}\"; expected ${{NAME}} or ${{NAME:-fallback}}", inner));
    }
    if (const auto value = environment.get(name)) {
      out += *value;
    } else if (fallback_at != std::string_view::npos) {
      out += inner.substr(fallback_at + 2);
    } else {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("needs the environment variable {0}, which is not set; set it, or "
                              "write ${{{0}:-fallback}}",
                              name));
    }
    text.remove_prefix(close + 1);
  }
}

std::string resolve_config_path(const std::string& value, const fs::path& config_path) {
  // A bare word may be the name of a model; it stays as it is.
  if (value.find('/') == std::string::npos || fs::path(value).is_absolute()) return value;
  // Absolute, or "./ember" in the working folder would become a name.
  std::error_code ignored;
  const fs::path path = config_path.parent_path() / value;
  const fs::path whole = fs::absolute(path, ignored);
  return (ignored ? path : whole).lexically_normal().string();
}

Result<std::optional<fs::path>> find_config_file(const std::optional<std::string>& flag,
                                                 const Environment& environment,
                                                 const fs::path& working_folder) {
  const auto named = [](const fs::path& path,
                        std::string_view by) -> Result<std::optional<fs::path>> {
    std::error_code ignored;
    if (fs::exists(path, ignored)) return std::optional(path);
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("{} names the configuration file {}, which does not exist", by, path.string()));
  };
  if (flag) return named(environment.expand_home(*flag), "--config");
  if (const auto variable = environment.get("HEARTH_CONFIG")) {
    return named(environment.expand_home(*variable), "HEARTH_CONFIG");
  }
  for (const fs::path& folder : {working_folder, environment.config_folder()}) {
    std::error_code ignored;
    if (fs::exists(folder / kFileName, ignored)) return std::optional(folder / kFileName);
  }
  return std::optional<fs::path>();
}

Result<ConfigFile> parse_config(std::string_view text, const fs::path& path,
                                const Environment& environment) {
  Result<Json> root = parse_json(text, path.string());
  if (!root) return fail(ErrorCode::kInvalidArgument, root.error().message);
  if (const auto key = repeated_key(text)) {
    return fail_at(path, "", fmt::format("the key \"{}\" is there twice; keep one", *key));
  }
  return Checker(path, environment).check(*root);
}

Result<ConfigFile> read_config_file(const fs::path& path, const Environment& environment) {
  Result<std::string> text = read_file(path, kConfigBytesMax);
  if (!text) {
    return fail(ErrorCode::kInvalidArgument, "configuration file: " + text.error().message);
  }
  return parse_config(*text, path, environment);
}

}  // namespace hearth::app
