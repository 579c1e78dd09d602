// Reads tokenizer.json. Every key that could change ids is either followed or refused by name.
#include <algorithm>
#include <unordered_set>

#include "text/byte_level.h"
#include "text/tokenizer_data.h"

namespace hearth::text {
namespace {

// No published vocabulary comes near; guards against an id that would allocate gigabytes.
constexpr std::int64_t kIdMax = (std::int64_t{1} << 24) - 1;

class Reader {
 public:
  Reader(const Json& json, std::string source) : json_(json), source_(std::move(source)) {}

  Result<TokenizerData> run() {
    if (!json_.is_object()) return corrupt("", "expected an object");
    data_.source = source_;
    HEARTH_TRY_VOID(refuse_unsupported());
    HEARTH_TRY_VOID(read_model());
    HEARTH_TRY_VOID(read_added_tokens());
    HEARTH_TRY(data_.pre_tokenizer, PreTokenizer::from_json(value("pre_tokenizer"), source_));
    HEARTH_TRY_VOID(read_post_processor(value("post_processor"), "post_processor"));
    HEARTH_TRY_VOID(check_decoder(value("decoder"), "decoder"));
    return std::move(data_);
  }

 private:
  tl::unexpected<Error> corrupt(const std::string& key, const std::string& what) const {
    return fail(ErrorCode::kCorrupt, source_ + (key.empty() ? "" : ": " + key) + ": " + what);
  }
  tl::unexpected<Error> unsupported(const std::string& key, const std::string& what) const {
    return fail(ErrorCode::kUnsupported, source_ + ": " + key + ": " + what);
  }
  static const Json& member(const Json& object, const char* key) {
    static const Json kNull;
    const auto found = object.find(key);
    return found == object.end() ? kNull : *found;
  }
  const Json& value(const char* key) const { return member(json_, key); }

  Result<void> refuse_unsupported() const {
    for (const char* key : {"normalizer", "truncation", "padding"}) {
      if (value(key).is_null()) continue;
      const Json& type = value(key).is_object() ? member(value(key), "type") : value(key);
      return unsupported(key, "expected null, found " +
                                  (type.is_string() ? type.get<std::string>()
                                                    : std::string(value(key).type_name())) +
                                  ", which would change ids and is not supported");
    }
    return {};
  }

  // --- model -------------------------------------------------------------------------------

  Result<void> read_model() {
    const Json& model = value("model");
    if (!model.is_object()) return corrupt("model", "expected an object");
    const JsonReader reader(model, source_ + ": model");
    // Old files leave the type out; vocabulary and merges together mean BPE.
    HEARTH_TRY(const std::string type, reader.string_or("type", "BPE"));
    if (type != "BPE") return unsupported("model.type", "expected BPE, found " + type);
    for (const char* key : {"continuing_subword_prefix", "end_of_word_suffix"}) {
      HEARTH_TRY(const std::string text, reader.string_or(key, ""));
      if (!text.empty()) return unsupported(std::string("model.") + key, "\"" + text + "\"");
    }
    HEARTH_TRY(const double dropout, reader.number_or("dropout", 0.0, 0.0, 1.0));
    if (dropout != 0.0) return unsupported("model.dropout", "expected null or 0");
    HEARTH_TRY(const bool byte_fallback, reader.boolean_or("byte_fallback", false));
    if (byte_fallback) return unsupported("model.byte_fallback", "expected false, found true");
    HEARTH_TRY(data_.ignore_merges, reader.boolean_or("ignore_merges", false));
    HEARTH_TRY(Vocabulary vocabulary, read_vocab(member(model, "vocab")));
    HEARTH_TRY(MergeTable merges, read_merges(vocabulary, member(model, "merges")));
    data_.model = BpeModel::build(std::move(vocabulary), std::move(merges));
    return {};
  }

  Result<TokenId> read_id(const Json& id, const std::string& key) const {
    if (!id.is_number_integer()) {
      return corrupt(key, "expected an id (a whole number), found " + std::string(id.type_name()));
    }
    const bool too_large =
        id.is_number_unsigned() && id.get<std::uint64_t>() > static_cast<std::uint64_t>(kIdMax);
    const std::int64_t number = too_large ? kIdMax + 1 : id.get<std::int64_t>();
    if (number < 0 || number > kIdMax) {
      return corrupt(key,
                     "id " + id.dump() + " is out of range (0 to " + std::to_string(kIdMax) + ")");
    }
    return static_cast<TokenId>(number);
  }

  Result<Vocabulary> read_vocab(const Json& vocab) {
    if (!vocab.is_object()) return corrupt("model.vocab", "expected an object");
    std::vector<VocabularyEntry> entries;
    entries.reserve(vocab.size());
    std::unordered_set<TokenId> ids;
    ids.reserve(vocab.size());
    for (const auto& [spelling, id_value] : vocab.items()) {
      const std::string key = "model.vocab[\"" + spelling + "\"]";
      HEARTH_TRY(const TokenId id, read_id(id_value, key));
      if (!ids.insert(id).second)
        return corrupt(key, "id " + std::to_string(id) + " is given twice");
      if (auto bytes = byte_level_decode(spelling)) {
        entries.push_back({id, std::move(*bytes), Spelling::kBytes});
      } else {
        entries.push_back({id, spelling, Spelling::kCharacters});
      }
    }
    return Vocabulary::build(entries);
  }

