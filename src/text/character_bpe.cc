#include "text/character_bpe.h"

#include <algorithm>
#include <cstddef>

#include "text/utf8.h"

namespace hearth::text {
namespace {

constexpr std::string_view kWordMark = "\u2581";  // "▁", which SentencePiece writes for a space

/// The offset of the first word mark after `from` that follows something else; npos if there is
/// none.
std::size_t next_word(std::string_view piece, std::size_t from) {
  for (std::size_t at = piece.find(kWordMark, from); at != std::string_view::npos;
       at = piece.find(kWordMark, at + kWordMark.size())) {
    if (at > from && !piece.substr(0, at).ends_with(kWordMark)) return at;
  }
  return std::string_view::npos;
}

/// True when no merge joins a word mark to something else before it. Merging "ab▁cd" is then the
/// same as merging "ab" and "▁cd": nothing ever bridges the cut. Files without pre-tokenizer give
/// whole texts as one piece, so that this is what makes them fast.
bool is_cut_at_words(const BpeModel& model) {
  if (model.vocabulary.find(kWordMark, Spelling::kCharacters).id < 0) return false;
  const auto slots = model.merges.slots();
  return std::all_of(slots.begin(), slots.end(), [&](const MergeTable::Slot& slot) {
    return slot.pair == MergeTable::kEmpty ||
           next_word(model.vocabulary.text(slot.entry.result), 0) == std::string_view::npos;
  });
}

std::array<TokenId, 256> find_fallback_ids(const Vocabulary& vocabulary) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::array<TokenId, 256> ids{};
  for (std::size_t byte = 0; byte < ids.size(); ++byte) {
    const char spelling[] = {'<', '0', 'x', kDigits[byte >> 4], kDigits[byte & 15], '>'};
    ids[byte] = vocabulary.find({spelling, sizeof spelling}, Spelling::kCharacters).id;
  }
  return ids;
}

}  // namespace

Result<CharacterBpe> CharacterBpe::from_json(const JsonReader& reader, const BpeModel& model) {
  CharacterBpe bpe;
  HEARTH_TRY(bpe.prefix_, reader.string_or("continuing_subword_prefix", ""));
  HEARTH_TRY(bpe.suffix_, reader.string_or("end_of_word_suffix", ""));
  if (reader.has("unk_token")) {
    HEARTH_TRY(const std::string unk_token, reader.string("unk_token"));
    if (!unk_token.empty()) {
      bpe.unk_id_ = model.vocabulary.find(unk_token, Spelling::kCharacters).id;
    }
    bpe.unk_token_ = reader.where("unk_token") + ": \"" + unk_token + "\"";
  }
  HEARTH_TRY(bpe.fuse_unk_, reader.boolean_or("fuse_unk", false));
  HEARTH_TRY(bpe.byte_fallback_, reader.boolean_or("byte_fallback", false));
  HEARTH_TRY(bpe.ignore_merges_, reader.boolean_or("ignore_merges", false));
  bpe.fallback_ids_ = find_fallback_ids(model.vocabulary);
  const auto& fallback = bpe.fallback_ids_;
  const bool spells_all_bytes =
      bpe.byte_fallback_ && std::find(fallback.begin(), fallback.end(), -1) == fallback.end();
  // Where a character may vanish, word marks that were apart may come together.
  bpe.cuts_at_words_ = bpe.prefix_.empty() && bpe.suffix_.empty() &&
                       (bpe.unk_token_ || spells_all_bytes) && is_cut_at_words(model);
  return bpe;
}

bool CharacterBpe::spell_bytes(std::string_view character, std::vector<TokenId>& symbols) const {
  const auto id_of = [this](char byte) { return fallback_ids_[static_cast<unsigned char>(byte)]; };
  if (!std::all_of(character.begin(), character.end(), [&](char c) { return id_of(c) >= 0; })) {
    return false;
  }
  for (const char byte : character) symbols.push_back(id_of(byte));
  return true;
}

/// As in the library, an unknown character waits for the next known one: the bytes of a character
/// between them come first.
Result<void> CharacterBpe::spell(const Vocabulary& vocabulary, std::string_view piece,
                                 std::vector<TokenId>& symbols) const {
  bool unknown_waits = false;
  std::string spelled;
  for (std::size_t at = 0; at < piece.size();) {
    const std::size_t length = utf8_step(piece.substr(at)).length;
    std::string_view character = piece.substr(at, length);
    const bool is_last = at + length == piece.size();
    if ((at > 0 && !prefix_.empty()) || (is_last && !suffix_.empty())) {
      spelled = at > 0 ? prefix_ : "";
      spelled += character;
      if (is_last) spelled += suffix_;
      character = spelled;
    }
    at += length;
    const TokenId id = vocabulary.find(character, Spelling::kCharacters).id;
    if (id >= 0) {
      if (unknown_waits) symbols.push_back(unk_id_);
      unknown_waits = false;
      symbols.push_back(id);
    } else if (!(byte_fallback_ && spell_bytes(character, symbols)) && unk_token_) {
      if (unk_id_ < 0) return fail(ErrorCode::kCorrupt, *unk_token_ + " is not in model.vocab");
      if (unknown_waits && !fuse_unk_) symbols.push_back(unk_id_);
      unknown_waits = true;
    }
  }
  if (unknown_waits) symbols.push_back(unk_id_);
  return {};
}

Result<void> CharacterBpe::append_part(const BpeModel& model, std::string_view part, Bpe& bpe,
                                       std::vector<TokenId>& symbols,
                                       std::vector<TokenId>& out) const {
  const Vocabulary::Found whole = model.vocabulary.find(part, Spelling::kCharacters);
  if (whole.id >= 0 && whole.stable) {
    out.push_back(whole.id);
    return {};
  }
  symbols.clear();
  HEARTH_TRY_VOID(spell(model.vocabulary, part, symbols));
  bpe.append_symbols(symbols, out);
  return {};
}

Result<void> CharacterBpe::append(const BpeModel& model, std::string_view piece, Bpe& bpe,
                                  std::vector<TokenId>& out) const {
  if (ignore_merges_) {
    const TokenId whole = model.vocabulary.find(piece, Spelling::kCharacters).id;
    if (whole >= 0) {
      out.push_back(whole);
      return {};
    }
  }
  std::vector<TokenId> symbols;
  if (!cuts_at_words_) return append_part(model, piece, bpe, symbols, out);
  while (!piece.empty()) {
    const std::string_view word = piece.substr(0, next_word(piece, 0));
    HEARTH_TRY_VOID(append_part(model, word, bpe, symbols, out));
    piece.remove_prefix(word.size());
  }
  return {};
}

BpeModel CharacterBpe::mark_stable(const BpeModel& model) const {
  std::vector<bool> stable(model.vocabulary.size());
  Bpe bpe(model.merges, model.byte_ids);
  std::vector<TokenId> symbols;
  std::vector<TokenId> merged;
  for (std::size_t i = 0; i < stable.size(); ++i) {
    const auto id = static_cast<TokenId>(i);
    const std::string_view text = model.vocabulary.text(id);
    if (text.empty()) continue;
    symbols.clear();
    merged.clear();
    if (!spell(model.vocabulary, text, symbols)) continue;
    bpe.append_symbols(symbols, merged);
    stable[i] = merged.size() == 1 && merged[0] == id;
  }
  BpeModel marked = model;
  marked.vocabulary = model.vocabulary.with_stable(stable);
  return marked;
}

}  // namespace hearth::text
