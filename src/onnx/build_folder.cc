// Check everything, write, rename.
#include "onnx/build_folder.h"

#include <algorithm>
#include <array>
#include <new>
#include <set>
#include <utility>

#include "base/check.h"
#include "base/file.h"
#include "base/finished_folder.h"
#include "base/json_reader.h"
#include "onnx/genai_config_writer.h"
#include "onnx/safetensors_weights.h"

namespace hearth::onnx {
namespace {

namespace fs = std::filesystem;

constexpr int kThreadsMax = 64;
constexpr std::uint64_t kConfigBytesMax = std::uint64_t{1} << 20;
constexpr std::uint64_t kTextFileBytesMax = std::uint64_t{256} << 20;
constexpr std::int64_t kTopKUnsaid = 50;
constexpr const char* kRecordName = "hearth_build.json";
constexpr const char* kGenerationName = "generation_config.json";
constexpr const char* kTokenizerName = "tokenizer.json";

/// Copied as they are. The first two have to be there.
constexpr std::array<const char*, 9> kCopiedNames = {"config.json",
                                                     kTokenizerName,
                                                     "tokenizer_config.json",
                                                     "special_tokens_map.json",
                                                     "added_tokens.json",
                                                     "vocab.json",
                                                     "merges.txt",
                                                     "chat_template.jinja",
                                                     kGenerationName};
constexpr std::size_t kRequired = 2;

struct TextFile {
  std::string name;
  std::string content;
};

/// What is left out of a file that samples means what Hugging Face's GenerationConfig means by it.
Result<void> read_sampling(const JsonReader& reader, DecoderConfig& config) {
  SamplingDefaults& sampling = config.sampling;
  HEARTH_TRY(sampling.repetition_penalty, reader.number_or("repetition_penalty", 1.0, 1e-3, 100.0));
  HEARTH_TRY(sampling.do_sample, reader.boolean_or("do_sample", false));
  if (!sampling.do_sample) return {};
  HEARTH_TRY(sampling.temperature, reader.number_or("temperature", 1.0, 0.0, 100.0));
  HEARTH_TRY(sampling.top_p, reader.number_or("top_p", 1.0, 0.0, 1.0));
  HEARTH_TRY(sampling.top_k, reader.integer_or("top_k", kTopKUnsaid, 0, config.vocab_size));
  return {};
}

/// generation_config.json overrules config.json about the tokens that begin and end a text, as it
/// does where the model was published, and says how answers are chosen. `text` is an object
/// (check_stops_somewhere() saw to it).
Result<void> read_generation_config(const std::string& text, const std::string& source,
                                    DecoderConfig& config) {
  HEARTH_TRY(const Json json, parse_json(text, source));
  const JsonReader reader(json, source);
  const std::int64_t last = config.vocab_size - 1;
  HEARTH_TRY(const auto eos, reader.integers("eos_token_id", 0, last));
  if (!eos.empty()) config.eos_token_ids = eos;
  HEARTH_TRY(config.bos_token_id, reader.integer_or("bos_token_id", config.bos_token_id, 0, last));
  HEARTH_TRY(config.pad_token_id, reader.integer_or("pad_token_id", config.pad_token_id, 0, last));
  return read_sampling(reader, config);
}

/// A model that never ends would be worse than none.
Result<void> check_stops_somewhere(const fs::path& from) {
  for (const char* name : {kGenerationName, "config.json"}) {
    std::error_code ignored;
    if (!fs::exists(from / name, ignored)) continue;
    const std::string source = (from / name).string();
    HEARTH_TRY(const std::string text, read_file(from / name, kConfigBytesMax));
    HEARTH_TRY(const Json json, parse_json(text, source));
    if (!json.is_object()) return fail(ErrorCode::kCorrupt, source + " must be a JSON object");
    HEARTH_TRY(const auto eos, JsonReader(json, source).integers("eos_token_id", 0, INT64_MAX));
    if (!eos.empty()) return {};
  }
  return fail(ErrorCode::kCorrupt, (from / "config.json").string() +
                                       " names no eos_token_id, nor "
                                       "does generation_config.json: an answer would not end");
}

Result<DecoderConfig> read_config(const fs::path& from, std::vector<std::string>& notes) {
  const std::string source = (from / "config.json").string();
  HEARTH_TRY(const std::string text, read_file(from / "config.json", kConfigBytesMax));
  HEARTH_TRY(DecoderConfig config, parse_decoder_config(text, source, &notes));
  HEARTH_TRY_VOID(check_known_family(config, source));
  HEARTH_TRY_VOID(check_stops_somewhere(from));
  std::error_code ignored;
  if (fs::exists(from / kGenerationName, ignored)) {
    HEARTH_TRY(const std::string generation, read_file(from / kGenerationName, kConfigBytesMax));
    HEARTH_TRY_VOID(read_generation_config(generation, (from / kGenerationName).string(), config));
  }
  return config;
}

/// Whatever is wrong in the files that were given is the model's fault, not that of the command.
template <class T>
Result<T> as_fault_of_model(Result<T> result) {
  if (!result && result.error().code == ErrorCode::kInvalidArgument) {
    result.error().code = ErrorCode::kCorrupt;
  }
  return result;
}

bool is_licence(const std::string& name) {
  return name.starts_with("LICENSE") || name.starts_with("LICENCE") || name.starts_with("NOTICE");
}

/// The files that come over from `from` as they are.
Result<std::vector<TextFile>> read_text_files(const fs::path& from) {
  std::vector<std::string> names(kCopiedNames.begin(), kCopiedNames.end());
  std::error_code error;
  std::set<std::string> licences;
  for (const auto& entry : fs::directory_iterator(from, error)) {
    const std::string name = entry.path().filename().string();
    if (is_licence(name) && entry.is_regular_file(error)) licences.insert(name);
  }
  names.insert(names.end(), licences.begin(), licences.end());
  std::vector<TextFile> files;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i >= kRequired && !fs::exists(from / names[i], error)) continue;
    HEARTH_TRY(std::string content, read_file(from / names[i], kTextFileBytesMax));
    files.push_back({names[i], std::move(content)});
  }
  return files;
}