  /// The id of a part of a merge, given in the vocabulary's spelling.
  static Result<TokenId> part_id(const Vocabulary& vocabulary, const std::string& spelling) {
    const auto bytes = byte_level_decode(spelling);
    const TokenId id = spelling.empty() ? -1
                       : bytes          ? vocabulary.find(*bytes).id
                                        : vocabulary.find(spelling, Spelling::kCharacters).id;
    if (id >= 0) return id;
    return fail(ErrorCode::kCorrupt, "\"" + spelling + "\" is not in model.vocab");
  }

  Result<MergeTable> read_merges(const Vocabulary& vocabulary, const Json& list) {
    if (!list.is_array()) return corrupt("model.merges", "expected a list");
    std::vector<Merge> merges;
    merges.reserve(list.size());
    for (std::size_t i = 0; i < list.size(); ++i) {
      const std::string key = "model.merges[" + std::to_string(i) + "]";
      const Json& item = list[i];
      std::string left;
      std::string right;
      if (item.is_string()) {
        const auto& text = item.get_ref<const std::string&>();
        if (text.starts_with("#version")) continue;
        const std::size_t space = text.find(' ');
        if (space == std::string::npos || text.find(' ', space + 1) != std::string::npos) {
          return corrupt(key, "expected two parts with one space between, found \"" + text + "\"");
        }
        left = text.substr(0, space);
        right = text.substr(space + 1);
      } else if (item.is_array() && item.size() == 2 && item[0].is_string() &&
                 item[1].is_string()) {
        left = item[0].get<std::string>();
        right = item[1].get<std::string>();
      } else {
        return corrupt(key, "expected \"a b\" or [\"a\", \"b\"]");
      }
      Merge merge;
      HEARTH_TRY(merge.left, within(key, part_id(vocabulary, left)));
      HEARTH_TRY(merge.right, within(key, part_id(vocabulary, right)));
      HEARTH_TRY(merge.result, within(key, part_id(vocabulary, left + right)));
      merges.push_back(merge);
    }
    return MergeTable(merges);
  }

  Result<TokenId> within(const std::string& key, Result<TokenId> id) const {
    if (!id) return corrupt(key, id.error().message);
    return id;
  }

  // --- added tokens ------------------------------------------------------------------------

  Result<void> read_added_tokens() {
    const Json& list = value("added_tokens");
    if (!list.is_null() && !list.is_array()) return corrupt("added_tokens", "expected a list");
    std::vector<AddedToken> tokens;
    std::unordered_set<TokenId> ids;
    for (std::size_t i = 0; i < list.size(); ++i) {
      const std::string key = "added_tokens[" + std::to_string(i) + "]";
      if (!list[i].is_object()) return corrupt(key, "expected an object");
      HEARTH_TRY(AddedToken token, read_added_token(list[i], key));
      if (!ids.insert(token.id).second) {
        return corrupt(key, "id " + std::to_string(token.id) + " is given twice");
      }
      if (!data_.added_by_content.emplace(token.content, token.id).second) {
        return corrupt(key, "\"" + token.content + "\" is given twice");
      }
      HEARTH_TRY_VOID(place_added_token(token, key));
      tokens.push_back(std::move(token));
    }
    data_.id_end = static_cast<TokenId>(data_.model.vocabulary.size());
    for (const AddedToken& token : tokens) data_.id_end = std::max(data_.id_end, token.id + 1);
    HEARTH_TRY(data_.added, AddedTokens::create(std::move(tokens)));
    return {};
  }

  Result<AddedToken> read_added_token(const Json& item, const std::string& key) const {
    const JsonReader reader(item, source_ + ": " + key);
    AddedToken token;
    HEARTH_TRY(token.id, read_id(member(item, "id"), key + ".id"));
    HEARTH_TRY(token.content, reader.string("content"));
    if (token.content.empty()) return corrupt(key + ".content", "is empty");
    HEARTH_TRY(token.special, reader.boolean_or("special", false));
    HEARTH_TRY(token.lstrip, reader.boolean_or("lstrip", false));
    HEARTH_TRY(token.rstrip, reader.boolean_or("rstrip", false));
    HEARTH_TRY(token.single_word, reader.boolean_or("single_word", false));
    HEARTH_TRY(token.normalized, reader.boolean_or("normalized", !token.special));
    return token;
  }

