// CharacterBpe: BPE whose vocabulary is written in characters ("▁the"), as SentencePiece's are.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_reader.h"
#include "base/result.h"
#include "base/token.h"
#include "text/bpe.h"
#include "text/bpe_model.h"

namespace hearth::text {

/// How pieces of text become symbols, and those tokens. Immutable; any thread may use it.
class CharacterBpe {
 public:
  CharacterBpe() = default;

  /// Reads unk_token, fuse_unk, byte_fallback, ignore_merges, continuing_subword_prefix and
  /// end_of_word_suffix of "model". `model` must have its tables.
  static Result<CharacterBpe> from_json(const JsonReader& reader, const BpeModel& model);

  /// Appends the tokens of `piece`, valid UTF-8 that is not empty; `model` is the one it was made
  /// for. A character that is no entry becomes its bytes' tokens (byte_fallback), else unk_token,
  /// else nothing. kCorrupt when unk_token is needed and is no entry.
  Result<void> append(const BpeModel& model, std::string_view piece, Bpe& bpe,
                      std::vector<TokenId>& out) const;

  /// `model` with those entries marked as stable that their own text gives back.
  BpeModel mark_stable(const BpeModel& model) const;

 private:
  Result<void> append_part(const BpeModel& model, std::string_view part, Bpe& bpe,
                           std::vector<TokenId>& symbols, std::vector<TokenId>& out) const;
  Result<void> spell(const Vocabulary& vocabulary, std::string_view piece,
                     std::vector<TokenId>& symbols) const;
  bool spell_bytes(std::string_view character, std::vector<TokenId>& symbols) const;

  std::string prefix_;                    // of every character but the first
  std::string suffix_;                    // of the last character
  std::optional<std::string> unk_token_;  // in words, for errors: where it is given, and which
  TokenId unk_id_ = -1;
  bool fuse_unk_ = false;
  bool byte_fallback_ = false;
  bool ignore_merges_ = false;
  bool cuts_at_words_ = false;               // see is_cut_at_words()
  std::array<TokenId, 256> fallback_ids_{};  // of <0x00> ... <0xFF>; -1 where there is none
};

}  // namespace hearth::text
