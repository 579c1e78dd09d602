// The pre-tokenizers of tokenizer.json that are cuts by a fixed pattern.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json_reader.h"
#include "base/result.h"

namespace hearth::text {

/// What becomes of the matches of a Split, named as in tokenizer.json.
enum class SplitBehavior { kRemoved, kIsolated, kMergedWithPrevious, kMergedWithNext, kContiguous };

/// A Split: the pattern in Oniguruma's syntax. With `invert`, matches and the text between them
/// swap their roles.
struct PatternCut {
  std::string pattern;
  SplitBehavior behavior = SplitBehavior::kIsolated;
  bool invert = false;
};

/// Reads "behavior" of `reader`; kCorrupt for another name. `where` names file and object.
Result<SplitBehavior> read_behavior(const JsonReader& reader, const std::string& where);

/// A literal as a pattern that matches just it.
std::string escape_pattern(std::string_view literal);

/// The cuts, one after another, that make up a pre-tokenizer of type Digits, Whitespace,
/// WhitespaceSplit, Punctuation, BertPreTokenizer or CharDelimiterSplit; none for other types.
Result<std::vector<PatternCut>> pattern_cuts(const JsonReader& reader, const std::string& where,
                                             std::string_view type);

}  // namespace hearth::text
