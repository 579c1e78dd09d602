// Tokenizer: encode and decode over immutable TokenizerData.
#include "text/tokenizer.h"

#include "base/file.h"
#include "text/encode.h"
#include "text/stream_decoder.h"
#include "text/tokenizer_data.h"
#include "text/utf8.h"

namespace hearth::text {
Result<Tokenizer> Tokenizer::load(const std::filesystem::path& tokenizer_json) {
  HEARTH_TRY(const std::string text, read_file(tokenizer_json));
  return from_json(text, tokenizer_json.string());
}

Result<Tokenizer> Tokenizer::from_json(std::string_view text, std::string_view source) {
  HEARTH_TRY(TokenizerContent content, read_tokenizer_json(text, std::string(source)));
  return of(std::move(content.data));
}

Tokenizer Tokenizer::of(TokenizerData data) {
  return Tokenizer(std::make_shared<const TokenizerData>(std::move(data)));
}

Result<std::vector<TokenId>> Tokenizer::encode(std::string_view utf8, EncodeOptions options) const {
  if (options.replace_invalid && utf8_find_invalid(utf8)) {
    options.replace_invalid = false;
    return encode(utf8_replace_invalid(utf8), options);
  }
  HEARTH_TRY_VOID(check_encodable(utf8, 0));
  std::vector<TokenId> ids;
  if (options.add_post_tokens) ids = data_->post.before;
  ids.reserve(ids.size() + utf8.size() / 3 + 8);
  HEARTH_TRY_VOID(encode_from(*data_, utf8, 0, options.parse_special, ids, nullptr));
  if (options.add_post_tokens) {
    ids.insert(ids.end(), data_->post.after.begin(), data_->post.after.end());
  }
  return ids;
}

Result<std::string> Tokenizer::decode(std::span<const TokenId> ids, bool skip_special) const {
  StreamDecoder decoder(*this, skip_special);
  std::string text;
  for (const TokenId id : ids) HEARTH_TRY_VOID(decoder.push(id, text));
  decoder.flush(text);
  return text;
}

Result<std::string_view> Tokenizer::piece(TokenId id) const {
  if (!has_id(id)) {
    return fail(ErrorCode::kInvalidArgument,
                data_->source + " has no token with id " + std::to_string(id));
  }
  return data_->text(id);
}

std::optional<TokenId> Tokenizer::id_of(std::string_view token) const {
  const auto added = data_->added_by_content.find(std::string(token));
  if (added != data_->added_by_content.end()) return added->second;
  const TokenId id = data_->entry_of(token);
  return id < 0 ? std::nullopt : std::optional(id);
}

std::size_t Tokenizer::vocab_size() const { return static_cast<std::size_t>(data_->id_end); }

std::vector<std::string> Tokenizer::special_tokens() const {
  std::vector<std::string> spellings;
  for (const auto& [spelling, id] : data_->added_by_content) {
    if (is_special(id)) spellings.push_back(spelling);
  }
  return spellings;
}

bool Tokenizer::is_special(TokenId id) const {
  const auto added = data_->added_pieces.find(id);
  return added != data_->added_pieces.end() && added->second.special;
}

bool Tokenizer::is_added(TokenId id) const { return data_->added_pieces.contains(id); }

bool Tokenizer::has_id(TokenId id) const {
  return data_->model.vocabulary.has(id) || data_->added_pieces.contains(id);
}

}  // namespace hearth::text
