#include "runtime/model_folder.h"

#include <algorithm>
#include <filesystem>
#include <limits>
#include <system_error>
#include <utility>

#include "base/file.h"
#include "base/json_reader.h"
#include "base/shell_word.h"
#include "runtime/graph_facts.h"
#include "text/cached_tokenizer.h"

namespace hearth::runtime {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kContextTokensMax = std::int64_t{1} << 24;
constexpr std::int64_t kVocabMax = std::int64_t{1} << 24;
constexpr std::int64_t kLayersMax = 1024;
constexpr std::int64_t kWidthMax = std::int64_t{1} << 20;
constexpr std::uint64_t kSmallFileBytesMax = std::uint64_t{16} << 20;

Result<std::vector<TokenId>> token_ids(const JsonReader& reader, std::string_view key,
                                       std::int64_t vocab_size) {
  HEARTH_TRY(const auto numbers, reader.integers(key, 0, vocab_size - 1));
  return std::vector<TokenId>(numbers.begin(), numbers.end());
}

Result<std::string> pattern(const JsonReader& names, std::string_view key) {
  HEARTH_TRY(std::string text, names.string(key));
  if (const auto checked = onnx::layer_name(text, 0); !checked) {
    return fail(ErrorCode::kInvalidArgument, names.where(key) + ": " + checked.error().message);
  }
  return text;
}

Result<onnx::DecoderIoNames> io_names(const JsonReader& decoder) {
  onnx::DecoderIoNames io;
  HEARTH_TRY(const JsonReader inputs, decoder.object("inputs"));
  HEARTH_TRY(const JsonReader outputs, decoder.object("outputs"));
  HEARTH_TRY(io.input_ids, inputs.string("input_ids"));
  HEARTH_TRY(io.attention_mask, inputs.string_or("attention_mask", ""));
  HEARTH_TRY(io.position_ids, inputs.string_or("position_ids", ""));
  HEARTH_TRY(io.past_key, pattern(inputs, "past_key_names"));
  HEARTH_TRY(io.past_value, pattern(inputs, "past_value_names"));
  HEARTH_TRY(io.logits, outputs.string("logits"));
  HEARTH_TRY(io.present_key, pattern(outputs, "present_key_names"));
  HEARTH_TRY(io.present_value, pattern(outputs, "present_value_names"));
  return io;
}

Result<SearchDefaults> search_defaults(const JsonReader& root) {
  SearchDefaults search;
  if (!root.has("search")) return search;
  HEARTH_TRY(const JsonReader reader, root.object("search"));
  HEARTH_TRY(search.do_sample, reader.boolean_or("do_sample", false));
  HEARTH_TRY(search.temperature, reader.number_or("temperature", 1.0, 0.0, 100.0));
  HEARTH_TRY(search.top_p, reader.number_or("top_p", 1.0, 0.0, 1.0));
  HEARTH_TRY(search.top_k, reader.integer_or("top_k", 0, 0, kVocabMax));
  HEARTH_TRY(search.repetition_penalty, reader.number_or("repetition_penalty", 1.0, 1e-3, 100.0));
  return search;
}

bool is_plain_file_name(const std::string& name) {
  return !name.empty() && name != "." && name != ".." && name.find('/') == std::string::npos &&
         name.find('\0') == std::string::npos;
}

/// A file of the folder; anything that is no regular file (a pipe would never end) is refused.
Result<std::string> read_text(const fs::path& path) {
  HEARTH_TRY_VOID(file_size_bytes(path));
  return read_file(path, kSmallFileBytesMax);
}

Result<Json> read_json(const fs::path& path) {
  HEARTH_TRY(const std::string text, read_text(path));
  return parse_json(text, path.string());
}

/// A special token is written as text or as an object with "content".
std::string special_token(const Json& config, const char* key) {
  const auto found = config.find(key);
  if (found == config.end()) return {};
  if (found->is_string()) return found->get<std::string>();
  if (found->is_object() && found->contains("content") && (*found)["content"].is_string()) {
    return (*found)["content"].get<std::string>();
  }
  return {};
}

/// The template is a text, or a list of named ones of which "default" is meant.
std::string template_of(const Json& config) {
  const auto found = config.find("chat_template");
  if (found == config.end()) return {};
  if (found->is_string()) return found->get<std::string>();
  if (!found->is_array()) return {};
  for (const Json& entry : *found) {
    const bool is_default = entry.is_object() && entry.contains("name") &&
                            entry["name"] == "default" && entry.contains("template") &&
                            entry["template"].is_string();
    if (is_default) return entry["template"].get<std::string>();
  }
  return {};
}

Result<void> read_tokenizer_config(ModelText& model) {
  fs::path path = model.folder / "tokenizer_config.json";
  std::string source;
  std::error_code ignored;
  if (fs::exists(path, ignored)) {
    HEARTH_TRY(const Json config, read_json(path));
    if (!config.is_object()) return fail(ErrorCode::kCorrupt, path.string() + " is not an object");
    source = template_of(config);
    model.bos_token = special_token(config, "bos_token");
    model.eos_token = special_token(config, "eos_token");
  }
  const fs::path template_path = model.folder / "chat_template.jinja";
  if (fs::exists(template_path, ignored)) {
    HEARTH_TRY(source, read_text(template_path));
    path = template_path;
  }
  if (source.empty()) return {};
  HEARTH_TRY(model.chat_template,
             text::ChatTemplate::compile(source, path.string() + ": chat template"));
  return {};
}

tl::unexpected<Error> foreign_tokenizer(const std::string& source, const std::string& what) {
  return fail(ErrorCode::kCorrupt,
              source + ": " + what + ": tokenizer and model do not belong together");
}

/// A tokenizer of another model would give fluent nonsense; its vocabulary and the tokens that the
/// folder's other files name show it.
Result<void> read_tokenizer(ModelText& model, const fs::path& cache_folder) {
  const fs::path path = model.folder / "tokenizer.json";
  HEARTH_TRY_VOID(file_size_bytes(path));
  HEARTH_TRY(model.tokenizer, text::load_tokenizer_cached(path, cache_folder));
  HEARTH_TRY_VOID(check_vocabulary(*model.tokenizer, model.config.vocab_size, path.string()));
  for (const TokenId id : model.stop_ids) {
    if (!model.tokenizer->has_id(id)) {
      return foreign_tokenizer(path.string(),
                               "has no token " + std::to_string(id) +
                                   ", which the model's configuration names as a stop token");
    }
  }
  for (const std::string& token : {model.bos_token, model.eos_token}) {
    if (!token.empty() && !model.tokenizer->id_of(token)) {
      return foreign_tokenizer(path.string(),
                               "has no token \"" + token + "\", which tokenizer_config.json names");
    }
  }
  return {};
}

Result<void> read_stop_ids(ModelText& model) {
  model.stop_ids = model.config.eos_token_ids;
  const fs::path path = model.folder / "generation_config.json";
  std::error_code ignored;
  if (!fs::exists(path, ignored)) return {};
  HEARTH_TRY(const Json config, read_json(path));
  const JsonReader reader(config, path.string());
  HEARTH_TRY(const auto ids, token_ids(reader, "eos_token_id", model.config.vocab_size));
  for (const TokenId id : ids) {
    if (std::find(model.stop_ids.begin(), model.stop_ids.end(), id) == model.stop_ids.end()) {
      model.stop_ids.push_back(id);
    }
  }
  return {};
}

Result<void> same(const ModelFolder& model, const char* what, std::int64_t configured,
                  std::int64_t in_graph) {
  if (configured == in_graph) return {};
  return fail(ErrorCode::kCorrupt, model.folder.string() + ": genai_config.json says " + what +
                                       " is " + std::to_string(configured) + ", the graph of " +
                                       model.model_file.filename().string() + " has " +
                                       std::to_string(in_graph) +
                                       ": these files do not belong together");
}

Result<void> check_agreement(const ModelFolder& model) {
  const GenaiConfig& config = model.config;
  const onnx::DecoderGraphInfo& graph = model.graph;
  HEARTH_TRY_VOID(same(model, "num_hidden_layers", config.num_hidden_layers, graph.layers));
  HEARTH_TRY_VOID(same(model, "num_key_value_heads", config.num_key_value_heads, graph.kv_heads));
  HEARTH_TRY_VOID(same(model, "head_size", config.head_size, graph.head_dim));
  HEARTH_TRY_VOID(same(model, "vocab_size", config.vocab_size, graph.vocab_size));
  if (graph.hidden_size != 0) {
    HEARTH_TRY_VOID(same(model, "hidden_size", config.hidden_size, graph.hidden_size));
  }
  if (graph.rotary_positions && config.context_length > *graph.rotary_positions) {
    return fail(ErrorCode::kCorrupt,
                model.folder.string() + ": genai_config.json says context_length is " +
                    std::to_string(config.context_length) + ", the graph's rotary table ends at " +
                    std::to_string(*graph.rotary_positions) + " positions");
  }
  if (graph.query_heads) {
    HEARTH_TRY_VOID(
        same(model, "num_attention_heads", config.num_attention_heads, *graph.query_heads));
  }
  return {};
}

Result<void> read_graph(ModelFolder& model, const fs::path& cache_folder) {
  HEARTH_TRY(GraphFacts facts, read_graph_facts(model.model_file, model.config.io, cache_folder));
  model.model_digest = facts.model;
  model.graph = std::move(facts.info);
  return check_agreement(model);
}

/// config.json is optional here; where it states a number of genai_config.json's, both must be the
/// same.
Result<void> check_config_json(const ModelText& model) {
  const fs::path path = model.folder / "config.json";
  std::error_code ignored;
  if (!fs::exists(path, ignored)) return {};
  HEARTH_TRY(const Json json, read_json(path));
  const JsonReader reader(json, path.string());
  const std::pair<const char*, std::int64_t> numbers[] = {
      {"vocab_size", model.config.vocab_size},
      {"hidden_size", model.config.hidden_size},
      {"num_hidden_layers", model.config.num_hidden_layers},
      {"num_attention_heads", model.config.num_attention_heads},
      {"num_key_value_heads", model.config.num_key_value_heads},
  };
  for (const auto& [key, configured] : numbers) {
    HEARTH_TRY(const std::int64_t stated, reader.integer_or(key, configured, 1, kVocabMax));
    if (stated != configured) {
      return fail(ErrorCode::kCorrupt, path.string() + ": " + key + " is " +
                                           std::to_string(stated) + ", genai_config.json says " +
                                           std::to_string(configured) +
                                           ": these files do not belong together");
    }
  }
  return {};
}

std::uint64_t folder_size_bytes(const fs::path& folder) {
  std::uint64_t total = 0;
  std::error_code ignored;
  for (fs::directory_iterator entry(folder, ignored), end; entry != end; entry.increment(ignored)) {
    if (const auto size = file_size_bytes(entry->path())) total += *size;
  }
  return total;
}

/// "int4" or "cpu-int4-rtn-block-32" alone does not say which model it is.
std::string display_name(const fs::path& folder) {
  std::error_code ignored;
  const fs::path full = fs::weakly_canonical(folder, ignored);
  const std::string name = full.filename().string();
  const bool is_variant =
      name.find("int4") != std::string::npos || name.find("int8") != std::string::npos ||
      name.find("fp16") != std::string::npos || name.find("fp32") != std::string::npos;
  return is_variant ? full.parent_path().filename().string() + "/" + name : name;
}

}  // namespace

