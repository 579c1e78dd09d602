#include "app/settings/settings.h"

#include <fmt/format.h>

#include <algorithm>

#include "app/settings/names.h"

namespace hearth::app {
namespace {

Result<void> take_flags(const FlagTexts& flags, Settings& settings) {
  for (const auto& [id, texts] : flags) {
    const Setting& row = setting(id);
    const Origin origin{OriginLevel::kFlag, fmt::format("flag {}", row.flag)};
    if (row.type == SettingType::kTexts) {
      for (const std::string& text : texts) {
        HEARTH_TRY_VOID(parse_setting_text(row, text, row.flag));
      }
      settings.put(id, texts, origin);
      continue;
    }
    HEARTH_TRY(SettingValue value, parse_setting_text(row, texts.back(), row.flag));
    settings.put(id, std::move(value), origin);
  }
  return {};
}

/// Two spellings of one variable may both be set when they agree.
Result<void> take_variables(const Environment& environment, Settings& settings) {
  for (const Setting& row : setting_table()) {
    std::optional<SettingValue> first;
    for (const std::string_view name : row.environment) {
      const auto text = environment.get(std::string(name));
      if (!text) continue;
      HEARTH_TRY(SettingValue value, parse_setting_text(row, *text, name));
      if (first && *first != value) {
        return fail(ErrorCode::kInvalidArgument,
                    fmt::format("{} and {} are the same setting and have different values, \"{}\" "
                                "and \"{}\"; unset one",
                                row.environment.front(), name, value_in_words(*first), *text));
      }
      if (first) continue;
      first = value;
      settings.put(row.id, std::move(value),
                   {OriginLevel::kEnvironment, fmt::format("environment variable {}", name)});
    }
  }
  return {};
}

void take_file(const ConfigFile& file, Settings& settings) {
  for (const auto& [id, value] : file.values) {
    settings.put(
        id, value,
        {OriginLevel::kFile, fmt::format("{}: {}", file.path.string(), setting(id).file_key)});
  }
}

void take_agent(const Agent& agent, Settings& settings) {
  const Origin origin{OriginLevel::kAgent, fmt::format("agent '{}'", agent.name)};
  settings.put(SettingId::kTemperature, agent.temperature, origin);
  settings.put(SettingId::kTopP, agent.top_p, origin);
}

/// Of HEARTH_... only what looks like a slip: scripts have variables of their own by such names.
void warn_of_unknown_variables(const Environment& environment, Settings& settings) {
  constexpr std::string_view kOurs = "HEARTH_";
  std::vector<std::string_view> known(kFolderVariables.begin(), kFolderVariables.end());
  for (const Setting& row : setting_table()) {
    known.insert(known.end(), row.environment.begin(), row.environment.end());
  }
  std::vector<std::string_view> ours;  // what stands behind HEARTH_, which all have in common
  for (const std::string_view name : known) {
    if (name.starts_with(kOurs)) ours.push_back(name.substr(kOurs.size()));
  }
  const auto warn = [&](const std::string& name, const std::string& hint) {
    settings.warnings.push_back(
        fmt::format("environment variable {} is not known and has no effect{}", name, hint));
  };
  for (const auto& [name, value] : environment.all()) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    if (name.starts_with("ONNX_")) {
      warn(name, did_you_mean(name, known));
    } else if (name.starts_with(kOurs)) {
      const std::string_view near = nearest_name(name.substr(kOurs.size()), ours);
      if (!near.empty()) warn(name, fmt::format("; did you mean {}{}?", kOurs, near));
    }
  }
}

/// Routing sections cannot be obeyed yet. When the user chose the provider by hand they would not
/// apply anyway: a warning. Otherwise going on would silently ignore rules the user wrote.
Result<void> check_sections(const ConfigFile& file, Settings& settings) {
  const ResolvedValue* provider = settings.find(SettingId::kProvider);
  const bool by_hand = provider != nullptr && provider->origin.level >= OriginLevel::kEnvironment;
  if (!file.later_sections.empty() && !by_hand) {
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("{}: not available yet: {}; leave that out, or pass --provider onnx to answer "
                    "on this machine whatever the file says there",
                    file.path.string(), fmt::join(file.later_sections, ", ")));
  }
  std::vector<std::string> passed_over = file.later_sections;
  for (const std::string& name : file.other_providers) passed_over.push_back("providers." + name);
  if (!passed_over.empty()) {
    settings.warnings.push_back(fmt::format("{}: not available yet and without effect here: {}",
                                            file.path.string(), fmt::join(passed_over, ", ")));
  }
  return {};
}

Result<void> check_together(const Settings& settings) {
  for (const Setting& row : setting_table()) {
    if (const ResolvedValue* found = settings.find(row.id)) {
      HEARTH_TRY_VOID(check_available(row, found->value, found->origin.words));
    }
  }
  const ResolvedValue* least = settings.find(SettingId::kMinTokens);
  const ResolvedValue* most = settings.find(SettingId::kMaxTokens);
  if (least != nullptr && most != nullptr && least->value > most->value) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("minTokens {} ({}) is more than maxTokens {} ({})",
                            value_in_words(least->value), least->origin.words,
                            value_in_words(most->value), most->origin.words));
  }
  return {};
}

}  // namespace

const ResolvedValue* Settings::find(SettingId id) const {
  const auto found = values_.find(id);
  return found == values_.end() ? nullptr : &found->second;
}

bool Settings::boolean_or(SettingId id, bool fallback) const {
  const ResolvedValue* found = find(id);
  return found == nullptr ? fallback : std::get<bool>(found->value);
}

std::int64_t Settings::integer_or(SettingId id, std::int64_t fallback) const {
  const ResolvedValue* found = find(id);
  return found == nullptr ? fallback : std::get<std::int64_t>(found->value);
}

double Settings::number_or(SettingId id, double fallback) const {
  const ResolvedValue* found = find(id);
  return found == nullptr ? fallback : std::get<double>(found->value);
}

std::string Settings::text_or(SettingId id, const std::string& fallback) const {
  const ResolvedValue* found = find(id);
  return found == nullptr ? fallback : std::get<std::string>(found->value);
}

std::vector<std::string> Settings::texts(SettingId id) const {
  const ResolvedValue* found = find(id);
  if (found == nullptr) return {};
  return std::get<std::vector<std::string>>(found->value);
}

void Settings::put(SettingId id, SettingValue value, Origin origin) {
  const auto found = values_.find(id);
  if (found != values_.end() && found->second.origin.level > origin.level) return;
  values_.insert_or_assign(id, ResolvedValue{std::move(value), std::move(origin)});
}

Result<Settings> resolve_settings(const SettingSources& sources) {
  Settings settings;
  HEARTH_TRY_VOID(take_flags(sources.flags, settings));
  if (sources.local) {
    const SettingValue onnx = std::string("onnx");
    const ResolvedValue* chosen = settings.find(SettingId::kProvider);
    if (chosen != nullptr && chosen->value != onnx) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("--local and --provider {} contradict each other; give one",
                              value_in_words(chosen->value)));
    }
    settings.put(SettingId::kProvider, onnx, {OriginLevel::kFlag, "flag --local"});
  }
  HEARTH_TRY_VOID(take_variables(sources.environment, settings));
  if (sources.file) take_file(*sources.file, settings);
  if (sources.agent != nullptr) take_agent(*sources.agent, settings);
  warn_of_unknown_variables(sources.environment, settings);
  HEARTH_TRY_VOID(check_together(settings));
  if (sources.file) HEARTH_TRY_VOID(check_sections(*sources.file, settings));
  return settings;
}

}  // namespace hearth::app