Result<void> check_tokenizer(const BuildOptions& options, const std::vector<TextFile>& files,
                             std::int64_t vocab_size) {
  if (!options.check_tokenizer) return {};
  const auto found = std::find_if(files.begin(), files.end(),
                                  [](const TextFile& file) { return file.name == kTokenizerName; });
  HEARTH_CHECK(found != files.end());
  return options.check_tokenizer(found->content, (options.from / kTokenizerName).string(),
                                 vocab_size);
}

std::string record_json(const BuildOptions& options, const DecoderConfig& config,
                        const SafetensorsFolder& source) {
  OrderedJson json;
  json["version"] = 1;
  json["made_by"] = "hearth models build";
  json["precision"] = precision_name(options.precision);
  json["model_type"] = config.model_type;
  json["block_size"] = config.switches.block_size;
  json["source"] = OrderedJson::array();
  for (const auto& file : source.files()) {
    std::map<std::string, std::int64_t> types;
    for (const SafeTensor& tensor : file->header().tensors) ++types[tensor.type];
    json["source"].push_back({{"file", file->path().filename().string()},
                              {"bytes", file->file_bytes()},
                              {"tensors", types}});
  }
  return json.dump(2) + "\n";
}

Result<void> check_output(const fs::path& out_dir) {
  HEARTH_TRY(const bool free, output_folder_is_free(out_dir));
  if (free) return {};
  return fail(ErrorCode::kInvalidArgument,
              out_dir.string() + " is not empty; choose another folder or remove it");
}

Result<BuildReport> build(const BuildOptions& options, const fs::path& out_dir) {
  BuildReport report;
  HEARTH_TRY_VOID(check_output(out_dir));
  HEARTH_TRY(const DecoderConfig config,
             as_fault_of_model(read_config(options.from, report.notes)));
  HEARTH_TRY(const DecoderPlan plan,
             as_fault_of_model(DecoderPlan::make(config, options.precision)));
  HEARTH_TRY(std::vector<TextFile> files, as_fault_of_model(read_text_files(options.from)));
  HEARTH_TRY_VOID(as_fault_of_model(check_tokenizer(options, files, config.vocab_size)));
  HEARTH_TRY(const SafetensorsFolder source,
             as_fault_of_model(SafetensorsFolder::open(options.from)));
  HEARTH_TRY(SafetensorsWeights weights, as_fault_of_model(SafetensorsWeights::find(source, plan)));
  const bool has_generation = std::any_of(files.begin(), files.end(), [](const TextFile& file) {
    return file.name == kGenerationName;
  });
  if (!has_generation) files.push_back({kGenerationName, generation_config_json(config)});
  files.push_back({"genai_config.json", genai_config_json(config)});
  files.push_back({kRecordName, record_json(options, config, source)});

  for (const auto& file : source.files()) report.source_bytes += file->file_bytes();
  report.written_bytes = plan.data_bytes() + plan.model_bytes();
  std::uint64_t needed = report.written_bytes;
  for (const TextFile& file : files) needed += file.content.size();
  HEARTH_TRY(UnfinishedFolder folder, UnfinishedFolder::create(out_dir));
  HEARTH_TRY_VOID(check_disk_holds(out_dir, needed));
  HEARTH_TRY_VOID(write_decoder(plan, weights, folder.path(), options.threads, options.progress));
  for (const TextFile& file : files) {
    HEARTH_TRY_VOID(write_file_atomically(folder.path() / file.name, file.content));
  }
  HEARTH_TRY_VOID(folder.finish());
  return report;
}

}  // namespace

Result<BuildReport> build_folder(const BuildOptions& options) {
  if (options.threads < 1 || options.threads > kThreadsMax) {
    return fail(ErrorCode::kInvalidArgument, "threads is " + std::to_string(options.threads) +
                                                 ", expected 1 to " + std::to_string(kThreadsMax));
  }
  HEARTH_TRY(const fs::path out_dir, output_folder_path(options.out_dir));
  try {
    return build(options, out_dir);
  } catch (const fs::filesystem_error& error) {
    return fail(ErrorCode::kIo, error.what());
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::kResourceExhausted, "not enough memory to make " + out_dir.string());
  }
}

}  // namespace hearth::onnx
