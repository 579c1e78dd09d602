// Makes a synthetic model folder: plan, files, rename.
#include "onnx/synth.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <new>
#include <system_error>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/json_reader.h"
#include "onnx/genai_config_writer.h"
#include "onnx/random_weights.h"
#include "onnx/synth_tokenizer.h"

namespace hearth::onnx {
namespace {

namespace fs = std::filesystem;

constexpr const char* kRecordName = "hearth_synth.json";
constexpr int kThreadsMax = 64;

/// Folders and their names take some blocks beside the files' own bytes.
constexpr std::uint64_t kFolderSlackBytes = std::uint64_t{4} << 20;

/// What the folder will hold besides the weights.
struct TextFile {
  std::string name;
  std::string content;
};

/// The folder under construction: "<out>.partial", held by a lock, removed unless it is renamed.
class PartialFolder {
 public:
  static Result<PartialFolder> create(const fs::path& out_dir) {
    fs::path path = out_dir;
    path += ".partial";
    std::error_code error;
    const auto status = fs::symlink_status(path, error);
    const bool is_ours = fs::is_directory(status) &&
                         (fs::exists(path / ".lock", error) || fs::is_empty(path, error));
    if (fs::exists(status) && !is_ours) {
      return fail(ErrorCode::kInvalidArgument,
                  path.string() +
                      " is in the way and was not made by an interrupted run of this "
                      "command: move it, or choose another name");
    }
    fs::create_directories(path, error);
    if (error) {
      return fail(ErrorCode::kIo, "cannot create " + path.string() + ": " + error.message());
    }
    const int lock = ::open((path / ".lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (lock < 0) {
      return fail(ErrorCode::kIo, "cannot create a file in " + path.string() + ": " +
                                      std::generic_category().message(errno));
    }
    if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
      ::close(lock);
      return fail(ErrorCode::kInvalidArgument,
                  "another process is making " + out_dir.string() + " at the moment");
    }
    PartialFolder folder(std::move(path), lock);
    HEARTH_TRY_VOID(folder.clear());
    return folder;
  }

  PartialFolder(PartialFolder&& other) noexcept
      : path_(std::move(other.path_)), lock_(std::exchange(other.lock_, -1)) {}
  PartialFolder& operator=(PartialFolder&&) = delete;
  PartialFolder(const PartialFolder&) = delete;
  PartialFolder& operator=(const PartialFolder&) = delete;
  ~PartialFolder() {
    if (lock_ < 0) return;
    std::error_code ignored;
    fs::remove_all(path_, ignored);
    ::close(lock_);
  }

  const fs::path& path() const { return path_; }

  /// Gives the folder its name; afterwards nothing is removed.
  Result<void> rename_to(const fs::path& out_dir) {
    std::error_code error;
    fs::rename(path_, out_dir, error);
    if (error) {
      return fail(ErrorCode::kIo, "cannot rename " + path_.string() + " to " + out_dir.string() +
                                      ": " + error.message());
    }
    // Not earlier: under the old name, a second process would take a folder without lock over.
    fs::remove(out_dir / ".lock", error);
    ::close(std::exchange(lock_, -1));
    return {};
  }

 private:
  PartialFolder(fs::path path, int lock) : path_(std::move(path)), lock_(lock) {}

  /// Removes what a killed process left.
  Result<void> clear() const {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(path_, error)) {
      if (entry.path().filename() != ".lock") fs::remove_all(entry.path(), error);
    }
    if (error) {
      return fail(ErrorCode::kIo, "cannot empty " + path_.string() + ": " + error.message());
    }
    return {};
  }

  fs::path path_;
  int lock_;
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
  std::error_code error;
  if (!fs::exists(out_dir, error)) return false;
  if (!fs::is_directory(out_dir, error)) {
    return fail(ErrorCode::kInvalidArgument, out_dir.string() + " exists and is not a folder");
  }
  if (fs::is_empty(out_dir, error)) return false;
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
  std::uint64_t needed = plan.data_bytes() + plan.model_bytes() + kFolderSlackBytes;
  for (const TextFile& file : files) needed += file.content.size();
  HEARTH_TRY(const std::uint64_t free, free_disk_bytes(out_dir));
  if (free >= needed) return {};
  return fail(ErrorCode::kResourceExhausted, out_dir.string() + " needs " + with_thousands(needed) +
                                                 " bytes, the disk has " + with_thousands(free) +
                                                 " free; free some space or choose another folder");
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
  fs::path out_dir = options.out_dir.lexically_normal();
  if (!out_dir.has_filename()) out_dir = out_dir.parent_path();
  if (out_dir.empty()) return fail(ErrorCode::kInvalidArgument, "no output folder was given");
  try {
    HEARTH_TRY(const SynthTokenizer tokenizer, make_synth_tokenizer(options.config.vocab_size));
    HEARTH_TRY(const DecoderConfig config, effective_config(options, tokenizer));
    HEARTH_TRY(const DecoderPlan plan, DecoderPlan::make(config, options.precision));
    const std::string record = record_json(options, config);
    HEARTH_TRY(const bool made, is_made_already(out_dir, record, plan));
    if (made) return SynthOutcome::kAlreadyThere;

    const std::vector<TextFile> files = text_files(config, tokenizer, record);
    HEARTH_TRY(PartialFolder partial, PartialFolder::create(out_dir));
    HEARTH_TRY_VOID(check_disk(out_dir, plan, files));
    RandomWeights weights(options.seed);
    HEARTH_TRY_VOID(
        write_decoder(plan, weights, partial.path(), options.threads, options.progress));
    for (const TextFile& file : files) {
      HEARTH_TRY_VOID(write_file_atomically(partial.path() / file.name, file.content));
    }
    HEARTH_TRY_VOID(partial.rename_to(out_dir));
    return SynthOutcome::kWritten;
  } catch (const fs::filesystem_error& error) {
    return fail(ErrorCode::kIo, error.what());
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::kResourceExhausted,
                "not enough memory to make " + options.out_dir.string());
  }
}

}  // namespace hearth::onnx
