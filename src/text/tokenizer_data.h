// TokenizerData: everything a Tokenizer knows, filled by the reader and never changed afterwards.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/json_reader.h"
#include "base/result.h"
#include "base/token.h"
#include "text/added_tokens.h"
#include "text/bpe.h"
#include "text/pre_tokenizer.h"

namespace hearth::text {

struct TokenizerData {
  /// What each id stands for.
  struct Piece {
    std::string bytes;
    bool exists = false;  ///< published vocabularies have gaps
    bool special = false;
  };

  std::string source;         ///< names the file in errors
  std::vector<Piece> pieces;  ///< indexed by id
  /// Vocabulary entries in the byte-level alphabet, by their bytes (views into `pieces`).
  std::unordered_map<std::string_view, TokenId> by_bytes;
  /// Vocabulary entries with other characters, by their spelling.
  std::unordered_map<std::string, TokenId> by_spelling;
  std::unordered_map<std::string, TokenId> added_by_content;
  std::array<TokenId, 256> byte_ids{};  ///< -1 where the vocabulary has no such byte
  bool ignore_merges = false;
  MergeTable merges;
  AddedTokens added;
  PreTokenizer pre_tokenizer;
  std::vector<TokenId> prefix;  ///< added before by the post-processor
  std::vector<TokenId> suffix;  ///< added after
};

/// Fills TokenizerData from a parsed tokenizer.json; see Tokenizer::load for the errors.
Result<TokenizerData> read_tokenizer_json(const Json& json, const std::string& source);

}  // namespace hearth::text
