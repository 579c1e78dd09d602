// TokenizerData: everything a Tokenizer knows, filled by the reader and never changed afterwards.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/json_reader.h"
#include "base/result.h"
#include "base/token.h"
#include "text/added_tokens.h"
#include "text/bpe_model.h"
#include "text/pre_tokenizer.h"

namespace hearth::text {

struct TokenizerData {
  /// What an added token stands for.
  struct AddedPiece {
    std::string bytes;
    bool special = false;
  };

  std::string source;  ///< names the file in errors
  BpeModel model;
  std::unordered_map<std::string, TokenId> added_by_content;
  std::unordered_map<TokenId, AddedPiece> added_pieces;  ///< those that are in model.vocab, too
  TokenId id_end = 0;                                    ///< one more than the largest id
  bool ignore_merges = false;
  AddedTokens added;
  PreTokenizer pre_tokenizer;
  std::vector<TokenId> prefix;  ///< added before by the post-processor
  std::vector<TokenId> suffix;  ///< added after

  /// The bytes that a token stands for; empty where there is none.
  std::string_view text(TokenId id) const {
    const auto found = added_pieces.find(id);
    return found != added_pieces.end() ? std::string_view(found->second.bytes)
                                       : model.vocabulary.text(id);
  }
};

/// Fills TokenizerData from a parsed tokenizer.json; see Tokenizer::load for the errors.
Result<TokenizerData> read_tokenizer_json(const Json& json, const std::string& source);

}  // namespace hearth::text
