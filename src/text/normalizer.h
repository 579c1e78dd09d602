// Normalizer: the "normalizer" of a tokenizer.json, applied to text before anything else.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/json_reader.h"
#include "base/result.h"
#include "text/normal_form.h"
#include "text/regex.h"

namespace hearth::text {

/// The steps of a normalizer, one after another. Immutable; any thread may use it.
class Normalizer {
 public:
  /// Reads the value of "normalizer": NFC, NFD, NFKC, NFKD, Lowercase, Nmt, Strip, StripAccents,
  /// Prepend, Replace, ByteLevel, alone or in a Sequence; null does nothing. kUnsupported for
  /// Precompiled and others. Errors name `source` and the key.
  static Result<Normalizer> from_json(const Json& value, const std::string& source);

  /// True when there is nothing to do for any text.
  bool is_identity() const { return steps_.empty(); }

  /// True when the first character of a normalized text stands for the first of the text, or was
  /// put before it: no step takes away or joins leading characters. Metaspace's prepend scheme
  /// "first" asks for this.
  bool keeps_begin() const;

  /// True when text becomes the byte-level alphabet here.
  bool spells_bytes() const;

  /// Normalizes valid UTF-8. The view is `text` itself when nothing changes, else into `storage`.
  /// kResourceExhausted when a pattern backtracks too far, or when a step makes more than 16 MiB
  /// and more than 64 times the text of it (steps that double a text can be put behind each other).
  Result<std::string_view> apply(std::string_view text, std::string& storage) const;

 private:
  struct Form {
    NormalForm form;
  };
  struct Lowercase {};
  struct Nmt {};
  struct Strip {
    bool left = false;
    bool right = false;
  };
  struct StripAccents {};
  struct Prepend {
    std::string text;
  };
  struct ReplaceText {
    std::string pattern;  // not empty
    std::string content;
  };
  struct ReplaceRegex {
    Regex pattern;
    std::string content;
  };
  struct ByteLevel {};
  using Step = std::variant<Form, Lowercase, Nmt, Strip, StripAccents, Prepend, ReplaceText,
                            ReplaceRegex, ByteLevel>;

  Result<void> add(const Json& value, const std::string& where);
  Result<void> add_replace(const Json& value, const std::string& where);

  // Each puts its result into `out` and tells whether it differs; `out` counts for nothing if not.
  // Only those that can multiply a text look at the limit themselves.
  static Result<bool> run(const Form& step, std::string_view text, std::size_t bytes_max,
                          std::string& out);
  static Result<bool> run(const Lowercase& step, std::string_view text, std::size_t bytes_max,
                          std::string& out);
  static Result<bool> run(const Nmt& step, std::string_view text, std::size_t bytes_max,
                          std::string& out);
  static Result<bool> run(const Strip& step, std::string_view text, std::size_t bytes_max,
                          std::string& out);
  static Result<bool> run(const StripAccents& step, std::string_view text, std::size_t bytes_max,
                          std::string& out);
  static Result<bool> run(const Prepend& step, std::string_view text, std::size_t bytes_max,
                          std::string& out);
  static Result<bool> run(const ReplaceText& step, std::string_view text, std::size_t bytes_max,
                          std::string& out);
  static Result<bool> run(const ReplaceRegex& step, std::string_view text, std::size_t bytes_max,
                          std::string& out);
  static Result<bool> run(const ByteLevel& step, std::string_view text, std::size_t bytes_max,
                          std::string& out);

  std::vector<Step> steps_;
};

/// `text` with every occurrence of `pattern`, from left to right, replaced; `pattern` is not empty.
/// False, and `out` untouched, when there is none.
bool replace_all(std::string_view text, std::string_view pattern, std::string_view content,
                 std::string& out);

}  // namespace hearth::text
