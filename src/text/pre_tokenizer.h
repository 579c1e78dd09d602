// PreTokenizer: cuts text into the pieces within which BPE merges.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/json_reader.h"
#include "base/result.h"
#include "text/regex.h"
#include "text/scan/scanner.h"

namespace hearth::text {

/// What becomes of the matches of a Split, named as in tokenizer.json.
enum class SplitBehavior { kRemoved, kIsolated, kMergedWithPrevious, kMergedWithNext, kContiguous };

/// One cut by a pattern. With `invert`, matches and the text between them swap their roles.
struct SplitRule {
  Regex regex;
  SplitBehavior behavior = SplitBehavior::kIsolated;
  bool invert = false;
};

/// Puts a space before every piece that does not begin with one (ByteLevel's add_prefix_space).
struct PrefixSpaceRule {};

/// One cut by a pattern that a scanner knows: the matches are the pieces.
struct ScanRule {
  scan::Family family = scan::Family::kGpt2;
};

/// The pre_tokenizer of a tokenizer.json, as a list of rules applied one after another to each
/// piece that the rules before left. Immutable; any thread may use it.
class PreTokenizer {
 public:
  /// Reads the value of "pre_tokenizer": Split, Digits and ByteLevel, alone or in a Sequence. It
  /// must end in ByteLevel, because nothing else spells bytes. Errors name `source` and the key.
  static Result<PreTokenizer> from_json(const Json& value, const std::string& source);

  /// State for one call: pieces are views into the text given to run() or into `storage`.
  struct Pieces {
    std::vector<std::string_view> views;
    std::vector<std::unique_ptr<std::string>> storage;
  };

  /// Cuts valid UTF-8. Pieces are never empty; kResourceExhausted when a pattern backtracks too
  /// far.
  Result<Pieces> run(std::string_view text) const;

  /// The scanner whose pieces are all that run() does, if there is one: callers can then take the
  /// pieces from it as they need them.
  std::optional<scan::Family> only_scanner() const;

 private:
  Result<void> add(const Json& value, const std::string& where, bool last);
  Result<void> add_split(const Json& value, const std::string& where);

  std::vector<std::variant<SplitRule, ScanRule, PrefixSpaceRule>> rules_;
};

}  // namespace hearth::text
