// hearth quantize: a folder of float weights becomes one of four or eight bits.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>

#include <CLI/CLI.hpp>

#include "app/cli/command.h"
#include "app/cli/quantize_quality.h"
#include "app/cli/quantize_report.h"
#include "app/cli/reply.h"
#include "app/eval/evaluation.h"
#include "app/io/interrupt.h"
#include "app/io/standard_output.h"
#include "app/io/writing_line.h"
#include "app/model_locator.h"
#include "base/copy_file.h"
#include "base/file.h"
#include "base/finished_folder.h"
#include "onnx/external_data.h"
#include "onnx/model_file.h"
#include "onnx/quantise_plan.h"
#include "onnx/quantise_write.h"
#include "runtime/calibration.h"
#include "runtime/kv_memory.h"
#include "runtime/model_folder.h"
#include "runtime/thread_count.h"

namespace hearth::app {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kCalibrationBytesMax = std::uint64_t{64} << 20;
constexpr const char* kRecordName = "hearth_quantize.json";
constexpr const char* kBuildRecordName = "hearth_build.json";
constexpr std::uint64_t kBuildRecordBytesMax = std::uint64_t{1} << 20;
constexpr int kBlockSizeDefault = 32;
constexpr std::int64_t kCalibrationTokensDefault = 32768;

struct QuantizeFlags {
  std::string model;
  std::string precision = "int4";
  std::optional<int> block_size;
  std::string method = "rtn";
  std::string layout = "nbits";
  std::optional<std::string> calibration;
  std::optional<std::int64_t> calibration_tokens;
  bool mixed = false;
  bool asymmetric = false;
  std::optional<std::string> text;
  bool no_text = false;
  bool json = false;
  std::string out;
};

Result<onnx::QuantMethod> parse_method(const std::string& text) {
  if (text == "rtn") return onnx::QuantMethod::kNearest;
  if (text == "kquant") return onnx::QuantMethod::kSearched;
  if (text == "gptq") return onnx::QuantMethod::kFeedback;
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("--method is \"{}\", expected rtn, kquant or gptq", text));
}

/// Flags that would change nothing beside the others.
Result<void> check_flags(const QuantizeFlags& flags) {
  const auto wrong = [](const char* words) { return fail(ErrorCode::kInvalidArgument, words); };
  if (flags.layout == "dynamic" && flags.block_size) {
    return wrong("--block-size belongs to --layout nbits; dynamic has one scale for each column");
  }
  if (flags.layout == "dynamic" && flags.calibration) {
    return wrong("--calibration belongs to --layout nbits; dynamic only rounds to the nearest");
  }
  if (flags.calibration_tokens && !flags.calibration) {
    return wrong("--calibration-tokens needs --calibration FILE");
  }
  if (flags.no_text && flags.text) return wrong("--no-text and --text exclude each other");
  return {};
}

Result<onnx::QuantiseOptions> parse_options(const QuantizeFlags& flags) {
  HEARTH_TRY_VOID(check_flags(flags));
  onnx::QuantiseOptions options;
  if (flags.precision != "int4" && flags.precision != "int8") {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("--precision is \"{}\", expected int4 or int8", flags.precision));
  }
  if (flags.layout != "nbits" && flags.layout != "dynamic") {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("--layout is \"{}\", expected nbits or dynamic", flags.layout));
  }
  options.format.bits = flags.precision == "int8" ? 8 : 4;
  options.format.block_size = flags.block_size.value_or(kBlockSizeDefault);
  options.format.asymmetric = flags.asymmetric;
  options.mixed = flags.mixed;
  options.layout =
      flags.layout == "dynamic" ? onnx::QuantLayout::kDynamic : onnx::QuantLayout::kBlocks;
  HEARTH_TRY(options.method, parse_method(flags.method));
  if (options.method == onnx::QuantMethod::kFeedback && !flags.calibration) {
    return fail(ErrorCode::kInvalidArgument,
                "--method gptq needs --calibration FILE: some hundred kB of text of the kind that "
                "the model will see");
  }
  if (flags.mixed && options.format.bits == 8) {
    return fail(ErrorCode::kInvalidArgument, "--mixed belongs to --precision int4");
  }
  return options;
}

