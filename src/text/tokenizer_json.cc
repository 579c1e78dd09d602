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
    HEARTH_TRY_VOID(read_vocab(member(model, "vocab")));
    return read_merges(member(model, "merges"));
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

  TokenizerData::Piece& piece_at(TokenId id) { return data_.pieces[static_cast<std::size_t>(id)]; }

  /// Makes room for every id of the file at once: `by_bytes` looks into the pieces, so that they
  /// must not move later.
  Result<void> make_pieces(const Json& vocab) {
    TokenId largest = -1;
    for (const auto& [spelling, id_value] : vocab.items()) {
      HEARTH_TRY(const TokenId id, read_id(id_value, "model.vocab[\"" + spelling + "\"]"));
      largest = std::max(largest, id);
    }
    const Json& added = value("added_tokens");
    if (!added.is_null() && !added.is_array()) return corrupt("added_tokens", "expected a list");
    for (std::size_t i = 0; i < added.size(); ++i) {
      const std::string key = "added_tokens[" + std::to_string(i) + "]";
      if (!added[i].is_object()) return corrupt(key, "expected an object");
      HEARTH_TRY(const TokenId id, read_id(member(added[i], "id"), key + ".id"));
      largest = std::max(largest, id);
    }
    data_.pieces.resize(static_cast<std::size_t>(largest) + 1);
    return {};
  }

  Result<void> read_vocab(const Json& vocab) {
    if (!vocab.is_object()) return corrupt("model.vocab", "expected an object");
    HEARTH_TRY_VOID(make_pieces(vocab));
    std::vector<TokenId> byte_level_ids;
    byte_level_ids.reserve(vocab.size());
    for (const auto& [spelling, id_value] : vocab.items()) {
      const std::string key = "model.vocab[\"" + spelling + "\"]";
      HEARTH_TRY(const TokenId id, read_id(id_value, key));
      TokenizerData::Piece& piece = piece_at(id);
      if (piece.exists) return corrupt(key, "id " + std::to_string(id) + " is given twice");
      piece.exists = true;
      if (auto bytes = byte_level_decode(spelling)) {
        piece.bytes = std::move(*bytes);
        byte_level_ids.push_back(id);
      } else {
        piece.bytes = spelling;
        data_.by_spelling.emplace(spelling, id);
      }
    }
    data_.by_bytes.reserve(byte_level_ids.size());
    for (const TokenId id : byte_level_ids) data_.by_bytes.emplace(piece_at(id).bytes, id);
    data_.byte_ids.fill(-1);
    for (int byte = 0; byte < 256; ++byte) {
      const char c = static_cast<char>(byte);
      const auto found = data_.by_bytes.find(std::string_view(&c, 1));
      if (found != data_.by_bytes.end()) {
        data_.byte_ids[static_cast<std::size_t>(byte)] = found->second;
      }
    }
    return {};
  }

  /// The id of a part of a merge, given in the vocabulary's spelling.
  Result<TokenId> part_id(const std::string& spelling, const std::string& key) const {
    if (const auto bytes = byte_level_decode(spelling)) {
      const auto found = data_.by_bytes.find(*bytes);
      if (found != data_.by_bytes.end()) return found->second;
    } else {
      const auto found = data_.by_spelling.find(spelling);
      if (found != data_.by_spelling.end()) return found->second;
    }
    return corrupt(key, "\"" + spelling + "\" is not in model.vocab");
  }

  Result<void> read_merges(const Json& list) {
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
      HEARTH_TRY(merge.left, part_id(left, key));
      HEARTH_TRY(merge.right, part_id(right, key));
      HEARTH_TRY(merge.result, part_id(left + right, key));
      merges.push_back(merge);
    }
    data_.merges = MergeTable(merges);
    return {};
  }

  // --- added tokens ------------------------------------------------------------------------

  Result<void> read_added_tokens() {
    const Json& list = value("added_tokens");  // make_pieces() has looked at its shape
    std::vector<AddedToken> tokens;
    std::unordered_set<TokenId> ids;
    for (std::size_t i = 0; i < list.size(); ++i) {
      const std::string key = "added_tokens[" + std::to_string(i) + "]";
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
    std::optional<TokenId> in_vocabulary;
    if (const auto id = part_id(token.content, key)) in_vocabulary = *id;
    if (in_vocabulary && *in_vocabulary != token.id) {
      return corrupt(key, "\"" + token.content + "\" has id " + std::to_string(token.id) +
                              ", but id " + std::to_string(*in_vocabulary) + " in model.vocab");
    }
    TokenizerData::Piece& piece = piece_at(token.id);
    if (!in_vocabulary && piece.exists) {
      return corrupt(key, "id " + std::to_string(token.id) + " belongs to \"" +
                              byte_level_encode(piece.bytes) + "\" in model.vocab");
    }
    piece.exists = true;
    piece.special = token.special;
    // The library's decoder reads added tokens as byte-level spelling too, where it can. One that
    // is in the vocabulary has its bytes already.
    if (!in_vocabulary) piece.bytes = byte_level_decode(token.content).value_or(token.content);
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
        const auto index = static_cast<std::size_t>(id);
        if (index >= data_.pieces.size() || !data_.pieces[index].exists) {
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