  /// Added tokens may repeat a vocabulary entry, with the same id, or stand beside the vocabulary.
  Result<void> place_added_token(const AddedToken& token, const std::string& key) {
    const Vocabulary& vocabulary = data_.model.vocabulary;
    std::optional<TokenId> in_vocabulary;
    if (const auto id = part_id(vocabulary, token.content)) in_vocabulary = *id;
    if (in_vocabulary && *in_vocabulary != token.id) {
      return corrupt(key, "\"" + token.content + "\" has id " + std::to_string(token.id) +
                              ", but id " + std::to_string(*in_vocabulary) + " in model.vocab");
    }
    if (!in_vocabulary && vocabulary.has(token.id)) {
      return corrupt(key, "id " + std::to_string(token.id) + " belongs to \"" +
                              byte_level_encode(vocabulary.text(token.id)) + "\" in model.vocab");
    }
    // The library's decoder reads added tokens as byte-level spelling too, where it can. One that
    // is in the vocabulary has its bytes already.
    data_.added_pieces[token.id] = {in_vocabulary
                                        ? std::string(vocabulary.text(token.id))
                                        : byte_level_decode(token.content).value_or(token.content),
                                    token.special};
    return {};
  }

  // --- post-processor and decoder ----------------------------------------------------------

  Result<void> read_post_processor(const Json& processor, const std::string& key) {
    if (processor.is_null()) return {};
    if (!processor.is_object()) return corrupt(key, "expected an object");
    HEARTH_TRY(const std::string type, JsonReader(processor, source_ + ": " + key).string("type"));
    if (type == "ByteLevel") return {};  // concerns offsets only
    if (type == "Sequence") {
      const Json& list = member(processor, "processors");
      if (!list.is_array()) return corrupt(key + ".processors", "expected a list");
      for (std::size_t i = 0; i < list.size(); ++i) {
        HEARTH_TRY_VOID(
            read_post_processor(list[i], key + ".processors[" + std::to_string(i) + "]"));
      }
      return {};
    }
    if (type == "TemplateProcessing") return read_template_processing(processor, key);
    return unsupported(key + ".type",
                       type + " (ByteLevel, TemplateProcessing and Sequence are supported)");
  }

  Result<void> read_template_processing(const Json& processor, const std::string& key) {
    const Json& single = member(processor, "single");
    if (!single.is_array()) return corrupt(key + ".single", "expected a list");
    std::vector<TokenId> before;
    std::vector<TokenId> after;
    int sequences = 0;
    for (std::size_t i = 0; i < single.size(); ++i) {
      const std::string where = key + ".single[" + std::to_string(i) + "]";
      if (single[i].is_object() && single[i].contains("Sequence")) {
        ++sequences;
        continue;
      }
      if (!single[i].is_object() || !member(single[i], "SpecialToken").is_object()) {
        return corrupt(where, "expected Sequence or SpecialToken");
      }
      const Json& name = member(member(single[i], "SpecialToken"), "id");
      const Json& tokens = member(processor, "special_tokens");
      if (!name.is_string() || !tokens.is_object() ||
          !tokens.contains(name.get_ref<const std::string&>())) {
        return corrupt(where, "names no entry of special_tokens");
      }
      const Json& entry = tokens.at(name.get_ref<const std::string&>());
      const Json& ids = entry.is_object() ? member(entry, "ids") : entry;
      if (!ids.is_array()) return corrupt(where, "special_tokens entry without list of ids");
      for (const Json& id_value : ids) {
        HEARTH_TRY(const TokenId id, read_id(id_value, where + " ids"));
        if (!data_.model.vocabulary.has(id) && !data_.added_pieces.contains(id)) {
          return corrupt(where, "id " + std::to_string(id) + " is no token");
        }
        (sequences > 0 ? after : before).push_back(id);
      }
    }
    if (sequences != 1) return unsupported(key + ".single", "expected exactly one Sequence");
    // The outermost processor of a Sequence comes last.
    data_.prefix.insert(data_.prefix.begin(), before.begin(), before.end());
    data_.suffix.insert(data_.suffix.end(), after.begin(), after.end());
    return {};
  }

  /// Decoding is the inverse of the byte-level spelling; a decoder that does more is refused.
  Result<void> check_decoder(const Json& decoder, const std::string& key) const {
    if (decoder.is_null()) return {};
    if (!decoder.is_object()) return corrupt(key, "expected an object");
    HEARTH_TRY(const std::string type, JsonReader(decoder, source_ + ": " + key).string("type"));
    if (type == "ByteLevel") return {};
    const Json& list = member(decoder, "decoders");
    if (type == "Sequence" && list.is_array()) {
      for (std::size_t i = 0; i < list.size(); ++i) {
        HEARTH_TRY_VOID(check_decoder(list[i], key + ".decoders[" + std::to_string(i) + "]"));
      }
      return {};
    }
    return unsupported(key + ".type", type + " (ByteLevel is supported)");
  }

  const Json& json_;
  std::string source_;
  TokenizerData data_;
};

}  // namespace

Result<TokenizerData> read_tokenizer_json(const Json& json, const std::string& source) {
  return Reader(json, source).run();
}

}  // namespace hearth::text