Result<GenaiConfig> parse_genai_config(std::string_view text, std::string_view source) {
  HEARTH_TRY(const Json json, parse_json(text, source));
  const JsonReader root(json, std::string(source));
  GenaiConfig config;
  HEARTH_TRY(const JsonReader model, root.object("model"));
  HEARTH_TRY(const JsonReader decoder, model.object("decoder"));
  HEARTH_TRY(config.model_type, model.string_or("type", ""));
  HEARTH_TRY(config.model_file_name, decoder.string_or("filename", "model.onnx"));
  if (!is_plain_file_name(config.model_file_name)) {
    return fail(ErrorCode::kInvalidArgument, decoder.where("filename") + " is \"" +
                                                 config.model_file_name +
                                                 "\"; expected the name of a file in the folder");
  }
  HEARTH_TRY(config.context_length, model.integer("context_length", 1, kContextTokensMax));
  HEARTH_TRY(config.vocab_size, model.integer("vocab_size", 1, kVocabMax));
  HEARTH_TRY(config.head_size, decoder.integer("head_size", 1, kWidthMax));
  HEARTH_TRY(config.hidden_size, decoder.integer("hidden_size", 1, kWidthMax));
  HEARTH_TRY(config.num_attention_heads, decoder.integer("num_attention_heads", 1, kWidthMax));
  HEARTH_TRY(config.num_hidden_layers, decoder.integer("num_hidden_layers", 1, kLayersMax));
  HEARTH_TRY(config.num_key_value_heads, decoder.integer("num_key_value_heads", 1, kWidthMax));
  HEARTH_TRY(config.eos_token_ids, token_ids(model, "eos_token_id", config.vocab_size));
  HEARTH_TRY(config.io, io_names(decoder));
  HEARTH_TRY(config.search, search_defaults(root));
  return config;
}

