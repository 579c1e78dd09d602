#include "app/exit_code.h"

#include <fmt/format.h>

#include <array>

namespace hearth::app {
namespace {

constexpr std::array<ExitCodeRow, 9> kExitCodes = {{
    {ExitCode::kOk, "done"},
    {ExitCode::kFailure, "something failed that is none of the cases below"},
    {ExitCode::kUsage, "wrong flags, settings or input, or something that is not available yet"},
    {ExitCode::kModel, "the model is not there, is damaged, or is of a kind that cannot be run"},
    {ExitCode::kContext, "the conversation is longer than the model's context"},
    {ExitCode::kResources, "out of memory or disk"},
    {ExitCode::kInterrupted, "stopped by Ctrl-C; what was generated was printed"},
    {ExitCode::kBrokenPipe, "the reader of standard output went away"},
    {ExitCode::kTerminated, "stopped by SIGTERM or SIGHUP; what was generated was printed"},
}};

}  // namespace

std::span<const ExitCodeRow> exit_code_table() { return kExitCodes; }

ExitCode exit_code_for(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return ExitCode::kUsage;
    case ErrorCode::kNotFound:
    case ErrorCode::kCorrupt:
    case ErrorCode::kUnsupported:
      return ExitCode::kModel;
    case ErrorCode::kContextTooLong:
      return ExitCode::kContext;
    case ErrorCode::kResourceExhausted:
      return ExitCode::kResources;
    case ErrorCode::kCancelled:
      return ExitCode::kInterrupted;
    case ErrorCode::kIo:
    case ErrorCode::kInternal:
      return ExitCode::kFailure;
  }
  return ExitCode::kFailure;
}

std::string exit_codes_text() {
  std::string text;
  for (const ExitCodeRow& row : kExitCodes) {
    text += fmt::format("  {:>3}  {}\n", static_cast<int>(row.code), row.meaning);
  }
  return text;
}

}  // namespace hearth::app
