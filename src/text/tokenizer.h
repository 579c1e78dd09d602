// Tokenizer: exact byte-level BPE read from a Hugging Face tokenizer.json.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/token.h"

namespace hearth::text {

struct TokenizerData;

/// How `Tokenizer::encode` treats its input.
struct EncodeOptions {
  /// Recognise special added tokens (`<|end|>` ...) inside the text. With false their spelling is
  /// ordinary text, so that text from outside cannot forge a turn. Added tokens that are not
  /// special are part of the vocabulary and always recognised.
  bool parse_special = true;
  /// Add the tokens that the file's post-processor adds (a leading BOS, for instance).
  bool add_post_tokens = true;
  /// Encode bytes that are not UTF-8 as U+FFFD, as Python's errors="replace" reads them, instead of
  /// refusing the text.
  bool replace_invalid = false;
};

/// Ids to and from text, the same ids as the `tokenizers` library gives for the same file. A cheap
/// handle to immutable data: copies share it, and every method may be called from any thread.
class Tokenizer {
 public:
  /// Reads a tokenizer.json. kNotFound/kIo for the file; kCorrupt for content that contradicts
  /// itself (duplicate ids, merges of unknown parts); kUnsupported for a valid file with something
  /// that this class would have to ignore (a normalizer, another model). Errors name file and key.
  static Result<Tokenizer> load(const std::filesystem::path& tokenizer_json);

  /// The same from text; `source` names it in errors.
  static Result<Tokenizer> from_json(std::string_view text, std::string_view source);

  /// Around data that was read elsewhere.
  static Tokenizer of(TokenizerData data);

  /// Text to ids. kInvalidArgument naming the byte offset when `utf8` is not valid UTF-8.
  /// O(n log n) in the length of the text.
  Result<std::vector<TokenId>> encode(std::string_view utf8, EncodeOptions options = {}) const;

  /// Ids to text by the file's decoder. Bytes that are not UTF-8 become U+FFFD, as in Python's
  /// errors="replace". Ids that no token has stand for nothing (a model's logits may have padding
  /// rows); kInvalidArgument for a negative one. has_id() tells.
  Result<std::string> decode(std::span<const TokenId> ids, bool skip_special = false) const;

  /// What one token stands for: bytes that need not be whole characters where the tokenizer is
  /// byte-level, else what is written in the file ("▁the", "<0x0A>"). kInvalidArgument for an id
  /// that no token has. The view lives as long as any copy of this tokenizer.
  Result<std::string_view> piece(TokenId id) const;

  /// The id of an added token by its content, or of a vocabulary entry by its spelling in the file
  /// (byte-level alphabet: "Ġthe").
  std::optional<TokenId> id_of(std::string_view token) const;

  /// One more than the largest id (a model's logits may be wider: padding rows).
  std::size_t vocab_size() const;

  /// True for added tokens marked special; false for all others and for ids out of range.
  bool is_special(TokenId id) const;

  /// True for every added token, special or not: text that holds its spelling becomes this id.
  bool is_added(TokenId id) const;

  /// The spellings of all special added tokens, as the file has them, in no particular order.
  std::vector<std::string> special_tokens() const;

  /// True when some token has this id (published vocabularies have gaps).
  bool has_id(TokenId id) const;

 private:
  friend class IncrementalEncoder;
  friend class StreamDecoder;
  explicit Tokenizer(std::shared_ptr<const TokenizerData> data) : data_(std::move(data)) {}

  std::shared_ptr<const TokenizerData> data_;
};

}  // namespace hearth::text
