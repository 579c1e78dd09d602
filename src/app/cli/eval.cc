// hearth eval: how good a model is, and how its variants compare.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <filesystem>

#include <CLI/CLI.hpp>

#include "app/cli/command.h"
#include "app/cli/local_model.h"
#include "app/cli/reply.h"
#include "app/eval/comparison.h"
#include "app/eval/evaluation.h"
#include "app/eval/report.h"
#include "app/io/child.h"
#include "app/io/interrupt.h"
#include "app/io/standard_output.h"
#include "base/output_file.h"
#include "runtime/kv_memory.h"
#include "runtime/model_folder.h"

namespace hearth::app {
namespace {

constexpr const char* kEvalExamples =
    "Examples:\n"
    "  hearth eval                                   the model in the box\n"
    "  hearth eval --model phi-4-mini --limit 20 --speed\n"
    "  hearth eval --model mine/int4 --against mine/fp32 --no-set --text notes.txt\n"
    "  hearth eval --kv-cache-type int8 --against ember --no-set\n"
    "  hearth eval --suite variants --model ember\n";

struct EvalFlags {
  std::optional<std::string> against;
  std::optional<std::string> text;
  std::optional<std::string> set;
  std::optional<std::string> answers;
  std::optional<std::string> suite;
  std::optional<std::string> out;
  std::optional<std::uint64_t> limit;
  std::optional<std::uint64_t> context;
  std::optional<std::uint64_t> stride;
  bool no_text = false;
  bool no_set = false;
  bool speed = false;
  bool json = false;
};

Result<void> check_flags(const EvalFlags& flags) {
  const auto wrong = [](const char* words) { return fail(ErrorCode::kInvalidArgument, words); };
  if (flags.no_text && flags.text) return wrong("--no-text and --text exclude each other");
  if (flags.no_set && flags.set) return wrong("--no-set and --set exclude each other");
  if (flags.no_set && flags.answers) return wrong("--answers needs a set; leave out --no-set");
  if (flags.no_set && flags.speed) return wrong("--speed needs a set; leave out --no-set");
  if (flags.no_set && flags.limit) return wrong("--limit is for a set; leave out --no-set");
  if (flags.no_text && flags.against) {
    return wrong("--against compares predictions of a text; leave out --no-text");
  }
  if (flags.no_text && (flags.context || flags.stride)) {
    return wrong("--context and --stride are for a text; leave out --no-text");
  }
  if (flags.no_text && flags.no_set) return wrong("--no-text and --no-set leave nothing to do");
  if (flags.context && *flags.context < 2) return wrong("--context must be 2 or more tokens");
  if (flags.suite && *flags.suite != "variants") {
    return wrong("--suite can be variants");
  }
  if (!flags.suite && flags.out) return wrong("--out belongs to --suite variants");
  if (flags.suite && (flags.against || flags.answers || flags.no_set)) {
    return wrong("--against, --answers and --no-set cannot be combined with --suite variants");
  }
  return {};
}

/// Everything but the models.
EvaluationOptions input_options(const EvalFlags& flags, const Environment& environment) {
  EvaluationOptions options;
  if (!flags.no_text) {
    options.text = flags.text ? environment.expand_home(*flags.text)
                              : shipped_evaluation_file(environment, kShippedText);
    // Whoever asks for nothing but the text wants to know why there is no figure.
    options.text_must_fit = flags.text.has_value() || flags.no_set;
  }
  if (!flags.no_set) {
    options.set = flags.set ? environment.expand_home(*flags.set)
                            : shipped_evaluation_file(environment, kShippedSet);
  }
  options.limit = flags.limit;
  options.context_tokens = flags.context.value_or(0);
  options.stride_tokens = flags.stride.value_or(0);
  options.speed = flags.speed;
  return options;
}

/// Minutes of measuring end with this file: what can be known before is asked before.
Result<void> check_flag_file(const char* flag, const std::filesystem::path& file) {
  const auto checked = check_output_file(file);
  if (checked) return {};
  return fail_within(flag, checked.error());
}

Result<ExitCode> print(const std::string& text) {
  StandardOutput out;
  out.write(text);
  HEARTH_TRY_VOID(out.status());
  return out.reader_gone() ? ExitCode::kBrokenPipe : ExitCode::kOk;
}

Result<ExitCode> evaluate_one(const EvalFlags& flags, const Settings& settings,
                              const Environment& environment) {
  EvaluationOptions options = input_options(flags, environment);
  HEARTH_TRY(options.model, locate_model(settings, environment));
  if (flags.against) {
    HEARTH_TRY(options.against, locate_model(*flags.against, "flag --against", environment));
  }
  if (flags.answers) {
    HEARTH_TRY_VOID(check_flag_file("--answers", environment.expand_home(*flags.answers)));
  }
  const auto evaluation = evaluate(options, settings, environment, guard_request());
  if (const auto interrupted = interrupted_by(); !evaluation && interrupted) return *interrupted;
  if (!evaluation) return tl::unexpected<Error>(evaluation.error());
  for (const std::string& note :
       unused_executor_settings(evaluation->execution, settings, flags.against.has_value())) {
    print_note(note);
  }
  // Printed first: whatever becomes of the file, what was measured is not lost.
  HEARTH_TRY(const ExitCode printed, print(flags.json ? dump(evaluation_json(*evaluation), 2) + "\n"
                                                      : evaluation_text(*evaluation)));
  if (flags.answers) {
    HEARTH_TRY_VOID(write_output_file(environment.expand_home(*flags.answers),
                                      answers_jsonl(*evaluation->cases)));
  }
  return printed;
}

/// One child of this program that measures one variant as this process was asked to.
class VariantMeasurement {
 public:
  /// `exact` is the folder of fp32, whose predictions the other variants' are compared with.
  VariantMeasurement(const EvalFlags& flags, const Settings& settings,
                     std::optional<std::filesystem::path> config,
                     std::optional<std::filesystem::path> exact)
      : flags_(flags), settings_(settings), config_(std::move(config)), exact_(std::move(exact)) {}

