// hearth run: one task in, the answer out.
#include <fmt/format.h>

#include <cstdio>

#include <CLI/CLI.hpp>

#include "app/cli/command.h"
#include "app/cli/local_model.h"
#include "app/cli/reply.h"
#include "app/io/interrupt.h"
#include "app/io/progress.h"
#include "app/io/standard_input.h"
#include "app/io/standard_output.h"
#include "app/model_locator.h"
#include "app/request_settings.h"
#include "base/file.h"
#include "base/log.h"
#include "protocol/tool_definitions.h"
#include "provider/local_provider.h"

namespace hearth::app {
namespace {

constexpr std::uint64_t kToolsBytesMax = std::uint64_t{4} << 20;

constexpr const char* kRunExamples =
    "Examples:\n"
    "  hearth run --task \"What is 17 + 25?\"\n"
    "  hearth run --agent reviewer --task \"Review this file.\" < main.c\n"
    "  git diff | hearth run --task \"Write a commit message.\" --max-tokens 80\n"
    "  hearth run --task \"What is the weather in Oslo?\" --tools examples/tools.json --json\n";

struct RunOptions {
  std::optional<std::string> task;
  std::optional<std::string> system;
  std::optional<std::string> tools_file;
  bool json = false;
  bool no_stream = false;
};

Result<std::string> read_task(const RunOptions& options) {
  if (options.task) HEARTH_TRY_VOID(check_utf8(*options.task, "--task"));
  HEARTH_TRY(const PipedInput input, read_piped_input(0, /*needed=*/!options.task));
  if (input.gave_up) {
    log::warning(
        "standard input is an open pipe that sent nothing for 3 seconds; going on without it "
        "(redirect it from /dev/null to avoid the wait)");
  }
  const std::string task = join_task(options.task.value_or(""), input.text);
  if (task.find_first_not_of(" \t\r\n") == std::string::npos) {
    return fail(ErrorCode::kInvalidArgument,
                "there is no task; give one with --task \"...\" or on standard input");
  }
  return task;
}

Result<std::vector<protocol::ToolDefinition>> read_tools(const RunOptions& options) {
  if (!options.tools_file) return std::vector<protocol::ToolDefinition>{};
  const Result<std::string> text = read_file(*options.tools_file, kToolsBytesMax);
  if (!text) return fail(ErrorCode::kInvalidArgument, "--tools: " + text.error().message);
  auto tools =
      protocol::parse_tool_definitions(std::string_view(*text), "--tools " + *options.tools_file);
  if (!tools) return fail(ErrorCode::kInvalidArgument, tools.error().message);
  return tools;
}

/// Writes the answer piece by piece, or collects nothing and writes it at the end.
class Printer {
 public:
  Printer(const RunOptions& options, StandardOutput& out)
      : streams_(!options.json && !options.no_stream), json_(options.json), out_(out) {}

  void piece(std::string_view text) {
    progress_.add(text.size());
    if (!streams_) return;
    if (!out_.write(text)) cancel_request();
    if (!text.empty()) last_ = text.back();
  }

  void finish(const provider::ChatReply& reply) {
    if (json_) {
      out_.write(dump(reply_json(reply)) + "\n");
      return;
    }
    if (!streams_) {
      out_.write(reply.text);
      if (!reply.text.empty()) last_ = reply.text.back();
    }
    end_line();
    for (const protocol::ToolCall& call : reply.tool_calls) out_.write(tool_call_line(call) + "\n");
  }

  /// Ends the line that the text left open, if any.
  void end_line() {
    if (last_ != '\n') out_.write("\n");
    last_ = '\n';
  }

 private:
  bool streams_;
  bool json_;
  StandardOutput& out_;
  char last_ = '\n';  // nothing printed yet needs no line break after it
  ProgressLine progress_;
};

Result<ExitCode> run(const RunOptions& options, const SettingFlags& flags) {
  const Environment environment = Environment::of_process();
  HEARTH_TRY(Settings settings, flags.resolve(environment));
  HEARTH_TRY(const Agent* agent, flags.agent());
  if (options.system) HEARTH_TRY_VOID(check_utf8(*options.system, "--system"));
  print_warnings(settings);
  HEARTH_TRY(auto tools, read_tools(options));
  HEARTH_TRY(const std::string task, read_task(options));
  HEARTH_TRY(const LocatedModel located, locate_model(settings, environment));
  HEARTH_TRY(const auto provider, load_provider(located, settings, environment));
  put_model_defaults(provider->model().config.search, settings);
  for (const std::string& note : loading_notes(*provider, settings, !tools.empty())) {
    print_note(note);
  }
  provider::ChatRequest request = request_from(settings, random_seed());
  request.messages = conversation(system_prompt(options.system, agent), settings, task);
  request.tools = std::move(tools);

  StandardOutput out;
  provider::ChatReply reply;
  {
    Printer printer(options, out);
    auto answered = provider->chat(
        request, [&](std::string_view text) { printer.piece(text); }, guard_request());
    if (!answered) {
      printer.end_line();
      // Who stops it while a long task is cut into tokens need not hear that it is too long.
      if (const auto interrupted = interrupted_by()) return *interrupted;
      return tl::unexpected<Error>(answered.error());
    }
    reply = *std::move(answered);
    printer.finish(reply);
  }
  HEARTH_TRY_VOID(out.status());
  if (out.reader_gone()) return ExitCode::kBrokenPipe;
  for (const std::string& note : reply_notes(reply, request.max_tokens, settings)) {
    print_note(note);
  }
  if (settings.boolean_or(SettingId::kLogPerformance, false)) {
    std::fputs(performance_line(reply).c_str(), stderr);
  }
  return interrupted_by().value_or(ExitCode::kOk);
}

}  // namespace

void add_run_command(CLI::App& root, std::vector<Subcommand>& commands) {
  CLI::App* parser = root.add_subcommand("run", "Answer one task");
  const auto options = std::make_shared<RunOptions>();
  parser
      ->add_option("--task", options->task,
                   "What to do; standard input, when piped, is added after it or stands for it")
      ->type_name("TEXT");
  const auto flags = std::make_shared<SettingFlags>(*parser, settings_with_flags());
  flags->add_agent_and_local(*parser);
  parser->add_option("--system", options->system, "System prompt, instead of the agent's")
      ->type_name("TEXT");
  parser
      ->add_option("--tools", options->tools_file,
                   "JSON list of tools the model may call, in OpenAI's or Anthropic's form; calls "
                   "are printed, not executed")
      ->type_name("FILE");
  parser->add_flag("--json", options->json, "Print one JSON object instead of the text");
  parser->add_flag("--no-stream", options->no_stream, "Print the answer when it is complete");
  parser->footer(kRunExamples);
  commands.push_back({parser, [options, flags] { return run(*options, *flags); }});
}

}  // namespace hearth::app
