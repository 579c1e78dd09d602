// hearth models build: a model folder that Hearth and ONNX Runtime run, from published weights.
#include "app/cli/models_build.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>

#include "app/io/interrupt.h"
#include "app/io/standard_output.h"
#include "app/io/writing_line.h"
#include "onnx/build_folder.h"
#include "runtime/model_folder.h"
#include "runtime/thread_count.h"
#include "text/tokenizer.h"

namespace hearth::app {
namespace {

struct BuildFlags {
  std::string from;
  std::string precision = "int4";
  std::string out;
};

/// More help little: the disk sets the pace. Each takes less than 100 MB.
constexpr int kThreadsMax = 8;

/// Hours of building are not for a model whose text Hearth cannot read.
Result<void> check_tokenizer(std::string_view text, std::string_view source,
                             std::int64_t vocab_size) {
  HEARTH_TRY(const text::Tokenizer tokenizer, text::Tokenizer::from_json(text, source));
  return runtime::check_vocabulary(tokenizer, vocab_size, std::string(source));
}

/// The folder is complete and has its name; that Hearth cannot open it is worth knowing now.
void note_if_not_openable(const std::string& folder) {
  const auto opened = runtime::open_model_folder(folder);
  if (!opened) print_note("Hearth cannot open what was built: " + opened.error().message);
}

Result<ExitCode> build(const BuildFlags& flags) {
  onnx::BuildOptions options;
  HEARTH_TRY(options.precision, onnx::parse_precision(flags.precision));
  options.from = flags.from;
  options.out_dir = flags.out;
  options.threads = std::min(runtime::default_thread_count(), kThreadsMax);
  options.check_tokenizer = check_tokenizer;
  options.progress = writing_line(guard_request());
  const Result<onnx::BuildReport> report = onnx::build_folder(options);
  if (const auto interrupted = interrupted_by(); !report && interrupted) return *interrupted;
  if (!report) return tl::unexpected<Error>(report.error());
  for (const std::string& note : report->notes) print_note(note);
  note_if_not_openable(flags.out);
  StandardOutput out;
  out.write(fmt::format("{} written: {}, {} from {} of weights\n", flags.out, flags.precision,
                        size_in_words(report->written_bytes), size_in_words(report->source_bytes)));
  HEARTH_TRY_VOID(out.status());
  return out.reader_gone() ? ExitCode::kBrokenPipe : ExitCode::kOk;
}

}  // namespace

void add_models_build(CLI::App& models, std::vector<Subcommand>& commands) {
  CLI::App* parser = models.add_subcommand(
      "build",
      "Make a model folder from published weights: safetensors, config.json and tokenizer files of "
      "the Phi-3, Llama, Mistral, Qwen2 and Qwen3 families");
  const auto flags = std::make_shared<BuildFlags>();
  parser->add_option("--from", flags->from, "Folder with the published files")
      ->type_name("DIR")
      ->required();
  parser->add_option("--precision", flags->precision, "int4, int8, fp16 or fp32")
      ->type_name("NAME")
      ->capture_default_str();
  parser->add_option("--out", flags->out, "Folder to make")->type_name("DIR")->required();
  parser->footer(
      "Example:\n  hearth models build --from ./Phi-4-mini-instruct --precision int4 --out "
      "./phi-4-mini/int4\n");
  commands.push_back({parser, [flags] { return build(*flags); }});
}

}  // namespace hearth::app