namespace {

/// What to do with a folder that holds no model itself.
std::string what_it_may_be(const fs::path& folder) {
  std::vector<std::string> models;
  bool has_safetensors = false;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    std::error_code ignored;
    if (fs::is_regular_file(it->path() / "genai_config.json", ignored)) {
      models.push_back(it->path().filename().string());
    }
    has_safetensors = has_safetensors || it->path().extension() == ".safetensors";
  }
  std::sort(models.begin(), models.end());
  if (!models.empty()) {
    std::string names;
    for (const std::string& name : models) names += (names.empty() ? "" : ", ") + name;
    return "it holds the model folders " + names + "; name one of them";
  }
  if (has_safetensors) {
    return "it holds published weights; make a model of them with: hearth models build --from " +
           shell_word(folder.string()) + " --precision int4 --out FOLDER";
  }
  return "it is not a model folder in the onnxruntime-genai layout, or its download is incomplete";
}

/// The files that text needs, but for the tokenizer: it is the largest of them.
Result<void> read_small_files(const fs::path& folder, ModelText& model) {
  std::error_code ignored;
  if (!fs::is_directory(folder, ignored)) {
    return fail(ErrorCode::kNotFound, "there is no model folder at " + folder.string());
  }
  const fs::path config_path = folder / "genai_config.json";
  if (!fs::exists(config_path, ignored)) {
    return fail(ErrorCode::kNotFound,
                folder.string() + " has no genai_config.json: " + what_it_may_be(folder));
  }
  model.folder = folder;
  model.name = display_name(folder);
  HEARTH_TRY(const std::string text, read_text(config_path));
  HEARTH_TRY(model.config, parse_genai_config(text, config_path.string()));
  if (!fs::exists(folder / "tokenizer.json", ignored)) {
    return fail(ErrorCode::kNotFound, folder.string() + " has no tokenizer.json");
  }
  HEARTH_TRY_VOID(read_stop_ids(model));
  HEARTH_TRY_VOID(check_config_json(model));
  return read_tokenizer_config(model);
}

