// Reads tokenizer.json. Every key that could change ids or text is followed or refused by name, but
// for "truncation" and "padding": they are left in published files by whoever saved them, and who
// loads such a file neither wants a prompt cut nor filled up.
#include <algorithm>
#include <string>
#include <unordered_set>
#include <utility>

#include "text/byte_level.h"
#include "text/json_fields.h"
#include "text/model_json.h"
#include "text/tokenizer_data.h"
#include "text/tokenizer_file.h"

namespace hearth::text {
namespace {

const Json& member(const Json& object, const char* key) {
  static const Json kNull;
  const auto found = object.find(key);
  return found == object.end() ? kNull : *found;
}

/// Reads "added_tokens" into `data`, which has its model and its normalizer.
class AddedTokensReader {
 public:
  explicit AddedTokensReader(TokenizerData& data) : data_(data) {}

  Result<void> run(const Json& list) {
    if (!list.is_null() && !list.is_array()) return corrupt("added_tokens", "expected a list");
    std::vector<AddedToken> tokens;
    std::unordered_set<TokenId> ids;
    for (std::size_t i = 0; i < list.size(); ++i) {
      const std::string key = "added_tokens[" + std::to_string(i) + "]";
      if (!list[i].is_object()) return corrupt(key, "expected an object");
      HEARTH_TRY(AddedToken token, read(list[i], key));
      if (!ids.insert(token.id).second) {
        return corrupt(key, "id " + std::to_string(token.id) + " is given twice");
      }
      if (!data_.added_by_content.emplace(token.content, token.id).second) {
        return corrupt(key, "\"" + token.content + "\" is given twice");
      }
      HEARTH_TRY_VOID(place(token, key));
      tokens.push_back(std::move(token));
    }
    data_.id_end = static_cast<TokenId>(data_.model.vocabulary.size());
    for (const AddedToken& token : tokens) data_.id_end = std::max(data_.id_end, token.id + 1);
    HEARTH_TRY(data_.added, AddedTokens::create(std::move(tokens)));
    return {};
  }

 private:
  tl::unexpected<Error> corrupt(const std::string& key, const std::string& what) const {
    return fail(ErrorCode::kCorrupt, data_.source + ": " + key + ": " + what);
  }

  Result<AddedToken> read(const Json& item, const std::string& key) {
    const JsonReader reader(item, data_.source + ": " + key);
    AddedToken token;
    HEARTH_TRY(token.id, read_token_id(member(item, "id"), data_.source + ": " + key + ".id"));
    HEARTH_TRY(token.content, reader.string("content"));
    if (token.content.empty()) return corrupt(key + ".content", "is empty");
    HEARTH_TRY(token.special, reader.boolean_or("special", false));
    HEARTH_TRY(token.lstrip, reader.boolean_or("lstrip", false));
    HEARTH_TRY(token.rstrip, reader.boolean_or("rstrip", false));
    HEARTH_TRY(token.single_word, reader.boolean_or("single_word", false));
    HEARTH_TRY(token.normalized, reader.boolean_or("normalized", !token.special));
    token.searched = token.content;
    if (token.normalized) {
      std::string storage;
      HEARTH_TRY(const std::string_view normalized, data_.normalizer.apply(token.content, storage));
      token.searched = normalized;
      if (normalized.empty()) return corrupt(key, "the normalizer leaves nothing of its content");
    }
    // The library refuses such files; no text could tell the two tokens apart.
    if (token.normalized && !searched_.insert(token.searched).second) {
      return corrupt(key, "the normalizer leaves the same of it as of a token before");
    }
    return token;
  }

  /// Added tokens may repeat a vocabulary entry, with the same id, or stand beside the vocabulary.
  Result<void> place(const AddedToken& token, const std::string& key) {
    const TokenId entry = data_.entry_of(token.content);
    if (entry >= 0 && entry != token.id) {
      return corrupt(key, "\"" + token.content + "\" has id " + std::to_string(token.id) +
                              ", but id " + std::to_string(entry) + " in model.vocab");
    }
    if (entry < 0 && data_.model.vocabulary.has(token.id)) {
      return corrupt(key, "id " + std::to_string(token.id) + " belongs to \"" +
                              data_.written(token.id) + "\" in model.vocab");
    }
    TokenizerData::AddedPiece piece{token.searched, token.searched, token.special};
    // The library's decoder reads added tokens as byte-level spelling too, where it can.
    if (data_.spelling() == Spelling::kBytes) {
      if (auto bytes = byte_level_decode(piece.written)) piece.text = std::move(*bytes);
    }
    data_.added_pieces[token.id] = std::move(piece);
    return {};
  }

  TokenizerData& data_;
  std::unordered_set<std::string> searched_;  // of the tokens that are searched normalized
};

Result<void> read_model_settings(const Json& settings, TokenizerData& data) {
  const JsonReader reader(member(settings, "model"), data.source + ": model");
  HEARTH_TRY(data.ignore_merges, reader.boolean_or("ignore_merges", false));
  if (spelling_of(data.model) == Spelling::kCharacters) {
    HEARTH_TRY(data.characters, CharacterBpe::from_json(reader, data.model));
  }
  return {};
}

Result<void> check_metaspace(const TokenizerData& data) {
  if (!data.pre_tokenizer.asks_for_begin() || data.normalizer.keeps_begin()) return {};
  return fail(
      ErrorCode::kUnsupported,
      data.source +
          ": pre_tokenizer: Metaspace with prepend_scheme \"first\" is supported only after "
          "a normalizer that takes nothing away from the begin of the text");
}

}  // namespace

Result<TokenizerData> read_tokenizer_rest(const Json& rest, BpeModel model,
                                          const std::string& source) {
  TokenizerData data;
  data.source = source;
  data.model = std::move(model);
  HEARTH_TRY_VOID(read_model_settings(rest, data));
  HEARTH_TRY(data.normalizer, Normalizer::from_json(member(rest, "normalizer"), source));
  HEARTH_TRY_VOID(AddedTokensReader(data).run(member(rest, "added_tokens")));
  HEARTH_TRY(data.pre_tokenizer,
             PreTokenizer::from_json(member(rest, "pre_tokenizer"), source, data.spelling()));
  HEARTH_TRY_VOID(check_metaspace(data));
  const auto has_id = [&data](TokenId id) {
    return data.model.vocabulary.has(id) || data.added_pieces.contains(id);
  };
  HEARTH_TRY(data.post, read_post_processor(member(rest, "post_processor"), source, has_id));
  HEARTH_TRY(data.decoder, TokenDecoder::from_json(member(rest, "decoder"), source));
  return data;
}

Result<TokenizerContent> read_tokenizer_json(std::string_view json, const std::string& source) {
  HEARTH_TRY(const TokenizerFile file, TokenizerFile::parse(json, source));
  HEARTH_TRY(const Normalizer normalizer,
             Normalizer::from_json(member(file.settings, "normalizer"), source));
  const bool may_spell_bytes =
      PreTokenizer::ends_in_byte_level(member(file.settings, "pre_tokenizer")) &&
      !normalizer.spells_bytes();
  HEARTH_TRY(BpeModel model, read_model(file, may_spell_bytes));
  HEARTH_TRY(TokenizerData data, read_tokenizer_rest(file.settings, std::move(model), source));
  if (data.characters) data.model = data.characters->mark_stable(data.model);
  return TokenizerContent{std::move(data), file.settings.dump()};
}

}  // namespace hearth::text
