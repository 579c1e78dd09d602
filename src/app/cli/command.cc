#include "app/cli/command.h"

#include <fmt/format.h>

#include <cstdio>

#include "base/log.h"
#include "base/terminal_text.h"
#include "text/utf8.h"

namespace hearth::app {

SettingFlags::SettingFlags(CLI::App& parser, std::span<const SettingId> ids) {
  for (const SettingId id : ids) {
    const Setting& row = setting(id);
    auto flag = std::make_unique<Flag>(Flag{id, {}});
    CLI::Option* option = parser.add_option(
        std::string(row.flag), flag->texts,
        fmt::format("{}{}", row.available || row.only ? "" : "(not available yet) ", row.meaning));
    // One value each time; only --stop may come again. Values are checked against the table later,
    // so that a flag and a variable are refused in the same words.
    // What follows it is another argument, though the parser keeps values in a list.
    option->expected(1)->allow_extra_args(false)->type_name(row.type == SettingType::kInteger ? "N"
                                                            : row.type == SettingType::kNumber
                                                                ? "X"
                                                                : "TEXT");
    if (row.type == SettingType::kTexts) {
      option->expected(1, CLI::detail::expected_max_vector_size)->allow_extra_args(false);
    }
    flags_.push_back(std::move(flag));
  }
  parser.add_option("--config", config_, "Configuration file instead of router.config.json")
      ->type_name("FILE");
}

void SettingFlags::add_agent_and_local(CLI::App& parser) {
  std::string names;
  for (const Agent& known : agents()) {
    names += (names.empty() ? "" : ", ") + std::string(known.name);
  }
  parser.add_option("--agent", agent_, "System prompt and sampling for one kind of work: " + names)
      ->type_name("NAME");
  parser.add_flag("--local", local_, "Short for --provider onnx");
}

Result<const Agent*> SettingFlags::agent() const {
  if (!agent_) return nullptr;
  return find_agent(*agent_);
}

Result<std::optional<std::filesystem::path>> SettingFlags::config_file(
    const Environment& environment) const {
  std::error_code ignored;
  return find_config_file(config_, environment, std::filesystem::current_path(ignored));
}

Result<Settings> SettingFlags::resolve(const Environment& environment) const {
  SettingSources sources;
  for (const auto& flag : flags_) {
    if (flag->texts.empty()) continue;
    for (const std::string& text : flag->texts) {
      HEARTH_TRY_VOID(check_utf8(text, setting(flag->id).flag));
    }
    sources.flags[flag->id] = flag->texts;
  }
  sources.local = local_;
  sources.environment = environment;
  HEARTH_TRY(sources.agent, agent());
  HEARTH_TRY(const auto path, config_file(environment));
  if (path) {
    HEARTH_TRY(ConfigFile file, read_config_file(*path, environment));
    sources.file = std::move(file);
  }
  return resolve_settings(sources);
}

std::vector<SettingId> settings_with_flags() {
  std::vector<SettingId> ids;
  for (const Setting& row : setting_table()) {
    if (!row.flag.empty()) ids.push_back(row.id);
  }
  return ids;
}

void print_note(std::string_view message) {
  const std::string line = fmt::format("hearth: note: {}\n", for_terminal(message));
  std::fwrite(line.data(), 1, line.size(), stderr);
}

void print_warnings(const Settings& settings) {
  for (const std::string& warning : settings.warnings) log::warning(warning);
}

Result<void> check_utf8(std::string_view text, std::string_view where) {
  if (const auto offset = text::utf8_find_invalid(text)) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} is not UTF-8 at byte {}", where, *offset));
  }
  return {};
}

std::string size_in_words(std::uint64_t bytes) {
  const auto value = static_cast<double>(bytes);
  if (value >= 1e9) return fmt::format("{:.2f} GB", value / 1e9);
  if (value >= 1e6) return fmt::format("{:.2f} MB", value / 1e6);
  if (value >= 1e3) return fmt::format("{:.0f} kB", value / 1e3);
  return fmt::format("{} bytes", bytes);
}

}  // namespace hearth::app
