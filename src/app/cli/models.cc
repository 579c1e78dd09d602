// hearth models list|info|synth: what models are there, what one is made of, and making one to test
// with. (models_build.cc has `build`.)
#include <fmt/format.h>

#include <memory>
#include <optional>

#include <CLI/CLI.hpp>

#include "app/cli/command.h"
#include "app/cli/model_description.h"
#include "app/cli/models_build.h"
#include "app/cli/reply.h"
#include "app/io/interrupt.h"
#include "app/io/standard_output.h"
#include "app/io/writing_line.h"
#include "app/model_locator.h"
#include "base/file.h"
#include "onnx/decoder_config.h"
#include "onnx/synth.h"
#include "runtime/model_folder.h"

namespace hearth::app {
namespace {

Result<ExitCode> finish(const StandardOutput& out) {
  HEARTH_TRY_VOID(out.status());
  return out.reader_gone() ? ExitCode::kBrokenPipe : ExitCode::kOk;
}

std::string list_line(const KnownModel& known, const Result<runtime::ModelFolder>& model) {
  if (!model) {
    return fmt::format("{}  cannot be used: {}\n", known.name, model.error().message);
  }
  return fmt::format("{}  {}, {}, context {}, {}\n", known.name, size_in_words(model->size_bytes),
                     precision_in_words(model->graph), model->config.context_length,
                     known.folder.string());
}

OrderedJson list_json(const KnownModel& known, const Result<runtime::ModelFolder>& model) {
  OrderedJson entry = {{"name", known.name}, {"folder", known.folder.string()}};
  entry["usable"] = model.has_value();
  if (model) {
    entry["size_bytes"] = model->size_bytes;
    entry["precision"] = precision_in_words(model->graph);
    entry["context_tokens"] = model->config.context_length;
  } else {
    entry["error"] = model.error().message;
  }
  return entry;
}

Result<ExitCode> list(bool json) {
  const Environment environment = Environment::of_process();
  const std::vector<KnownModel> models = known_models(environment);
  OrderedJson entries = OrderedJson::array();
  std::string text;
  for (const KnownModel& known : models) {
    const auto model = runtime::open_model_folder(known.folder, environment.cache_folder());
    entries.push_back(list_json(known, model));
    text += list_line(known, model);
  }
  if (models.empty()) print_note("there are no models in " + roots_in_words(environment));
  StandardOutput out;
  out.write(json ? dump(entries, 2) + "\n" : text);
  return finish(out);
}

Result<ExitCode> info(bool json, SettingFlags& flags) {
  const Environment environment = Environment::of_process();
  flags.assume_local();
  HEARTH_TRY(const Settings settings, flags.resolve(environment));
  print_warnings(settings);
  HEARTH_TRY(const LocatedModel located, locate_model(settings, environment));
  HEARTH_TRY(const auto model, as_model_failure(runtime::open_model_folder(
                                   located.folder, environment.cache_folder())));
  HEARTH_TRY_VOID(check_named_file(located, model.model_file));
  StandardOutput out;
  out.write(json ? dump(model_json(model), 2) + "\n" : model_text(model));
  return finish(out);
}

struct SynthFlags {
  std::string like = "phi-4-mini";
  std::string precision = "int4";
  std::optional<std::int64_t> layers;
  std::uint64_t seed = 0;
  std::string out;
};

Result<ExitCode> synth(const SynthFlags& flags) {
  onnx::SynthOptions options;
  HEARTH_TRY(options.config, onnx::load_decoder_config(flags.like));
  HEARTH_TRY(options.precision, onnx::parse_precision(flags.precision));
  options.layers = flags.layers;
  options.seed = flags.seed;
  options.out_dir = flags.out;
  options.progress = writing_line(guard_request());
  const Result<onnx::SynthOutcome> outcome = onnx::synthesise(options);
  if (const auto interrupted = interrupted_by(); !outcome && interrupted) return *interrupted;
  if (!outcome) return tl::unexpected<Error>(outcome.error());
  StandardOutput out;
  out.write(fmt::format("{} {}\n", flags.out,
                        *outcome == onnx::SynthOutcome::kWritten
                            ? "written"
                            : "is there already, made with the same options"));
  return finish(out);
}

void add_synth(CLI::App& models, std::vector<Subcommand>& commands) {
  CLI::App* parser = models.add_subcommand(
      "synth",
      "Make a model folder in the released layout with random weights, for tests and "
      "measurements");
  const auto flags = std::make_shared<SynthFlags>();
  parser->add_option("--like", flags->like, "phi-4-mini, or a config.json with other sizes")
      ->type_name("NAME|FILE")
      ->capture_default_str();
  parser->add_option("--precision", flags->precision, "int4, int8, fp16 or fp32")
      ->type_name("NAME")
      ->capture_default_str();
  parser->add_option("--layers", flags->layers, "Fewer or more layers than the configuration says")
      ->type_name("N");
  parser->add_option("--seed", flags->seed, "The same seed gives the same bytes")
      ->check(CLI::NonNegativeNumber)
      ->type_name("N")
      ->capture_default_str();
  parser->add_option("--out", flags->out, "Folder to make")->type_name("DIR")->required();
  parser->footer(
      "Example:\n  hearth models synth --like phi-4-mini --precision int4 --layers 2 --seed 1 "
      "--out ./phi-2-layers\n");
  commands.push_back({parser, [flags] { return synth(*flags); }});
}

}  // namespace

void add_models_commands(CLI::App& root, std::vector<Subcommand>& commands) {
  CLI::App* models = root.add_subcommand("models", "List, describe and make models");
  models->require_subcommand(1);

  CLI::App* lister = models->add_subcommand("list", "Models that can be asked for by name");
  const auto list_as_json = std::make_shared<bool>(false);
  lister->add_flag("--json", *list_as_json, "Print a JSON list");
  commands.push_back({lister, [list_as_json] { return list(*list_as_json); }});

  CLI::App* describer = models->add_subcommand("info", "Check a model's folder and describe it");
  const auto info_as_json = std::make_shared<bool>(false);
  constexpr SettingId kModel[] = {SettingId::kModelPath, SettingId::kVariant};
  const auto flags = std::make_shared<SettingFlags>(*describer, kModel);
  describer->add_flag("--json", *info_as_json, "Print a JSON object");
  commands.push_back({describer, [info_as_json, flags] { return info(*info_as_json, *flags); }});

  add_models_build(*models, commands);
  add_synth(*models, commands);
}

}  // namespace hearth::app
