// One row per setting: its names (flag, environment, file), its type and range, and whether it
// works yet. Everything that reads, checks, documents or reports settings works from this table.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/json_reader.h"
#include "base/result.h"

namespace hearth::app {

enum class SettingId {
  kProvider,
  kModelPath,
  kModelId,
  kVariant,
  kExecutionProviders,
  kGpuAcceleration,
  kCudaDeviceId,
  kCudnnConvAlgoSearch,
  kLocalInference,
  kUseLocalOnnx,
  kMaxTokens,
  kMinTokens,
  kTemperature,
  kTopP,
  kTopK,
  kRepetitionPenalty,
  kLengthPenalty,
  kEarlyStopping,
  kSeed,
  kStop,
  kToolCalls,
  kMaxContextTokens,
  kSlidingWindow,
  kPromptPrefix,
  kEnableKvCache,
  kCacheSystemPrompts,
  kEnableMemPattern,
  kEnableCpuMemArena,
  kGraphOptimizationLevel,
  kIntraOpNumThreads,
  kInterOpNumThreads,
  kEnableProfiling,
  kLogPerformance,
  kExecutor,
  kIsa,
  kRecipe,
  kKvCacheType,
  kWeightMemory,
};

/// Invariant: the alternative held is the one of the setting's type.
using SettingValue =
    std::variant<bool, std::int64_t, double, std::string, std::vector<std::string>>;

enum class SettingType {
  kText,     ///< std::string
  kTexts,    ///< list of texts; in the environment and on the command line see Setting::flag
  kChoice,   ///< std::string, one of Setting::choices
  kChoices,  ///< list, each one of Setting::choices; commas between them outside of files
  kBoolean,  ///< bool
  kInteger,  ///< std::int64_t in [integer_min, integer_max]
  kNumber,   ///< double in [number_min, number_max], or above number_min
};

struct Setting {
  SettingId id;
  std::string_view name;  ///< for people; the file key's last part where there is one
  std::string_view flag;  ///< "--temperature"; empty: none
  std::vector<std::string_view> environment;  ///< the first is the preferred spelling
  std::string_view file_key;                  ///< full path in router.config.json; empty: none
  SettingType type;
  std::vector<std::string_view> choices = {};
  std::int64_t integer_min = 0;
  std::int64_t integer_max = 0;
  double number_min = 0;
  double number_max = 0;
  bool above_number_min = false;  ///< number_min itself is not allowed
  std::string_view meaning;       ///< one sentence for docs/settings.md
  std::string_view default_words;
  bool available = true;  ///< false: only the value `only`, if any, is accepted for now
  std::optional<SettingValue> only = std::nullopt;
};

/// All settings, in the order of docs/settings.md and of `hearth doctor`.
std::span<const Setting> setting_table();

const Setting& setting(SettingId id);

/// "a number from 0 to 2", "one of cpu, cuda": what is allowed.
std::string allowed_in_words(const Setting& setting);

std::string value_in_words(const SettingValue& value);

/// Reads a value from a flag or an environment variable. `where` names it in errors, which are
/// kInvalidArgument and give the allowed range.
Result<SettingValue> parse_setting_text(const Setting& setting, std::string_view text,
                                        std::string_view where);

/// Reads a value from a configuration file. Types are strict: "5" is not a number.
Result<SettingValue> parse_setting_json(const Setting& setting, const Json& value,
                                        std::string_view where);

/// kInvalidArgument naming flag, variable and file key when the value's feature is not there yet.
Result<void> check_available(const Setting& setting, const SettingValue& value,
                             std::string_view origin);

/// Flag, environment variables and file key of a setting, as "--max-tokens, ONNX_MAX_TOKENS, ...".
std::string names_in_words(const Setting& setting);

}  // namespace hearth::app
