// hearth chat: a conversation in the terminal, or one message a line from a pipe.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

#include <CLI/CLI.hpp>

#include "app/chat/chat_command.h"
#include "app/chat/chat_session.h"
#include "app/chat/edit_line_reader.h"
#include "app/chat/line_assembler.h"
#include "app/chat/local_chat_model.h"
#include "app/chat/plain_line_reader.h"
#include "app/cli/command.h"
#include "app/cli/local_model.h"
#include "app/io/signal_events.h"
#include "app/io/standard_output.h"
#include "app/io/terminal.h"
#include "base/file.h"
#include "base/log.h"
#include "base/terminal_text.h"

namespace hearth::app {
namespace {

constexpr std::uint64_t kSystemBytesMax = std::uint64_t{16} << 20;

constexpr const char* kChatExamples =
    "Examples:\n"
    "  hearth chat\n"
    "  hearth chat --agent coder --temperature 0.2\n"
    "  hearth chat --load talk.json\n"
    "  printf 'Hello!\\nWhat is 17 + 25?\\n' | hearth chat\n";

struct ChatOptions {
  std::optional<std::string> system;
  std::optional<std::string> system_file;
  std::optional<std::string> load;
  bool no_history = false;
};

void say(std::string_view text) {
  const std::string safe = for_terminal(text);
  std::fwrite(safe.data(), 1, safe.size(), stderr);
}

Result<std::optional<std::string>> given_system_prompt(const ChatOptions& options) {
  if (options.system && options.system_file) {
    return fail(ErrorCode::kInvalidArgument,
                "--system and --system-file exclude each other; give one");
  }
  if (!options.system_file) return options.system;
  Result<std::string> text = read_file(*options.system_file, kSystemBytesMax);
  if (!text) return fail(ErrorCode::kInvalidArgument, "--system-file: " + text.error().message);
  if (text->ends_with('\n')) text->pop_back();
  return std::optional<std::string>(std::move(*text));
}

/// Where prompts and editing go: standard output, or standard error when an answer's text is
/// redirected. Null: nobody is there to edit.
FILE* editing_screen() {
  if (::isatty(STDIN_FILENO) != 1) return nullptr;
  if (::isatty(STDOUT_FILENO) == 1) return stdout;
  return ::isatty(STDERR_FILENO) == 1 ? stderr : nullptr;
}

/// The conversation's loop: lines in, messages and commands to the session, errors to the user.
class Conversation {
 public:
  Conversation(ChatSession& session, LineReader& reader, SignalEvents& signals,
               const StandardOutput& out, bool interactive)
      : session_(session),
        reader_(reader),
        signals_(signals),
        out_(out),
        interactive_(interactive) {}

  Result<ExitCode> run() {
    for (;;) {
      HEARTH_TRY(const ReadLine line, reader_.read(lines_.unfinished() ? "... " : "> "));
      if (signals_.ending()) return *signals_.ending();
      if (line.kind == ReadLine::Kind::kInterrupted) {
        lines_.take_unfinished();
        continue;
      }
      if (line.kind == ReadLine::Kind::kEnd) return end();
      if (!take(line.text)) return exit_;
      HEARTH_TRY_VOID(out_.status());
      if (out_.reader_gone()) return ExitCode::kBrokenPipe;
      if (signals_.ending()) return *signals_.ending();
      if (signals_.take_interrupt() && !interactive_) return ExitCode::kInterrupted;
    }
  }

 private:
  /// At the end of a pipe, what was begun is a message; a person who leaves did not send it.
  Result<ExitCode> end() {
    if (signals_.take_interrupt()) return ExitCode::kInterrupted;
    if (interactive_ || !lines_.unfinished()) return exit_;
    ask(lines_.take_unfinished());
    HEARTH_TRY_VOID(out_.status());
    return signals_.take_interrupt() ? ExitCode::kInterrupted : exit_;
  }

