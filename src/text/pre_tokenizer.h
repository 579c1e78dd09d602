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
#include "text/json_fields.h"
#include "text/pre_tokenizer_kinds.h"
#include "text/regex.h"
#include "text/scan/scanner.h"
#include "text/vocabulary.h"

namespace hearth::text {

/// One cut by a pattern. With `invert`, matches and the text between them swap their roles.
struct SplitRule {
  Regex regex;
  SplitBehavior behavior = SplitBehavior::kIsolated;
  bool invert = false;
};

/// Puts a space before every piece that does not begin with one (ByteLevel's add_prefix_space).
struct PrefixSpaceRule {};

/// Spells every piece in the byte-level alphabet.
struct SpellRule {};

/// Writes spaces as the replacement, and puts it before pieces that do not begin with it.
struct MetaspaceRule {
  Metaspace metaspace;
};

/// Cuts every so many characters.
struct LengthRule {
  std::size_t characters = 1;
};

/// One cut by a pattern that a scanner knows: the matches are the pieces.
struct ScanRule {
  scan::Family family = scan::Family::kGpt2;
};

/// The pre_tokenizer of a tokenizer.json, as a list of rules applied one after another to each
/// piece that the rules before left. Immutable; any thread may use it.
class PreTokenizer {
 public:
  /// Reads the value of "pre_tokenizer": Split, ByteLevel, Metaspace, Digits, Punctuation,
  /// Whitespace, WhitespaceSplit, BertPreTokenizer, CharDelimiterSplit and FixedLength, alone or in
  /// a Sequence, or null. With Spelling::kBytes, for which ends_in_byte_level() must hold, pieces
  /// are the bytes of the text; with kCharacters they are spelled as the model reads them. Errors
  /// name `source` and the key.
  static Result<PreTokenizer> from_json(const Json& value, const std::string& source,
                                        Spelling spelling);

  /// True for values of which ByteLevel is the last pre-tokenizer, and occurs once.
  static bool ends_in_byte_level(const Json& value);

  /// State for one call: pieces are views into the text given to run() or into `storage`.
  struct Pieces {
    std::vector<std::string_view> views;
    std::vector<std::unique_ptr<std::string>> storage;
    bool at_begin = true;  ///< the first piece stands at the begin of the whole text
  };

  /// Cuts valid UTF-8; `at_begin` says whether it is the begin of what is encoded. Pieces are never
  /// empty; kResourceExhausted when a pattern backtracks too far.
  Result<Pieces> run(std::string_view text, bool at_begin) const;

  /// The scanner whose pieces are all that run() does, if there is one: callers can then take the
  /// pieces from it as they need them.
  std::optional<scan::Family> only_scanner() const;

  /// True when run() looks at `at_begin`.
  bool asks_for_begin() const;

 private:
  using Rule =
      std::variant<SplitRule, ScanRule, PrefixSpaceRule, SpellRule, MetaspaceRule, LengthRule>;

  Result<void> add(const Json& value, const std::string& where, Spelling spelling);
  Result<void> add_byte_level(const JsonReader& reader, const std::string& where,
                              Spelling spelling);
  Result<void> add_metaspace(const JsonReader& reader, const std::string& where);
  Result<void> add_split(const JsonReader& reader, const std::string& where);
  Result<void> add_cut(const PatternCut& cut, const std::string& where);

  std::vector<Rule> rules_;
};

}  // namespace hearth::text
