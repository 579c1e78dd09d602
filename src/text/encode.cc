// Encoding: added tokens first, then normalization, pieces and merges of what is between them.
#include "text/encode.h"

#include <algorithm>
#include <array>
#include <span>
#include <string>

#include "base/file.h"
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

Result<void> check_encodable(std::string_view utf8, std::size_t from) {
  if (utf8.size() > kTextBytesMax) {
    return fail(ErrorCode::kInvalidArgument, "the text has " + with_thousands(utf8.size()) +
                                                 " bytes, more than the " +
                                                 with_thousands(kTextBytesMax) + " allowed");
  }
  if (const auto invalid = utf8_find_invalid(utf8.substr(from))) {
    return fail(ErrorCode::kInvalidArgument, "the text is not UTF-8: invalid byte " +
                                                 hex_byte(utf8[from + *invalid]) + " at offset " +
                                                 std::to_string(from + *invalid));
  }
  return {};
}

Result<void> encode_from(const TokenizerData& data, std::string_view utf8, std::size_t from,
                         bool parse_special, std::vector<TokenId>& ids,
                         std::vector<EncodeCut>* cuts) {
  std::vector<AddedSegment> segments;
  data.added.split(utf8, from, parse_special, segments);
  Bpe bpe(data.model.merges, data.model.byte_ids);
  for (const AddedSegment& segment : segments) {
    if (!segment.token) {
      const bool at_begin = segment.text.data() == utf8.data();
      HEARTH_TRY_VOID(encode_segment(data, bpe, segment.text, at_begin, parse_special, ids));
      continue;
    }
    ids.push_back(*segment.token);
    if (cuts != nullptr && segment.cut > 0) cuts->push_back({segment.cut, ids.size()});
  }
  return {};
}

}  // namespace hearth::text
