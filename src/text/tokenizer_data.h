// TokenizerData: everything a Tokenizer knows, filled by the reader and never changed afterwards.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/json_reader.h"
#include "base/result.h"
#include "base/token.h"
#include "text/added_tokens.h"
#include "text/bpe_model.h"
#include "text/character_bpe.h"
#include "text/normalizer.h"
#include "text/post_processor.h"
#include "text/pre_tokenizer.h"
#include "text/token_decoder.h"

namespace hearth::text {

struct TokenizerData {
  /// What an added token stands for.
  struct AddedPiece {
    std::string written;  ///< what the decoder gets: the content, normalized where that is asked
    std::string text;     ///< see TokenizerData::text()
    bool special = false;
  };

  std::string source;  ///< names the file in errors
  BpeModel model;
  std::optional<CharacterBpe>
      characters;  ///< none: pieces of text are bytes, entries stand for bytes
  std::unordered_map<std::string, TokenId> added_by_content;
  std::unordered_map<TokenId, AddedPiece> added_pieces;  ///< those that are in model.vocab, too
  TokenId id_end = 0;                                    ///< one more than the largest id
  bool ignore_merges = false;
  Normalizer normalizer;
  AddedTokens added;
  PreTokenizer pre_tokenizer;
  PostTokens post;
  TokenDecoder decoder;

  /// How entries of the vocabulary are spelled in `model`.
  Spelling spelling() const { return characters ? Spelling::kCharacters : Spelling::kBytes; }

  /// What a token stands for: bytes, or with `characters` what is written in the file. Empty where
  /// there is no token.
  std::string_view text(TokenId id) const;

  /// True when decoding is joining what text() gives.
  bool decodes_bytes() const { return !characters && decoder.is_byte_level(); }

  /// A token as the file writes it, for the decoder. Empty where there is none.
  std::string written(TokenId id) const;

  /// The vocabulary's entry that is written so, added tokens aside; -1 when there is none.
  TokenId entry_of(std::string_view written) const;
};

/// A tokenizer.json as read.
struct TokenizerContent {
  TokenizerData data;
  std::string rest;  ///< the file without model.vocab and model.merges, for its compiled form
};

/// Reads a tokenizer.json; see Tokenizer::load for the errors.
Result<TokenizerContent> read_tokenizer_json(std::string_view json, const std::string& source);

/// The same from the rest of a file and the tables that were made of it before.
Result<TokenizerData> read_tokenizer_rest(const Json& rest, BpeModel model,
                                          const std::string& source);

}  // namespace hearth::text
