// AddedTokens: finds the tokens that a tokenizer.json lists outside of BPE (`<|end|>` ...) in text.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/token.h"
#include "text/regex.h"

namespace hearth::text {

/// One entry of "added_tokens".
struct AddedToken {
  TokenId id = -1;
  std::string content;
  bool special = false;      ///< left out by skip_special and by EncodeOptions::parse_special=false
  bool lstrip = false;       ///< swallows white space before it
  bool rstrip = false;       ///< swallows white space after it
  bool single_word = false;  ///< only where no word character is next to it
  bool normalized = true;    ///< searched after those that are not, in what the normalizer makes of
                             ///< the text these leave
  std::string searched;      ///< the content, normalized if `normalized`; not empty
};

/// A part of a text: an added token, or text in between.
struct AddedSegment {
  std::optional<TokenId> token;
  std::string_view text;  ///< empty for tokens
  std::size_t cut = 0;    ///< where in the whole text a token ends that swallowed no white space
                          ///< behind it; else 0
};

/// Splits text at added tokens, leftmost and then longest first, with the rules of the `tokenizers`
/// library. Immutable; any thread may use it.
class AddedTokens {
 public:
  static Result<AddedTokens> create(std::vector<AddedToken> tokens);

  /// Appends the parts of valid UTF-8 in order, cut at the tokens that are not `normalized`; text
  /// parts are not empty. Special tokens are left as text when `parse_special` is false. Begins at
  /// `from`: 0 or the `cut` of a token that was found in the same text.
  void split(std::string_view text, std::size_t from, bool parse_special,
             std::vector<AddedSegment>& out) const {
    split_by(plain_, text, from, parse_special, out);
  }

  /// Bytes of the longest token that split() looks for.
  std::size_t longest_bytes() const { return longest_bytes_; }

  /// The same for a normalized text part, cut at the tokens that are `normalized`.
  void split_normalized(std::string_view text, bool parse_special,
                        std::vector<AddedSegment>& out) const {
    split_by(normalized_, text, 0, parse_special, out);
  }

  const std::vector<AddedToken>& tokens() const { return tokens_; }

 private:
  /// A trie over bytes; `token` indexes tokens_.
  struct Node {
    std::vector<std::pair<unsigned char, std::int32_t>> children;
    std::int32_t token = -1;
  };
  struct Trie {
    std::vector<Node> nodes{1};
    std::string first_bytes;           ///< those that some token begins with
    std::array<bool, 256> is_first{};  ///< the same for single bytes

    std::size_t next_begin(std::string_view text, std::size_t from) const;
  };

  struct Match {
    std::size_t begin = 0;
    std::size_t end = 0;
    std::int32_t token = -1;
  };

  static void insert(Trie& trie, const std::string& content, std::int32_t token);
  static std::optional<Match> find(const Trie& trie, std::string_view text, std::size_t from);
  void split_by(const Trie& trie, std::string_view text, std::size_t from, bool parse_special,
                std::vector<AddedSegment>& out) const;
  bool is_single_word(std::string_view text, const Match& match) const;

  std::vector<AddedToken> tokens_;
  std::size_t longest_bytes_ = 0;
  Trie plain_;                 // normalized = false, searched first
  Trie normalized_;            // normalized = true
  std::optional<Regex> word_;  // a word character; only when a token asks for single_word
};

}  // namespace hearth::text