  Result<OrderedJson> measure(const std::string& folder, const std::string& variant) const {
    // The first start may pack weights, which is neither the variant's speed nor its memory.
    std::vector<std::string> warm_up = arguments(folder, variant);
    warm_up.insert(warm_up.end(), {"--limit", "1", "--no-text"});
    HEARTH_TRY_VOID(run(warm_up));
    std::vector<std::string> whole = arguments(folder, variant);
    whole.emplace_back("--speed");
    if (flags_.limit) add(whole, "--limit", std::to_string(*flags_.limit));
    if (flags_.no_text) whole.emplace_back("--no-text");
    if (flags_.text) add(whole, "--text", *flags_.text);
    if (flags_.context && !flags_.no_text) add(whole, "--context", std::to_string(*flags_.context));
    if (flags_.stride && !flags_.no_text) add(whole, "--stride", std::to_string(*flags_.stride));
    HEARTH_TRY(const std::string output, run_beside_exact(whole, folder, variant));
    return parse_ordered_json(output, "the measurement of " + variant);
  }

 private:
  static void add(std::vector<std::string>& words, const char* flag, const std::string& value) {
    words.insert(words.end(), {flag, value});
  }

  /// A variant that cannot be compared with fp32 is measured without.
  Result<std::string> run_beside_exact(const std::vector<std::string>& words,
                                       const std::string& folder,
                                       const std::string& variant) const {
    if (!exact_ || folder == *exact_ || flags_.no_text) return run(words);
    std::vector<std::string> compared = words;
    add(compared, "--against", exact_->string());
    auto output = run(compared);
    if (output || output.error().code == ErrorCode::kCancelled) return output;
    print_note(variant + " is measured again, without comparing it with fp32");
    return run(words);
  }

  std::vector<std::string> arguments(const std::string& folder, const std::string& variant) const {
    std::vector<std::string> words = {"eval", "--json", "--model", folder, "--variant", variant};
    for (const SettingId id :
         {SettingId::kMaxTokens, SettingId::kExecutor, SettingId::kIsa, SettingId::kRecipe,
          SettingId::kKvCacheType, SettingId::kToolCalls}) {
      if (const ResolvedValue* found = settings_.find(id)) {
        add(words, std::string(setting(id).flag).c_str(), value_in_words(found->value));
      }
    }
    if (flags_.set) add(words, "--set", *flags_.set);
    if (config_) add(words, "--config", config_->string());
    return words;
  }

  static Result<std::string> run(const std::vector<std::string>& words) {
    const std::atomic<bool>& cancelled = guard_request();
    HEARTH_TRY(ChildOutcome child, run_child(words, cancelled));
    if (cancelled.load()) return fail(ErrorCode::kCancelled, "stopped");
    if (child.exit_code == 0) return std::move(child.output);
    return fail(ErrorCode::kInternal,
                fmt::format("its measurement ended with exit code {}", child.exit_code));
  }

