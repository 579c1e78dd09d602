// Makes a synthetic model folder: plan, files, rename.
#include "onnx/synth.h"

#include <new>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/finished_folder.h"
#include "base/json_reader.h"
#include "onnx/genai_config_writer.h"
#include "onnx/random_weights.h"
#include "onnx/synth_tokenizer.h"

namespace hearth::onnx {
namespace {

namespace fs = std::filesystem;

constexpr const char* kRecordName = "hearth_synth.json";
constexpr int kThreadsMax = 64;

/// What the folder will hold besides the weights.
struct TextFile {
  std::string name;
  std::string content;
};

std::string record_json(const SynthOptions& options, const DecoderConfig& config) {
  OrderedJson json;
  json["version"] = 1;
  json["precision"] = precision_name(options.precision);
  json["seed"] = options.seed;
  json["config"] = OrderedJson::parse(config_json(config));
  return json.dump(2) + "\n";
}

/// True when out_dir is a complete folder with this record; an error when something else is there.
Result<bool> is_made_already(const fs::path& out_dir, const std::string& record,
                             const DecoderPlan& plan) {
  HEARTH_TRY(const bool free, output_folder_is_free(out_dir));
  if (free) return false;
  const auto found = read_file(out_dir / kRecordName, std::uint64_t{1} << 20);
  if (!found || *found != record) {
    return fail(ErrorCode::kInvalidArgument,
                out_dir.string() +
                    " is not empty and was not made with these options; choose "
                    "another folder or remove it");
  }
  const auto data = file_size_bytes(out_dir / kDataFileName);
  const auto model = file_size_bytes(out_dir / "model.onnx");
  if (!data || !model || *data != plan.data_bytes() || *model != plan.model_bytes()) {
    return fail(ErrorCode::kCorrupt, out_dir.string() +
                                         " was made with these options but its model files are "
                                         "missing or have another size; remove it and try again");
  }
  return true;
}

Result<void> check_disk(const fs::path& out_dir, const DecoderPlan& plan,
                        const std::vector<TextFile>& files) {
  std::uint64_t needed = plan.data_bytes() + plan.model_bytes();
  for (const TextFile& file : files) needed += file.content.size();
  return check_disk_holds(out_dir, needed);
}

/// The configuration with the layers asked for and the ids of the made-up tokenizer.
Result<DecoderConfig> effective_config(const SynthOptions& options,
                                       const SynthTokenizer& tokenizer) {
  DecoderConfig config = options.config;
  if (options.layers) {
    if (*options.layers < 1 || *options.layers > kDecoderLayersMax) {
      return fail(ErrorCode::kInvalidArgument, "layers is " + std::to_string(*options.layers) +
                                                   ", expected 1 to " +
                                                   std::to_string(kDecoderLayersMax));
    }
    config.layers = *options.layers;
  }
  config.bos_token_id = tokenizer.end_of_text_id();
  config.pad_token_id = tokenizer.end_of_text_id();
  config.eos_token_ids = {tokenizer.end_id(), tokenizer.end_of_text_id()};
  return config;
}

std::vector<TextFile> text_files(const DecoderConfig& config, const SynthTokenizer& tokenizer,
                                 std::string record) {
  return {
      {"genai_config.json", genai_config_json(config)},
      {"config.json", config_json(config)},
      {"generation_config.json", generation_config_json(config)},
      {"tokenizer.json", tokenizer_json(tokenizer)},
      {"tokenizer_config.json", tokenizer_config_json(tokenizer, config.max_position_embeddings)},
      {"special_tokens_map.json", special_tokens_map_json(tokenizer)},
      {"added_tokens.json", added_tokens_json(tokenizer)},
      {"vocab.json", vocab_json(tokenizer)},
      {"merges.txt", merges_txt(tokenizer)},
      {kRecordName, std::move(record)}};
}

}  // namespace

Result<SynthOutcome> synthesise(const SynthOptions& options) {
  if (options.threads < 1 || options.threads > kThreadsMax) {
    return fail(ErrorCode::kInvalidArgument, "threads is " + std::to_string(options.threads) +
                                                 ", expected 1 to " + std::to_string(kThreadsMax));
  }
  HEARTH_TRY(const fs::path out_dir, output_folder_path(options.out_dir));
  try {
    HEARTH_TRY(const SynthTokenizer tokenizer, make_synth_tokenizer(options.config.vocab_size));
    HEARTH_TRY(const DecoderConfig config, effective_config(options, tokenizer));
    HEARTH_TRY(const DecoderPlan plan, DecoderPlan::make(config, options.precision));
    const std::string record = record_json(options, config);
    HEARTH_TRY(const bool made, is_made_already(out_dir, record, plan));
    if (made) return SynthOutcome::kAlreadyThere;

    const std::vector<TextFile> files = text_files(config, tokenizer, record);
    HEARTH_TRY(UnfinishedFolder partial, UnfinishedFolder::create(out_dir));
    HEARTH_TRY_VOID(check_disk(out_dir, plan, files));
    RandomWeights weights(options.seed);
    HEARTH_TRY_VOID(
        write_decoder(plan, weights, partial.path(), options.threads, options.progress));
    for (const TextFile& file : files) {
      HEARTH_TRY_VOID(write_file_atomically(partial.path() / file.name, file.content));
    }
    HEARTH_TRY_VOID(partial.finish());
    return SynthOutcome::kWritten;
  } catch (const fs::filesystem_error& error) {
    return fail(ErrorCode::kIo, error.what());
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::kResourceExhausted,
                "not enough memory to make " + options.out_dir.string());
  }
}

}  // namespace hearth::onnx
