// What the subcommands share: how they are registered, the flags of settings, and what they say to
// people.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/App.hpp>

#include "app/agents.h"
#include "app/environment.h"
#include "app/exit_code.h"
#include "app/settings/settings.h"
#include "base/result.h"

namespace hearth::app {

/// One subcommand: its parser, and what to do when it was chosen.
struct Subcommand {
  CLI::App* parser = nullptr;
  std::function<Result<ExitCode>()> run;
};

void add_run_command(CLI::App& root, std::vector<Subcommand>& commands);
void add_chat_command(CLI::App& root, std::vector<Subcommand>& commands);
void add_models_commands(CLI::App& root, std::vector<Subcommand>& commands);
void add_tokenize_command(CLI::App& root, std::vector<Subcommand>& commands);
void add_quantize_command(CLI::App& root, std::vector<Subcommand>& commands);
void add_eval_command(CLI::App& root, std::vector<Subcommand>& commands);
void add_doctor_command(CLI::App& root, std::vector<Subcommand>& commands);

/// The flags of settings on one subcommand, filled by its parser.
class SettingFlags {
 public:
  /// Adds the flags of these settings, and --config.
  SettingFlags(CLI::App& parser, std::span<const SettingId> ids);

  /// Adds --agent and --local.
  void add_agent_and_local(CLI::App& parser);

  /// The provider does not matter to this subcommand: sections about routing are no error.
  void assume_local() { local_ = true; }

  /// Finds and reads the configuration file, then merges. Does not print the warnings.
  Result<Settings> resolve(const Environment& environment) const;

  /// The configuration file that resolve() reads, if any.
  Result<std::optional<std::filesystem::path>> config_file(const Environment& environment) const;

  /// The agent asked for; null when none was.
  Result<const Agent*> agent() const;

 private:
  struct Flag {
    SettingId id;
    std::vector<std::string> texts;
  };

  std::vector<std::unique_ptr<Flag>> flags_;  // the parser keeps their addresses
  std::optional<std::string> config_;
  std::optional<std::string> agent_;
  bool local_ = false;
};

/// All settings that have a flag.
std::vector<SettingId> settings_with_flags();

/// "hearth: note: ..." on standard error.
void print_note(std::string_view message);
void print_warnings(const Settings& settings);

/// Every failure to open a model is the model's, also when the wrong value is one of its own keys.
template <class T>
Result<T> as_model_failure(Result<T> result) {
  if (!result && result.error().code == ErrorCode::kInvalidArgument) {
    result.error().code = ErrorCode::kCorrupt;
  }
  return result;
}

/// kInvalidArgument naming `where` when the text is not UTF-8.
Result<void> check_utf8(std::string_view text, std::string_view where);

/// "4.86 GB", "310 kB": decimal units, as disks are sold.
std::string size_in_words(std::uint64_t bytes);

}  // namespace hearth::app
