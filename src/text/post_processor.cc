#include "text/post_processor.h"

#include <utility>

#include "text/json_fields.h"

namespace hearth::text {
namespace {

class Reader {
 public:
  Reader(const std::string& source, const std::function<bool(TokenId)>& has_id)
      : source_(source), has_id_(has_id) {}

  Result<void> read(const Json& processor, const std::string& key) {
    if (!processor.is_object()) return corrupt(key, "expected an object");
    HEARTH_TRY(const std::string type, JsonReader(processor, source_ + ": " + key).string("type"));
    if (type == "ByteLevel") return {};
    if (type == "Sequence") return read_sequence(processor, key);
    PostTokens tokens;
    if (type == "TemplateProcessing") {
      HEARTH_TRY(tokens, read_template(processor, key));
    } else if (type == "BertProcessing" || type == "RobertaProcessing") {
      HEARTH_TRY(const TokenId cls, read_pair(processor, key, "cls"));
      HEARTH_TRY(const TokenId sep, read_pair(processor, key, "sep"));
      tokens = {{cls}, {sep}};
    } else {
      return unsupported(key + ".type", type +
                                            " is not supported (ByteLevel, TemplateProcessing, "
                                            "BertProcessing, RobertaProcessing and Sequence are)");
    }
    if (std::exchange(adds_tokens_, true)) {
      return unsupported(key, "a second processor that adds tokens");
    }
    tokens_ = std::move(tokens);
    return {};
  }

  PostTokens take() { return std::move(tokens_); }

 private:
  tl::unexpected<Error> corrupt(const std::string& key, const std::string& what) const {
    return fail(ErrorCode::kCorrupt, source_ + ": " + key + ": " + what);
  }
  tl::unexpected<Error> unsupported(const std::string& key, const std::string& what) const {
    return fail(ErrorCode::kUnsupported, source_ + ": " + key + ": " + what);
  }

  Result<void> read_sequence(const Json& processor, const std::string& key) {
    const auto list = processor.find("processors");
    if (list == processor.end() || !list->is_array()) {
      return corrupt(key + ".processors", "expected a list");
    }
    for (std::size_t i = 0; i < list->size(); ++i) {
      HEARTH_TRY_VOID(read((*list)[i], key + ".processors[" + std::to_string(i) + "]"));
    }
    return {};
  }

  Result<TokenId> read_token(const Json& value, const std::string& key) const {
    HEARTH_TRY(const TokenId id, read_token_id(value, source_ + ": " + key));
    if (has_id_(id)) return id;
    return corrupt(key, "id " + std::to_string(id) + " is no token");
  }

  /// ["[CLS]", 101]
  Result<TokenId> read_pair(const Json& processor, const std::string& key, const char* name) const {
    const auto pair = processor.find(name);
    if (pair == processor.end() || !pair->is_array() || pair->size() != 2) {
      return corrupt(key + "." + name, "expected a token and its id");
    }
    return read_token((*pair)[1], key + "." + name);
  }

  /// The list of pieces around the one text.
  Result<PostTokens> read_template(const Json& processor, const std::string& key) const {
    const auto single = processor.find("single");
    if (single == processor.end() || !single->is_array()) {
      return corrupt(key + ".single", "expected a list");
    }
    PostTokens tokens;
    int texts = 0;
    for (std::size_t i = 0; i < single->size(); ++i) {
      const Json& piece = (*single)[i];
      const std::string where = key + ".single[" + std::to_string(i) + "]";
      if (piece.is_object() && piece.contains("Sequence")) {
        ++texts;
        HEARTH_TRY_VOID(check_text(piece, where));
        continue;
      }
      HEARTH_TRY_VOID(
          read_special_token(processor, piece, where, texts > 0 ? tokens.after : tokens.before));
    }
    if (texts != 1) return unsupported(key + ".single", "expected exactly one Sequence");
    return tokens;
  }

  Result<void> check_text(const Json& piece, const std::string& where) const {
    const Json& text = piece.at("Sequence");
    if (text.is_object() && text.value("id", Json("A")) != "A") {
      return unsupported(where, "expected the text A");
    }
    return {};
  }

  Result<void> read_special_token(const Json& processor, const Json& piece,
                                  const std::string& where, std::vector<TokenId>& out) const {
    if (!piece.is_object() || !piece.contains("SpecialToken")) {
      return corrupt(where, "expected Sequence or SpecialToken");
    }
    const Json& special = piece.at("SpecialToken");
    const Json name = special.is_object() ? special.value("id", Json()) : Json();
    const Json tokens = processor.value("special_tokens", Json());
    if (!name.is_string() || !tokens.is_object() || !tokens.contains(name.get<std::string>())) {
      return corrupt(where, "names no entry of special_tokens");
    }
    const Json& entry = tokens.at(name.get<std::string>());
    const Json ids = entry.is_object() ? entry.value("ids", Json()) : Json();
    if (!ids.is_array()) return corrupt(where, "special_tokens entry without list of ids");
    for (const Json& value : ids) {
      HEARTH_TRY(const TokenId id, read_token(value, where));
      out.push_back(id);
    }
    return {};
  }

  const std::string& source_;
  const std::function<bool(TokenId)>& has_id_;
  PostTokens tokens_;
  bool adds_tokens_ = false;
};

}  // namespace

Result<PostTokens> read_post_processor(const Json& value, const std::string& source,
                                       const std::function<bool(TokenId)>& has_id) {
  Reader reader(source, has_id);
  if (!value.is_null()) HEARTH_TRY_VOID(reader.read(value, "post_processor"));
  return reader.take();
}

}  // namespace hearth::text