  const EvalFlags& flags_;
  const Settings& settings_;
  std::optional<std::filesystem::path> config_;
  std::optional<std::filesystem::path> exact_;
};

/// The folder of fp32 where it can be run beside each of the others; a note where it is there and
/// cannot.
std::optional<std::filesystem::path> exact_reference(const ModelFamily& family,
                                                     const Environment& environment) {
  constexpr std::uint64_t kMemoryPerByte = 3;  // mapped, and arranged for products; a neighbour
  const auto folder = choose_variant(family, "fp32", "--suite variants");
  if (!folder) return std::nullopt;
  const auto model = runtime::open_model_folder(*folder, environment.cache_folder());
  if (model && kMemoryPerByte * model->size_bytes <= runtime::available_memory_bytes()) {
    return *folder;
  }
  print_note("predictions are not compared with those of fp32: " +
             (model ? "there is too little memory free to run it beside the others"
                    : model.error().message));
  return std::nullopt;
}

Result<ExitCode> compare(const EvalFlags& flags, const SettingFlags& setting_flags,
                         const Settings& settings, const Environment& environment) {
  // What all variants would refuse is refused once.
  HEARTH_TRY_VOID(check_inputs(input_options(flags, environment)));
  const std::filesystem::path out =
      environment.expand_home(flags.out.value_or("optimization_comparison.json"));
  HEARTH_TRY_VOID(check_flag_file("--out", out));
  HEARTH_TRY(const ModelFamily family, locate_family(settings, environment));
  if (family.folders.empty()) {
    return fail(ErrorCode::kNotFound, "there is no model in " + family.home.string());
  }
  HEARTH_TRY(auto config, setting_flags.config_file(environment));
  auto exact = flags.no_text ? std::nullopt : exact_reference(family, environment);
  const VariantMeasurement measurement(flags, settings, std::move(config), std::move(exact));
  const auto results =
      compare_variants(family, [&](const std::string& folder, const std::string& variant) {
        return measurement.measure(folder, variant);
      });
  if (const auto interrupted = interrupted_by(); !results && interrupted) return *interrupted;
  if (!results) return tl::unexpected<Error>(results.error());
  const OrderedJson json = comparison_json(family, *results);
  HEARTH_TRY(const ExitCode printed,
             print(flags.json ? dump(json, 2) + "\n" : comparison_text(family, *results)));
  HEARTH_TRY_VOID(write_output_file(out, dump(json, 2) + "\n"));
  print_note("written to " + out.string());
  return measuring_failed(*results) && printed == ExitCode::kOk ? ExitCode::kFailure : printed;
}

Result<ExitCode> eval(const EvalFlags& flags, SettingFlags& setting_flags) {
  const Environment environment = Environment::of_process();
  HEARTH_TRY_VOID(check_flags(flags));
  setting_flags.assume_local();
  HEARTH_TRY(const Settings settings, setting_flags.resolve(environment));
  if (const ResolvedValue* variant = settings.find(SettingId::kVariant);
      flags.suite && variant != nullptr && variant->origin.level == OriginLevel::kFlag) {
    return fail(ErrorCode::kInvalidArgument,
                "--suite variants measures every variant; leave out --variant");
  }
  print_warnings(settings);
  return flags.suite ? compare(flags, setting_flags, settings, environment)
                     : evaluate_one(flags, settings, environment);
}

void add_options(CLI::App& parser, EvalFlags& flags) {
  parser
      .add_option("--text", flags.text,
                  "Text to predict, or conversations (.jsonl) whose last replies are predicted "
                  "(default: the conversations shipped with Ember)")
      ->type_name("FILE");
  parser
      .add_option("--set", flags.set,
                  "Requests and what is expected, as JSON lines (default: the ones shipped with "
                  "Ember)")
      ->type_name("FILE");
  parser.add_flag("--no-text", flags.no_text, "Predict no text");
  parser.add_flag("--no-set", flags.no_set, "Make no requests");
  parser
      .add_option("--against", flags.against,
                  "Another model with the same tokenizer, or the same one when --kv-cache-type is "
                  "given: how far the text's predictions are from its own")
      ->type_name("DIR|NAME");
  parser.add_option("--limit", flags.limit, "Only the first so many requests")
      ->type_name("N")
      ->check(CLI::PositiveNumber);
  parser
      .add_option("--context", flags.context,
                  "Tokens of a text in one piece that are looked at together (default: the model's "
                  "context, at most 2048)")
      ->type_name("N")
      ->check(CLI::PositiveNumber);
  parser
      .add_option("--stride", flags.stride,
                  "Tokens between such windows (default: half of --context)")
      ->type_name("N")
      ->check(CLI::PositiveNumber);
  parser.add_flag("--speed", flags.speed,
                  "Also measure times and peak memory, in a pass of its own");
  parser.add_option("--answers", flags.answers, "Write every answer there, as JSON lines")
      ->type_name("FILE");
  parser
      .add_option("--suite", flags.suite,
                  "variants: measure int4, int8, fp16 and fp32 of the model, each in a process of "
                  "its own")
      ->type_name("NAME");
  parser
      .add_option("--out", flags.out,
                  "File for the suite's figures (default: optimization_comparison.json)")
      ->type_name("FILE");
  parser.add_flag("--json", flags.json, "Print one JSON object");
}

}  // namespace

void add_eval_command(CLI::App& root, std::vector<Subcommand>& commands) {
  CLI::App* parser = root.add_subcommand(
      "eval", "Measure how good a model is: tool calls, answers, perplexity; compare its variants");
  const auto options = std::make_shared<EvalFlags>();
  constexpr SettingId kSettings[] = {
      SettingId::kModelPath, SettingId::kVariant, SettingId::kMaxTokens,   SettingId::kExecutor,
      SettingId::kIsa,       SettingId::kRecipe,  SettingId::kKvCacheType, SettingId::kToolCalls};
  const auto flags = std::make_shared<SettingFlags>(*parser, kSettings);
  add_options(*parser, *options);
  parser->footer(kEvalExamples);
  commands.push_back({parser, [options, flags] { return eval(*options, *flags); }});
}

}  // namespace hearth::app
