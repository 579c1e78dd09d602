// The program: parses the command line, runs one subcommand, turns its result into an exit code.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <exception>
#include <new>

#include <CLI/CLI.hpp>

#include "app/cli/command.h"
#include "app/io/child.h"
#include "app/io/interrupt.h"
#include "app/io/mapping_failure.h"
#include "app/io/standard_output.h"
#include "app/settings/names.h"
#include "base/log.h"

namespace {

using hearth::app::ExitCode;

constexpr const char* kExamples =
    "Examples:\n"
    "  hearth run --task \"What is 17 + 25?\"\n"
    "  hearth run --agent coder --task \"Write a prime checker in C.\"\n"
    "  hearth chat\n"
    "  hearth models list\n"
    "  hearth doctor\n";

int finish(ExitCode code) { return static_cast<int>(code); }

/// "models list": the subcommand with those above it, without the program.
std::string full_name(const CLI::App& app) {
  const CLI::App* parent = app.get_parent();
  if (parent == nullptr || parent->get_parent() == nullptr) return app.get_name();
  return full_name(*parent) + " " + app.get_name();
}

/// Every name that may follow `app` on the command line.
std::vector<std::string> known_words(const CLI::App& app) {
  std::vector<std::string> words;
  for (const CLI::App* command : app.get_subcommands({})) words.push_back(command->get_name());
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) words.push_back("--" + name);
  }
  return words;
}

/// CLI11's own words do not say which of the arguments is the wrong one.
std::string explain(const CLI::App& root, const CLI::ParseError& error) {
  const CLI::App* asked = &root;
  while (!asked->get_subcommands().empty()) asked = asked->get_subcommands().front();
  std::vector<std::string> unknown = root.remaining(true);
  // What follows an unknown flag may be its value: blame the flag.
  std::stable_partition(unknown.begin(), unknown.end(),
                        [](const std::string& word) { return word.starts_with("-"); });
  const std::string help =
      asked == &root ? "hearth --help" : fmt::format("hearth {} --help", full_name(*asked));
  if (unknown.empty()) return fmt::format("{} (see {})", error.what(), help);
  const std::vector<std::string> known = known_words(*asked);
  const std::vector<std::string_view> views(known.begin(), known.end());
  return fmt::format("\"{}\" is not known here{} (see {})", unknown.front(),
                     hearth::app::did_you_mean(unknown.front(), views), help);
}

/// ONNX Runtime matches a regular expression against the first line of /proc/self/cmdline when a
/// session is made, and its matcher recurses once a character: a task of 40 KB as an argument would
/// overflow the stack. The parser has copied the arguments, so a line break may take the place of
/// their first character.
void shorten_command_line(int argc, char** argv) {
  constexpr std::size_t kHarmlessBytes = 4096;
  std::size_t bytes = 0;
  for (int i = 1; i < argc; ++i) bytes += std::strlen(argv[i]) + 1;
  if (bytes > kHarmlessBytes && argv[1][0] != '\0') argv[1][0] = '\n';
}

/// --help and --version are no errors, but CLI11 throws them as well.
ExitCode report_parse_error(const CLI::App& root, const CLI::ParseError& error) {
  hearth::app::StandardOutput out;
  if (dynamic_cast<const CLI::CallForVersion*>(&error) != nullptr) {
    out.write("hearth " HEARTH_VERSION "\n");
  } else if (error.get_exit_code() == 0) {  // --help, for the subcommand it was given to
    out.write(root.help());
  } else {
    hearth::log::error(explain(root, error));
    return ExitCode::kUsage;
  }
  const hearth::Result<void> written = out.status();
  if (!written) {
    hearth::log::error(written.error().message);
    return hearth::app::exit_code_for(written.error().code);
  }
  return out.reader_gone() ? ExitCode::kBrokenPipe : ExitCode::kOk;
}

ExitCode run_chosen(const std::vector<hearth::app::Subcommand>& commands) {
  for (const hearth::app::Subcommand& command : commands) {
    if (!command.parser->parsed()) continue;
    const hearth::Result<ExitCode> code = command.run();
    if (code) return *code;
    hearth::log::error(code.error().message);
    return hearth::app::exit_code_for(code.error().code);
  }
  return ExitCode::kUsage;
}

ExitCode run(int argc, char** argv) {
  CLI::App root("Hearth runs language models on this machine.", "hearth");
  root.require_subcommand(1);
  root.set_version_flag("--version", "hearth " HEARTH_VERSION);
  root.footer(std::string(kExamples) + "\nExit codes:\n" + hearth::app::exit_codes_text());
  std::vector<hearth::app::Subcommand> commands;
  hearth::app::add_run_command(root, commands);
  hearth::app::add_chat_command(root, commands);
  hearth::app::add_models_commands(root, commands);
  hearth::app::add_tokenize_command(root, commands);
  hearth::app::add_quantize_command(root, commands);
  hearth::app::add_eval_command(root, commands);
  hearth::app::add_doctor_command(root, commands);
  try {
    root.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return report_parse_error(root, error);
  }
  shorten_command_line(argc, argv);
  return run_chosen(commands);
}

}  // namespace

int main(int argc, char** argv) {
  hearth::app::end_with_parent();
  hearth::app::fill_standard_descriptors();
  hearth::app::install_interrupt_handlers();
  hearth::app::tell_mapping_failures();
  try {
    return finish(run(argc, argv));
  } catch (const std::bad_alloc&) {
    hearth::log::error("out of memory");
    return finish(ExitCode::kResources);
  } catch (const std::exception& error) {
    hearth::log::error(fmt::format("a bug, please report it: {}", error.what()));
    return finish(ExitCode::kFailure);
  }
}
