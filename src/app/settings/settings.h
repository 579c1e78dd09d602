// The settings of one command: flags over environment over file over the agent's defaults over the
// model's over the built-in ones, each value with where it came from.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "app/agents.h"
#include "app/environment.h"
#include "app/settings/config_file.h"
#include "app/settings/setting.h"
#include "base/result.h"

namespace hearth::app {

/// Where a value came from, the strongest last.
enum class OriginLevel { kModel, kAgent, kFile, kEnvironment, kFlag };

struct Origin {
  OriginLevel level = OriginLevel::kModel;
  std::string words;  ///< "flag --top-p", "agent 'coder'", "router.config.json: defaultProvider"
};

struct ResolvedValue {
  SettingValue value;
  Origin origin;
};

/// Flags as typed, by setting; a setting of type kTexts may have several.
using FlagTexts = std::map<SettingId, std::vector<std::string>>;

/// Invariant: every value has its setting's type, is in range and its feature exists.
class Settings {
 public:
  /// The value, or null when nobody set it.
  const ResolvedValue* find(SettingId id) const;

  bool boolean_or(SettingId id, bool fallback) const;
  std::int64_t integer_or(SettingId id, std::int64_t fallback) const;
  double number_or(SettingId id, double fallback) const;
  std::string text_or(SettingId id, const std::string& fallback) const;
  std::vector<std::string> texts(SettingId id) const;

  /// Sets a value unless one of a higher level is there.
  void put(SettingId id, SettingValue value, Origin origin);

  /// For people, to be shown once on standard error.
  std::vector<std::string> warnings;

 private:
  std::map<SettingId, ResolvedValue> values_;
};

struct SettingSources {
  FlagTexts flags;
  bool local = false;  ///< --local
  Environment environment;
  std::optional<ConfigFile> file;
  const Agent* agent = nullptr;
};

/// Merges and checks. Values that lose are still checked for type and range, but only the one that
/// wins for availability. All errors are kInvalidArgument.
Result<Settings> resolve_settings(const SettingSources& sources);

}  // namespace hearth::app