/// The first tokens of the calibration text.
Result<std::vector<TokenId>> calibration_tokens(const QuantizeFlags& flags,
                                                const runtime::ModelFolder& model) {
  const auto text = read_file(*flags.calibration, kCalibrationBytesMax);
  if (!text) {
    return fail(ErrorCode::kInvalidArgument, "--calibration: " + text.error().message);
  }
  auto tokens = model.tokenizer->encode(*text);
  if (!tokens) {
    return fail_within("--calibration " + *flags.calibration, tokens.error());
  }
  if (tokens->empty()) {
    return fail(ErrorCode::kInvalidArgument,
                "--calibration " + *flags.calibration + " holds no text");
  }
  const auto wanted =
      static_cast<std::size_t>(flags.calibration_tokens.value_or(kCalibrationTokensDefault));
  if (tokens->size() > wanted) tokens->resize(wanted);
  return std::move(*tokens);
}

/// A product whose inputs were seen fewer times than there are of them fits the text, not the
/// model.
void warn_of_short_calibration(std::size_t tokens, const onnx::QuantisePlan& plan) {
  std::int64_t widest = 0;
  for (const onnx::LinearJob& job : plan.linears()) widest = std::max(widest, job.k);
  if (tokens >= static_cast<std::size_t>(widest)) return;
  print_note(
      fmt::format("the calibration text has {} tokens, fewer than the {} inputs of the widest "
                  "product: what is fitted to it may lose more than rtn, and errors of outputs "
                  "look smaller than they are; give a longer text",
                  tokens, widest));
}

/// The model on its calibration text, or null when there is none.
Result<std::unique_ptr<runtime::Calibration>> open_calibration(const QuantizeFlags& flags,
                                                               const runtime::ModelFolder& model,
                                                               const onnx::QuantisePlan& plan,
                                                               int threads,
                                                               const std::atomic<bool>& cancelled) {
  if (!flags.calibration) return std::unique_ptr<runtime::Calibration>();
  runtime::CalibrationOptions options;
  HEARTH_TRY(options.tokens, calibration_tokens(flags, model));
  warn_of_short_calibration(options.tokens.size(), plan);
  options.threads = threads;
  options.moments_bytes = std::max(onnx::kMomentsBytesLeast, runtime::available_memory_bytes() / 2);
  options.progress =
      calibrating_line(cancelled, onnx::calibration_runs(plan, options.moments_bytes));
  std::vector<std::string> inputs;
  for (const onnx::LinearJob& job : plan.linears()) inputs.push_back(job.input);
  return runtime::Calibration::open(model, plan.source(), inputs, std::move(options));
}

