// Finds the spellings of special tokens in text from outside, and puts marks in their place that
// templates pass through.
#pragma once

#include <bitset>
#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::provider {

/// A part of a prompt: written by the template, or a spelling that was marked.
struct PromptPart {
  std::string_view text;  ///< of the prompt, or of the SpecialSpellings
  bool from_outside = false;
};

/// Immutable after construction; any thread may use it. One pass over the text however many
/// spellings there are.
///
/// A mark is the spelling's number between U+FDD0 and U+FDD1, noncharacters that Unicode reserves
/// for use inside a program. U+FDD0 itself counts as a spelling, so no text from outside can hold a
/// mark, and none is changed by it.
class SpecialSpellings {
 public:
  /// Empty spellings are passed over.
  explicit SpecialSpellings(std::vector<std::string> spellings);

  bool spelled_in(std::string_view text) const { return find(text, 0).has_value(); }

  /// The text with a mark for each spelling; from the left, the longest where several begin.
  std::string marked(std::string_view text) const;

  /// The prompt cut at the marks of marked(). The parts point into `prompt` and into this object.
  std::vector<PromptPart> cut_at_marks(std::string_view prompt) const;

 private:
  struct Found {
    std::size_t begin;
    std::size_t index;
  };
  std::optional<Found> find(std::string_view text, std::size_t from) const;
  std::optional<std::size_t> longest_at(std::string_view text) const;

  std::vector<std::string> spellings_;
  std::map<std::string, std::size_t, std::less<>> numbers_;  // of the spellings
  std::vector<std::size_t> lengths_;                         // that spellings have, longest first
  std::bitset<65536> first_two_;  // first byte << 8 | second, for all that may begin a spelling
};

}  // namespace hearth::provider