Result<ModelText> read_model_text(const fs::path& folder, const fs::path& cache_folder) {
  ModelText model;
  HEARTH_TRY_VOID(read_small_files(folder, model));
  HEARTH_TRY_VOID(read_tokenizer(model, cache_folder));
  return model;
}

Result<ModelFolder> read_model_folder(const fs::path& folder, const fs::path& cache_folder) {
  ModelFolder model;
  HEARTH_TRY_VOID(read_small_files(folder, model));
  model.model_file = folder / model.config.model_file_name;
  HEARTH_TRY_VOID(read_graph(model, cache_folder));
  HEARTH_TRY_VOID(read_tokenizer(model, cache_folder));
  model.size_bytes = folder_size_bytes(folder);
  return model;
}

/// A value out of range is a bad argument to whoever parses a text; in a folder it is damage.
template <class Model>
Result<Model> as_damage(Result<Model> model) {
  if (!model && model.error().code == ErrorCode::kInvalidArgument) {
    model.error().code = ErrorCode::kCorrupt;
  }
  return model;
}

}  // namespace

Result<void> check_vocabulary(const text::Tokenizer& tokenizer, std::int64_t vocab_size,
                              const std::string& source) {
  if (static_cast<std::int64_t>(tokenizer.vocab_size()) <= vocab_size) return {};
  return foreign_tokenizer(source, "has ids up to " + std::to_string(tokenizer.vocab_size() - 1) +
                                       ", the model knows " + std::to_string(vocab_size) +
                                       " tokens");
}

Result<ModelFolder> open_model_folder(const fs::path& folder, const fs::path& cache_folder) {
  return as_damage(read_model_folder(folder, cache_folder));
}

Result<ModelText> open_model_text(const fs::path& folder, const fs::path& cache_folder) {
  return as_damage(read_model_text(folder, cache_folder));
}

Result<void> check_has_chat_template(const ModelText& model) {
  if (model.chat_template) return {};
  return fail(ErrorCode::kUnsupported,
              model.folder.string() +
                  " has no chat template, neither in tokenizer_config.json nor as "
                  "chat_template.jinja: this model cannot be chatted with");
}

}  // namespace hearth::runtime
