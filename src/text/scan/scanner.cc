// The alternatives of each pattern, tried in their order at each piece's begin. Where a regular
// expression would backtrack, the text says which way back leads to the match.
#include "text/scan/scanner.h"

#include <array>

#include "text/scan/character_class.h"

namespace hearth::text::scan {
namespace {

constexpr std::string_view kPatterns[] = {
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)",
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|)"
    R"(\s*[\r\n]+|\s+(?!\S)|\s+)",
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|)"
    R"(\s*[\r\n]+|\s+(?!\S)|\s+)",
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+)"
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+)"
    R"([\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|)"
    R"(\s*[\r\n]+|\s+(?!\S)|\s+)",
};

// o200k's two sets of letters; marks and letters without case are in both.
constexpr std::uint8_t kHead = kUpper | kCaseless | kMark;  // [\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]
constexpr std::uint8_t kTail = kLower | kCaseless | kMark;  // [\p{Ll}\p{Lm}\p{Lo}\p{M}]

/// End of `'s|'t|'re|'ve|'m|'ll|'d` at `at`; `at` itself when there is none.
std::size_t contraction_end(std::string_view text, std::size_t at, bool any_case) {
  if (at + 1 >= text.size() || text[at] != '\'') return at;
  const auto letter = [&](std::size_t i) {
    const char c = i < text.size() ? text[i] : '\0';
    return any_case && c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  };
  const char first = letter(at + 1);
  const char second = letter(at + 2);
  if (first == 's' || first == 't' || first == 'm' || first == 'd') return at + 2;
  if ((first == 'r' || first == 'v') && second == 'e') return at + 3;
  if (first == 'l' && second == 'l') return at + 3;
  // The long s is a lower-case s to patterns that ignore case.
  if (any_case && text.substr(at + 1, 2) == "\u017F") return at + 3;
  return at;
}

/// `\s*[\r\n]+|\s+(?!\S)|\s+` (the first only where `newlines_end`) at a white space. A run of
/// white space ends behind its last line break; without one, before its last character, which goes
/// with what follows; at the end of the text it is whole.
std::size_t space_end(const ClassReader& reader, std::size_t at, bool newlines_end) {
  std::size_t end = at;
  std::size_t behind_newline = at;
  std::size_t last = at;
  for (Character c = reader.at(end); (c.bit & kSpace) != 0; c = reader.at(end)) {
    last = end;
    end += c.length;
    if (c.bit == kNewline) behind_newline = end;
  }
  if (newlines_end && behind_newline > at) return behind_newline;
  return end == reader.text().size() || last == at ? end : last;
}

/// Up to `most` numbers.
std::size_t numbers_end(const ClassReader& reader, std::size_t at, int most) {
  for (; most > 0; --most) {
    const Character c = reader.at(at);
    if (c.bit != kNumber) break;
    at += c.length;
  }
  return at;
}

bool is_line_end(char c) { return c == '\r' || c == '\n'; }

/// ` ?[^\s\p{L}\p{N}]+[\r\n]*`, with slashes among the line breaks where `slashes`; `at` when there
/// is none.
std::size_t symbols_end(const ClassReader& reader, std::size_t at, bool slashes) {
  const std::string_view text = reader.text();
  const std::size_t begin = text[at] == ' ' ? at + 1 : at;
  std::size_t end = reader.run_end(begin, kSymbol);
  if (end == begin) return at;
  while (end < text.size() && (is_line_end(text[end]) || (slashes && text[end] == '/'))) ++end;
  return end;
}

std::size_t gpt2_end(const ClassReader& reader, std::size_t at) {
  const std::string_view text = reader.text();
  if (const std::size_t end = contraction_end(text, at, false); end > at) return end;
  const std::size_t begin = text[at] == ' ' ? at + 1 : at;
  const std::uint8_t bit = reader.at(begin).bit;
  for (const std::uint8_t kind : {kLetter, std::uint8_t{kNumber}, kSymbol}) {
    if ((bit & kind) != 0) return reader.run_end(begin, kind);
  }
  return space_end(reader, at, false);
}