/// Files of the folder that say nothing about how its weights are stored.
Result<std::vector<fs::path>> files_to_copy(const runtime::ModelFolder& model,
                                            const ::onnx::ModelProto& source) {
  HEARTH_TRY(const auto data_files, onnx::data_file_needs(source));
  const auto is_of_weights = [&](const fs::path& path) {
    const std::string name = path.filename().string();
    return path == model.model_file || data_files.contains(name) || name.starts_with(".") ||
           name == "hearth_synth.json" || name == kBuildRecordName || name == kRecordName ||
           name.starts_with(model.config.model_file_name + ".");
  };
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(model.folder)) {
    if (entry.is_regular_file() && !is_of_weights(entry.path())) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

/// genai_config.json names the model file; the new one is always model.onnx.
Result<void> copy_into(const fs::path& folder, const fs::path& file,
                       const runtime::ModelFolder& model, const std::atomic<bool>& cancelled) {
  const fs::path to = folder / file.filename();
  if (file.filename() != "genai_config.json" || model.config.model_file_name == "model.onnx") {
    return copy_file_bytes(file, to, cancelled);
  }
  HEARTH_TRY(const std::string text, read_file(file));
  OrderedJson json = OrderedJson::parse(text);
  json["model"]["decoder"]["filename"] = "model.onnx";
  return write_file_atomically(to, json.dump(4) + "\n");
}

/// What the source says it was built from; null where it says nothing that can be read.
OrderedJson build_record(const runtime::ModelFolder& model) {
  const auto text = read_file(model.folder / kBuildRecordName, kBuildRecordBytesMax);
  if (!text) return nullptr;
  const auto record = parse_ordered_json(*text, kBuildRecordName);
  return record ? *record : OrderedJson(nullptr);
}

std::string record_json(const QuantizeFlags& flags, const std::vector<std::string>& eight_bits,
                        const OrderedJson& source) {
  OrderedJson json = {{"version", 1},
                      {"precision", flags.precision},
                      {"layout", flags.layout},
                      {"method", flags.method}};
  if (flags.layout == "nbits") json["block_size"] = flags.block_size.value_or(kBlockSizeDefault);
  json["asymmetric"] = flags.asymmetric;
  json["calibrated"] = flags.calibration.has_value();
  if (flags.mixed) json["int8"] = eight_bits;
  if (!source.is_null()) json["source"] = source;
  return json.dump(2) + "\n";
}

std::string record_of(const QuantizeFlags& flags, const onnx::QuantisePlan& plan,
                      const runtime::ModelFolder& model) {
  std::vector<std::string> eight_bits;
  for (const onnx::LinearJob& job : plan.linears()) {
    if (job.format.bits == 8) eight_bits.push_back(job.node);
  }
  return record_json(flags, eight_bits, build_record(model));
}

/// Makes the folder; returns what each product lost.
Result<std::vector<onnx::LinearReport>> make_folder(const QuantizeFlags& flags,
                                                    const runtime::ModelFolder& model,
                                                    const onnx::QuantisePlan& plan,
                                                    const fs::path& out_dir) {
  HEARTH_TRY(const auto files, files_to_copy(model, plan.source()));
  std::uint64_t needed = plan.data_bytes() + plan.model().ByteSizeLong();
  for (const fs::path& file : files) needed += fs::file_size(file);
  // Before there is something to remove.
  const std::atomic<bool>& cancelled = guard_request();
  HEARTH_TRY(UnfinishedFolder folder, UnfinishedFolder::create(out_dir));
  HEARTH_TRY_VOID(check_disk_holds(out_dir, needed));
  const int threads = runtime::default_thread_count();
  HEARTH_TRY(const auto calibration, open_calibration(flags, model, plan, threads, cancelled));
  HEARTH_TRY(auto reports, onnx::write_quantised(plan, model.folder, folder.path(), threads,
                                                 writing_line(cancelled), calibration.get()));
  for (const fs::path& file : files) {
    HEARTH_TRY_VOID(copy_into(folder.path(), file, model, cancelled));
  }
  HEARTH_TRY_VOID(
      write_file_atomically(folder.path() / kRecordName, record_of(flags, plan, model)));
  HEARTH_TRY_VOID(folder.finish());
  return reports;
}

Result<fs::path> free_output_folder(const QuantizeFlags& flags) {
  HEARTH_TRY(fs::path out_dir, output_folder_path(flags.out));
  HEARTH_TRY(const bool free, output_folder_is_free(out_dir));
  if (free) return out_dir;
  return fail(ErrorCode::kInvalidArgument,
              out_dir.string() + " is not empty; choose another folder or remove it");
}

fs::path quality_text(const QuantizeFlags& flags, const Environment& environment) {
  if (flags.text) return environment.expand_home(*flags.text);
  return shipped_evaluation_file(environment, kShippedText);
}

/// Null where it cannot be measured, which a note tells: the new folder is as good without.
OrderedJson quality(const QualityQuestion& question) {
  auto measured = measure_quality(question, guard_request());
  if (measured) return *std::move(measured);
  print_note("the folder is complete, but its quality was not measured: " +
             measured.error().message);
  return nullptr;
}

Result<QuantizeResult> quantized(const QuantizeFlags& flags) {
  const Environment environment = Environment::of_process();
  HEARTH_TRY(const onnx::QuantiseOptions options, parse_options(flags));
  if (flags.text) {
    EvaluationOptions asked;
    asked.text = quality_text(flags, environment);
    HEARTH_TRY_VOID(check_inputs(asked));
  }
  HEARTH_TRY(const fs::path out_dir, free_output_folder(flags));
  HEARTH_TRY(const LocatedModel located, locate_model(flags.model, "--model", environment));
  HEARTH_TRY(const auto before, as_model_failure(runtime::open_model_folder(
                                    located.folder, environment.cache_folder())));
  HEARTH_TRY_VOID(check_named_file(located, before.model_file));
  HEARTH_TRY(auto source, as_model_failure(onnx::read_model(before.model_file)));
  HEARTH_TRY(const auto plan, onnx::QuantisePlan::make(std::move(source), options));
  QuantizeResult result;
  HEARTH_TRY(result.linears, make_folder(flags, before, plan, out_dir));
  HEARTH_TRY(const auto after,
             as_model_failure(runtime::open_model_folder(out_dir, environment.cache_folder())));
  result.source = before.folder;
  result.out = out_dir;
  result.before = {before.size_bytes, before.graph.bytes_read_per_token};
  result.after = {after.size_bytes, after.graph.bytes_read_per_token};
  const QualityQuestion question{
      before.folder,           out_dir,           quality_text(flags, environment),
      flags.layout == "nbits", before.size_bytes, after.size_bytes};
  result.quality_command = quality_command(question);
  if (!flags.no_text) result.quality = quality(question);
  return result;
}

Result<ExitCode> quantize(const QuantizeFlags& flags) {
  Result<QuantizeResult> result = tl::unexpected<Error>(Error{});
  try {
    result = quantized(flags);
  } catch (const fs::filesystem_error& error) {
    return fail(ErrorCode::kIo, error.what());
  }
  if (const auto interrupted = interrupted_by(); !result && interrupted) return *interrupted;
  if (!result) return tl::unexpected<Error>(result.error());
  StandardOutput out;
  out.write(flags.json ? dump(quantize_json(*result), 2) + "\n" : quantize_text(*result));
  HEARTH_TRY_VOID(out.status());
  if (out.reader_gone()) return ExitCode::kBrokenPipe;
  return interrupted_by().value_or(ExitCode::kOk);  // while measuring quality: the rest is done
}

}  // namespace