  /// False when the user wants to leave.
  bool take(const std::string& line) {
    if (!lines_.unfinished() && is_chat_command(line)) {
      reader_.remember(line);
      const Result<bool> goes_on = session_.command(line);
      if (!goes_on) report(goes_on.error());
      return goes_on.value_or(true);
    }
    const std::optional<std::string> message = lines_.push(line);
    if (message) ask(std::string(message_of_line(*message)));
    return true;
  }

  void ask(const std::string& message) {
    if (message.find_first_not_of(" \t\r\n") == std::string::npos) return;
    reader_.remember(message);
    const TypingHidden hidden(STDIN_FILENO);
    const auto asked = session_.ask(message, signals_.cancelled());
    if (!asked) report(asked.error());
  }

  /// A script learns of the first failure by the exit code; a person has seen it.
  void report(const Error& error) {
    log::error(error.message);
    if (!interactive_ && exit_ == ExitCode::kOk) exit_ = exit_code_for(error.code);
  }

  ChatSession& session_;
  LineReader& reader_;
  SignalEvents& signals_;
  const StandardOutput& out_;
  bool interactive_;
  LineAssembler lines_;
  ExitCode exit_ = ExitCode::kOk;
};

Result<std::unique_ptr<LineReader>> open_reader(FILE* screen, SignalEvents& signals,
                                                const ChatOptions& options,
                                                const Environment& environment) {
  if (screen == nullptr) return std::make_unique<PlainLineReader>(STDIN_FILENO, signals);
  HistoryFile history(options.no_history ? std::nullopt : chat_history_path(environment));
  return EditLineReader::open(screen, signals, std::move(history));
}

Result<ExitCode> chat(const ChatOptions& options, const SettingFlags& flags) {
  const Environment environment = Environment::of_process();
  use_utf8_locale();
  HEARTH_TRY(Settings settings, flags.resolve(environment));
  HEARTH_TRY(const Agent* agent, flags.agent());
  HEARTH_TRY(const auto given, given_system_prompt(options));
  if (given) HEARTH_TRY_VOID(check_utf8(*given, "the system prompt"));
  print_warnings(settings);
  const std::string prefix = settings.text_or(SettingId::kPromptPrefix, "");
  HEARTH_TRY(const auto model, LocalChatModel::open(std::move(settings), environment));
  for (const std::string& note : model->loading_notes()) print_note(note);

  SignalEvents signals;
  StandardOutput out;
  const AnswerSinks answers{[&](std::string_view text) {
                              // Where there are no columns, there are no sequences either.
                              const bool written = terminal_columns(STDOUT_FILENO) > 0
                                                       ? out.write_bytes(text)
                                                       : out.write(text);
                              if (!written) signals.cancel();
                              return written;
                            },
                            [] { return terminal_columns(STDOUT_FILENO); }};
  ChatSession session(
      *model, answers, say,
      {system_prompt(given, agent).value_or(""), prefix,
       [&](const std::string& path) { return environment.expand_home(path).string(); }});
  if (options.load) HEARTH_TRY_VOID(session.load(*options.load));
  FILE* const screen = editing_screen();
  HEARTH_TRY(const auto reader, open_reader(screen, signals, options, environment));
  if (screen != nullptr) say(model->description() + "\n/help lists the commands\n");
  return Conversation(session, *reader, signals, out, screen != nullptr).run();
}

}  // namespace

void add_chat_command(CLI::App& root, std::vector<Subcommand>& commands) {
  CLI::App* parser = root.add_subcommand("chat", "Talk with a model, or send it a line at a time");
  const auto options = std::make_shared<ChatOptions>();
  const auto flags = std::make_shared<SettingFlags>(*parser, settings_with_flags());
  flags->add_agent_and_local(*parser);
  parser->add_option("--system", options->system, "System prompt, instead of the agent's")
      ->type_name("TEXT");
  parser->add_option("--system-file", options->system_file, "The same from a file")
      ->type_name("FILE");
  parser->add_option("--load", options->load, "Go on with a conversation that /save wrote")
      ->type_name("FILE");
  parser->add_flag("--no-history", options->no_history, "Neither read nor write the input history");
  parser->footer(kChatExamples);
  commands.push_back({parser, [options, flags] { return chat(*options, *flags); }});
}

}  // namespace hearth::app