std::size_t llama3_end(const ClassReader& reader, std::size_t at, int numbers_max) {
  const std::string_view text = reader.text();
  if (const std::size_t end = contraction_end(text, at, true); end > at) return end;
  const Character first = reader.at(at);
  if ((first.bit & kLetter) != 0) return reader.run_end(at, kLetter);
  if (first.bit == kNumber) return numbers_end(reader, at, numbers_max);
  if (first.bit != kNewline && (reader.at(at + first.length).bit & kLetter) != 0) {
    return reader.run_end(at + first.length, kLetter);
  }
  if (const std::size_t end = symbols_end(reader, at, false); end > at) return end;
  return space_end(reader, at, true);
}

/// `[\p{Lu}...]*[\p{Ll}...]+` or else `[\p{Lu}...]+[\p{Ll}...]*` from `begin` on, without what may
/// stand before and behind; `begin` when there is no letter or mark.
struct Word {
  std::size_t end;
  bool has_tail;  ///< the first form matched
};
Word word_at(const ClassReader& reader, std::size_t begin) {
  std::size_t head_end = begin;
  std::size_t in_both_end = begin;  // behind the last character that can end a word
  for (Character c = reader.at(head_end); (c.bit & kHead) != 0; c = reader.at(head_end)) {
    head_end += c.length;
    if ((c.bit & kTail) != 0) in_both_end = head_end;
  }
  if (reader.at(head_end).bit == kLower) return {reader.run_end(head_end, kTail), true};
  // No lower case follows: the first form gives characters back until one of both sets is last.
  if (in_both_end > begin) return {in_both_end, true};
  return {head_end, false};
}

/// The first two alternatives at a character that is no number and no line break; `at` when neither
/// matches.
std::size_t o200k_word_end(const ClassReader& reader, std::size_t at, const Character& first) {
  const bool may_lead = (first.bit & kLetter) == 0;
  const std::size_t begin = may_lead ? at + first.length : at;
  const Word word = word_at(reader, begin);
  std::size_t end = word.end;
  if (first.bit == kMark && !word.has_tail) {
    end = begin;  // the first form with the mark as its only letter comes before the second form
  } else if (end == begin) {
    return at;
  }
  return contraction_end(reader.text(), end, true);
}

std::size_t o200k_end(const ClassReader& reader, std::size_t at) {
  const Character first = reader.at(at);
  if (first.bit == kNumber) return numbers_end(reader, at, 3);
  if (first.bit != kNewline) {
    if (const std::size_t end = o200k_word_end(reader, at, first); end > at) return end;
  }
  if (const std::size_t end = symbols_end(reader, at, true); end > at) return end;
  return space_end(reader, at, true);
}

template <class End>
std::size_t fill(std::string_view text, std::size_t& offset, std::span<std::string_view> pieces,
                 End end_of) {
  const ClassReader reader(text);
  std::size_t count = 0;
  std::size_t at = offset;
  while (count < pieces.size() && at < text.size()) {
    const std::size_t end = end_of(reader, at);
    pieces[count++] = text.substr(at, end - at);
    at = end;
  }
  offset = at;
  return count;
}

}  // namespace

std::string_view pattern_of(Family family) { return kPatterns[static_cast<std::size_t>(family)]; }

std::optional<Family> family_of(std::string_view pattern) {
  for (const Family family : {Family::kGpt2, Family::kLlama3, Family::kQwen2, Family::kO200k}) {
    if (pattern_of(family) == pattern) return family;
  }
  return std::nullopt;
}

std::size_t next_pieces(Family family, std::string_view text, std::size_t& offset,
                        std::span<std::string_view> pieces) {
  const auto llama3 = [](const ClassReader& reader, std::size_t at) {
    return llama3_end(reader, at, 3);
  };
  const auto qwen2 = [](const ClassReader& reader, std::size_t at) {
    return llama3_end(reader, at, 1);
  };
  switch (family) {
    case Family::kGpt2:
      return fill(text, offset, pieces, gpt2_end);
    case Family::kLlama3:
      return fill(text, offset, pieces, llama3);
    case Family::kQwen2:
      return fill(text, offset, pieces, qwen2);
    case Family::kO200k:
      return fill(text, offset, pieces, o200k_end);
  }
  return 0;
}

}  // namespace hearth::text::scan
