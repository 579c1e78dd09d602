// StopMatcher: finds stop strings in text that arrives in parts, and never lets a part of one out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace hearth::text {

/// What one push() decided.
struct StopResult {
  std::string text;                    ///< safe to show: holds no part of a stop string
  std::optional<std::size_t> matched;  ///< index of the stop string found; the text ends before it
};

/// Watches a stream for any of several stop strings. The string that is complete first wins; of
/// several that end at the same byte the longest, of equal ones the one given first. How the text
/// is cut into pushes makes no difference. Text that may still begin a stop string is held back, no
/// longer than needed. After a match all further input is dropped. Time is O(1) amortised per byte
/// for a fixed set of stops (Aho-Corasick). Used by one thread.
class StopMatcher {
 public:
  /// kInvalidArgument for an empty stop string or more than 64 KiB of them in total.
  static Result<StopMatcher> create(std::vector<std::string> stops);

  StopResult push(std::string_view text);

  /// The text held back at the end of the stream; empty after a match.
  std::string flush();

  const std::vector<std::string>& stops() const { return stops_; }

 private:
  /// A state: a prefix of some stop string, as long as the text's end allows.
  struct Node {
    std::vector<std::pair<char, std::int32_t>> children;
    std::int32_t fail = 0;    // the longest shorter state that the same text ends with
    std::int32_t match = -1;  // longest stop string that ends here, -1 for none
    std::size_t depth = 0;    // length of the prefix
  };

  explicit StopMatcher(std::vector<std::string> stops);
  std::int32_t child(std::int32_t node, char c) const;
  std::int32_t step(std::int32_t node, char c) const;
  void link_failures();

  std::vector<std::string> stops_;
  std::vector<Node> nodes_;  // node 0 is the empty prefix
  std::string held_;         // text not given out yet: the prefix of state_
  std::int32_t state_ = 0;
  std::optional<std::size_t> found_;
};

}  // namespace hearth::text