void add_quantize_command(CLI::App& root, std::vector<Subcommand>& commands) {
  CLI::App* parser = root.add_subcommand(
      "quantize", "Make a folder of 4-bit or 8-bit weights from one of fp32 or fp16");
  const auto flags = std::make_shared<QuantizeFlags>();
  parser->add_option("--model", flags->model, "Name or folder of the fp32 or fp16 model")
      ->type_name("NAME|DIR")
      ->required();
  parser->add_option("--precision", flags->precision, "int4 or int8")
      ->type_name("NAME")
      ->capture_default_str();
  parser->add_option("--block-size", flags->block_size, "Weights that share a scale: 32, 64 or 128")
      ->type_name("N")
      ->check(CLI::IsMember({32, 64, 128}))
      ->default_str(std::to_string(kBlockSizeDefault));
  parser
      ->add_option("--method", flags->method,
                   "rtn (round to nearest, the released models'), kquant (searched scales) or gptq "
                   "(errors made up for by later columns; best, and slowest)")
      ->type_name("NAME")
      ->capture_default_str();
  parser
      ->add_option("--calibration", flags->calibration,
                   "Text that the model is run on: gptq needs it, kquant weighs columns by it, and "
                   "the report tells the errors of outputs")
      ->type_name("FILE");
  parser
      ->add_option("--calibration-tokens", flags->calibration_tokens,
                   "How much of that text is used at most")
      ->type_name("N")
      ->check(CLI::Range(1, 16777216))
      ->default_str(std::to_string(kCalibrationTokensDefault));
  parser->add_flag("--mixed", flags->mixed,
                   "Keep the head and the most sensitive matrices in 8 bits");
  parser->add_flag("--asymmetric", flags->asymmetric, "Give each block a zero point");
  parser
      ->add_option("--layout", flags->layout,
                   "nbits (MatMulNBits, as released) or dynamic (MatMulInteger of standard ONNX, "
                   "int8 only; Hearth runs it with the stock executor)")
      ->type_name("NAME")
      ->capture_default_str();
  parser
      ->add_option("--text", flags->text,
                   "What the models before and after predict, a text or conversations (.jsonl) "
                   "(default: the conversations shipped with Ember)")
      ->type_name("FILE");
  parser->add_flag("--no-text", flags->no_text, "Do not measure quality");
  parser->add_option("--out", flags->out, "Folder to make")->type_name("DIR")->required();
  parser->add_flag("--json", flags->json, "Print one JSON object");
  parser->footer(
      "Example:\n"
      "  hearth quantize --model ./phi/fp16 --precision int4 --method gptq --mixed \\\n"
      "    --calibration conversations.txt --out ./phi/int4\n");
  commands.push_back({parser, [flags] { return quantize(*flags); }});
}

}  // namespace hearth::app
