// Tokenizer: encode and decode over immutable TokenizerData.
#include "text/tokenizer.h"

#include <algorithm>
#include <array>

#include "base/file.h"
#include "text/stream_decoder.h"
#include "text/tokenizer_data.h"
#include "text/utf8.h"

namespace hearth::text {
namespace {

// The merger numbers bytes of a piece with 31 bits.
constexpr std::size_t kTextBytesMax = std::size_t{1} << 30;

std::string hex_byte(char byte) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  const auto value = static_cast<unsigned char>(byte);
  return {'0', 'x', kDigits[value >> 4], kDigits[value & 15]};
}

Result<void> encode_piece(const TokenizerData& data, Bpe& bpe, std::string_view piece,
                          const TextKey& key, std::vector<TokenId>& out) {
  const Vocabulary::Found whole = data.model.vocabulary.find(piece, key, Spelling::kBytes);
  if (whole.id >= 0 && (whole.stable || data.ignore_merges)) {
    out.push_back(whole.id);
    return {};
  }
  if (const auto at = bpe.append(piece, out)) {
    return fail(ErrorCode::kCorrupt, data.source + ": model.vocab has no token for the byte " +
                                         hex_byte(piece[*at]) + ", which the text needs");
  }
  return {};
}

// Enough lookups under way at once to hide the way to memory, few enough to stay in the first
// cache.
constexpr std::size_t kPiecesAtOnce = 32;

Result<void> encode_pieces(const TokenizerData& data, Bpe& bpe,
                           std::span<const std::string_view> pieces, std::vector<TokenId>& out) {
  std::array<TextKey, kPiecesAtOnce> keys;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    keys[i] = TextKey(pieces[i]);
    data.model.vocabulary.prefetch(keys[i]);
  }
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    HEARTH_TRY_VOID(encode_piece(data, bpe, pieces[i], keys[i], out));
  }
  return {};
}

/// Appends the ids of normalized text without added tokens; `at_begin` says whether it is the begin
/// of what is encoded.
Result<void> encode_text(const TokenizerData& data, Bpe& bpe, std::string_view text, bool at_begin,
                         std::vector<TokenId>& out) {
  if (data.characters) {
    HEARTH_TRY(const PreTokenizer::Pieces pieces, data.pre_tokenizer.run(text, at_begin));
    for (const std::string_view piece : pieces.views) {
      HEARTH_TRY_VOID(data.characters->append(data.model, piece, bpe, out));
    }
    return {};
  }
  if (const auto scanner = data.pre_tokenizer.only_scanner()) {
    std::array<std::string_view, kPiecesAtOnce> pieces;
    std::size_t at = 0;
    while (const std::size_t count = scan::next_pieces(*scanner, text, at, pieces)) {
      HEARTH_TRY_VOID(encode_pieces(data, bpe, {pieces.data(), count}, out));
    }
    return {};
  }
  HEARTH_TRY(const PreTokenizer::Pieces pieces, data.pre_tokenizer.run(text, at_begin));
  for (std::size_t at = 0; at < pieces.views.size(); at += kPiecesAtOnce) {
    const std::size_t count = std::min(kPiecesAtOnce, pieces.views.size() - at);
    HEARTH_TRY_VOID(encode_pieces(data, bpe, {pieces.views.data() + at, count}, out));
  }
  return {};
}

/// Appends the ids of text that holds no added token but such as are searched normalized.
Result<void> encode_segment(const TokenizerData& data, Bpe& bpe, std::string_view text,
                            bool at_begin, bool parse_special, std::vector<TokenId>& out) {
  std::string storage;
  HEARTH_TRY(const std::string_view normalized, data.normalizer.apply(text, storage));
  std::vector<AddedSegment> segments;
  data.added.split_normalized(normalized, parse_special, segments);
  for (const AddedSegment& segment : segments) {
    if (segment.token) {
      out.push_back(*segment.token);
      continue;
    }
    const bool first = at_begin && segment.text.data() == normalized.data();
    HEARTH_TRY_VOID(encode_text(data, bpe, segment.text, first, out));
  }
  return {};
}

}  // namespace

Result<Tokenizer> Tokenizer::load(const std::filesystem::path& tokenizer_json) {
  HEARTH_TRY(const std::string text, read_file(tokenizer_json));
  return from_json(text, tokenizer_json.string());
}

Result<Tokenizer> Tokenizer::from_json(std::string_view text, std::string_view source) {
  HEARTH_TRY(TokenizerContent content, read_tokenizer_json(text, std::string(source)));
  return Tokenizer(std::make_shared<const TokenizerData>(std::move(content.data)));
}

Result<std::vector<TokenId>> Tokenizer::encode(std::string_view utf8, EncodeOptions options) const {
  if (utf8.size() > kTextBytesMax) {
    return fail(ErrorCode::kInvalidArgument, "the text has " + with_thousands(utf8.size()) +
                                                 " bytes, more than the " +
                                                 with_thousands(kTextBytesMax) + " allowed");
  }
  if (const auto invalid = utf8_find_invalid(utf8)) {
    return fail(ErrorCode::kInvalidArgument, "the text is not UTF-8: invalid byte " +
                                                 hex_byte(utf8[*invalid]) + " at offset " +
                                                 std::to_string(*invalid));
  }
  std::vector<TokenId> ids;
  ids.reserve(utf8.size() / 3 + 8);
  if (options.add_post_tokens) ids = data_->post.before;
  std::vector<AddedSegment> segments;
  data_->added.split(utf8, options.parse_special, segments);
  Bpe bpe(data_->model.merges, data_->model.byte_ids);
  for (const AddedSegment& segment : segments) {
    if (segment.token) {
      ids.push_back(*segment.token);
    } else {
      HEARTH_TRY_VOID(encode_segment(*data_, bpe, segment.text, segment.text.data() == utf8.data(),
                                     options.parse_special, ids));
    }
  }
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

bool Tokenizer::has_id(TokenId id) const {
  return data_->model.vocabulary.has(id) || data_->added_pieces.contains(id);
}

}  // namespace hearth::text
