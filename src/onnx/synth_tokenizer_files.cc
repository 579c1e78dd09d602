// The tokenizer's six files, in the form in which the release has them.
#include "base/json_reader.h"
#include "onnx/synth_tokenizer.h"

namespace hearth::onnx {
namespace {

/// Phi-4-mini's chat template, byte for byte.
constexpr const char* kChatTemplate =
    "{% for message in messages %}{% if message['role'] == 'system' and 'tools' in message and "
    "message['tools'] is not none %}{{ '<|' + message['role'] + '|>' + message['content'] + "
    "'<|tool|>' + message['tools'] + '<|/tool|>' + '<|end|>' }}{% else %}{{ '<|' + "
    "message['role'] + '|>' + message['content'] + '<|end|>' }}{% endif %}{% endfor %}{% if "
    "add_generation_prompt %}{{ '<|assistant|>' }}{% else %}{{ eos_token }}{% endif %}";

/// The o200k rule for cutting text before merging.
constexpr const char* kSplitPattern =
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+)"
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)?|)"
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*)"
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|)"
    R"(\s+(?!\S)|\s+)";

/// The first two added tokens are in the vocabulary too, and so is every id between: the release's
/// added_tokens.json leaves out exactly those, which it would not were they beyond the vocabulary.
/// It matters, because the `tokenizers` library numbers added tokens from the vocabulary's size on.
constexpr std::size_t kAddedInVocab = 2;

OrderedJson byte_level() {
  OrderedJson json;
  json["type"] = "ByteLevel";
  json["add_prefix_space"] = false;
  json["trim_offsets"] = true;
  json["use_regex"] = false;
  return json;
}

OrderedJson vocab(const SynthTokenizer& tokenizer) {
  // Filled as the list it is: ordered_json's own insertion scans all earlier keys.
  OrderedJson::object_t entries;
  OrderedJson::object_t::Container& list = entries;
  std::int64_t id = 0;
  for (const std::string& token : tokenizer.tokens) list.emplace_back(token, id++);
  for (std::size_t i = 0; i < kAddedInVocab; ++i) {
    const AddedToken& added = tokenizer.added[i];
    for (; id < added.id; ++id) list.emplace_back("<|reserved_" + std::to_string(id) + "|>", id);
    list.emplace_back(added.content, id++);
  }
  return entries;
}

OrderedJson added_token_flags(const AddedToken& token) {
  OrderedJson json;
  json["content"] = token.content;
  json["lstrip"] = false;
  json["normalized"] = false;
  json["rstrip"] = token.rstrip;
  json["single_word"] = false;
  json["special"] = token.special;
  return json;
}

}  // namespace

std::string tokenizer_json(const SynthTokenizer& tokenizer) {
  OrderedJson json;
  json["version"] = "1.0";
  json["truncation"] = nullptr;
  json["padding"] = nullptr;
  json["added_tokens"] = OrderedJson::array();
  for (const AddedToken& token : tokenizer.added) {
    OrderedJson entry;
    entry["id"] = token.id;
    entry["content"] = token.content;
    entry["single_word"] = false;
    entry["lstrip"] = false;
    entry["rstrip"] = token.rstrip;
    entry["normalized"] = false;
    entry["special"] = token.special;
    json["added_tokens"].push_back(std::move(entry));
  }
  json["normalizer"] = nullptr;
  OrderedJson split;
  split["type"] = "Split";
  split["pattern"]["Regex"] = kSplitPattern;
  split["behavior"] = "Removed";
  split["invert"] = true;
  json["pre_tokenizer"]["type"] = "Sequence";
  json["pre_tokenizer"]["pretokenizers"] = {std::move(split), byte_level()};
  json["post_processor"] = byte_level();
  json["decoder"] = byte_level();
  OrderedJson& model = json["model"];
  model["type"] = "BPE";
  model["dropout"] = nullptr;
  model["unk_token"] = nullptr;
  model["continuing_subword_prefix"] = "";
  model["end_of_word_suffix"] = "";
  model["fuse_unk"] = false;
  model["byte_fallback"] = false;
  model["ignore_merges"] = false;
  model["vocab"] = vocab(tokenizer);
  OrderedJson& merges = model["merges"] = OrderedJson::array();
  for (const auto& [left, right] : tokenizer.merges) {
    merges.push_back(OrderedJson::array({left, right}));
  }
  return json.dump(2);
}

std::string tokenizer_config_json(const SynthTokenizer& tokenizer, std::int64_t length_max) {
  const std::string& end_of_text = tokenizer.added[0].content;
  OrderedJson json;
  json["add_bos_token"] = false;
  json["add_eos_token"] = false;
  json["add_prefix_space"] = false;
  for (const AddedToken& token : tokenizer.added) {
    json["added_tokens_decoder"][std::to_string(token.id)] = added_token_flags(token);
  }
  json["bos_token"] = end_of_text;
  json["chat_template"] = kChatTemplate;
  json["clean_up_tokenization_spaces"] = false;
  json["eos_token"] = end_of_text;
  json["extra_special_tokens"] = OrderedJson::object();
  json["model_max_length"] = length_max;
  json["pad_token"] = end_of_text;
  json["tokenizer_class"] = "GPT2Tokenizer";
  json["unk_token"] = end_of_text;
  return json.dump(2) + "\n";
}

std::string special_tokens_map_json(const SynthTokenizer& tokenizer) {
  OrderedJson token = added_token_flags(tokenizer.added[0]);
  token.erase("special");
  OrderedJson json;
  for (const char* role : {"bos_token", "eos_token", "pad_token", "unk_token"}) json[role] = token;
  return json.dump(2) + "\n";
}

std::string added_tokens_json(const SynthTokenizer& tokenizer) {
  Json json;  // sorted by content
  for (std::size_t i = kAddedInVocab; i < tokenizer.added.size(); ++i) {
    json[tokenizer.added[i].content] = tokenizer.added[i].id;
  }
  return json.dump(2) + "\n";
}

std::string vocab_json(const SynthTokenizer& tokenizer) { return vocab(tokenizer).dump(); }

std::string merges_txt(const SynthTokenizer& tokenizer) {
  std::string text = "#version: 0.2\n";
  for (const auto& [left, right] : tokenizer.merges) {
    text.append(left).append(" ").append(right).append("\n");
  }
  return text;
}

}  // namespace hearth::onnx
