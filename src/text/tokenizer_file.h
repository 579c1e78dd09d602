// TokenizerFile: a tokenizer.json as parsed, with its two large lists kept apart from the rest.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_reader.h"
#include "base/result.h"
#include "base/token.h"

namespace hearth::text {

/// A vocabulary and its merges are hundreds of thousands of short strings: they are read into flat
/// lists as the parser meets them, and only what is left becomes a Json value.
struct TokenizerFile {
  /// A part of `strings`.
  struct Text {
    std::uint32_t begin = 0;
    std::uint32_t size = 0;
  };
  struct Entry {
    Text spelling;
    TokenId id = -1;
  };
  /// "a b" or ["a", "b"]: both parts lie behind each other, so that they are the result, too.
  struct Merge {
    Text left;
    Text right;
  };

  std::string source;         ///< names the file in errors
  Json settings;              ///< an object: the file without model.vocab and model.merges
  std::string strings;        ///< all spellings and parts
  std::vector<Entry> vocab;   ///< model.vocab in the file's order
  std::vector<Merge> merges;  ///< model.merges, without "#version" lines
  std::vector<int> merge_at;  ///< the place of each merge in the file's list
  bool has_vocab = false;
  bool has_merges = false;

  std::string_view view(Text text) const {
    return std::string_view(strings).substr(text.begin, text.size);
  }

  /// Parses a tokenizer.json. kCorrupt naming `source` and byte offset or key for text that is not
  /// JSON or not an object, nesting deeper than 128 levels, entries that are no ids from 0 to
  /// kTokenIdMax, and merges of other shapes.
  static Result<TokenizerFile> parse(std::string_view json, const std::string& source);
};

}  // namespace hearth::text
