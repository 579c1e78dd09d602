// Regex: patterns of tokenizer.json files, matched by PCRE2 with the meaning Oniguruma gives them.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

struct pcre2_real_code_8;

namespace hearth::text {

/// A byte range of a subject.
struct Span {
  std::size_t begin = 0;
  std::size_t end = 0;
};

/// The pattern rewritten from Oniguruma's Ruby syntax, in which the `tokenizers` library reads it,
/// to PCRE2's: \s and \w with Unicode's own definitions, ^ and $ at line ends, \h as hexadecimal
/// digit, \uHHHH. kUnsupported, naming the construct, where the two differ in a way that is not
/// rewritten (set operations, POSIX brackets, \b, option m, possessive intervals).
Result<std::string> oniguruma_to_pcre2(std::string_view pattern);

/// A compiled pattern. Immutable, shared by copies; any thread may match.
class Regex {
 public:
  /// Compiles an Oniguruma pattern. kUnsupported naming the offset for what PCRE2 refuses.
  static Result<Regex> compile(std::string_view pattern);

  /// Finds all matches from left to right in one subject. Used by one thread; create one per call.
  class Matcher {
   public:
    Matcher(const Regex& regex, std::string_view subject);
    ~Matcher();
    Matcher(const Matcher&) = delete;
    Matcher& operator=(const Matcher&) = delete;

    /// True and `match` set for the next match; false when there is none left. Empty matches count,
    /// except directly after the match before. kResourceExhausted when a match takes more than the
    /// backtracking limit.
    Result<bool> next(Span& match);

    /// Starts over with another subject.
    void reset(std::string_view subject);

   private:
    struct State;
    std::unique_ptr<State> state_;
  };

 private:
  explicit Regex(std::shared_ptr<const pcre2_real_code_8> code) : code_(std::move(code)) {}

  std::shared_ptr<const pcre2_real_code_8> code_;
};

}  // namespace hearth::text
