// StopMatcher: finds stop strings in text that arrives in parts, and never lets a part of one out.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace hearth::text {

/// What one push() decided.
struct StopResult {
  std::string text;                    ///< safe to show: holds no part of a stop string
  std::optional<std::size_t> matched;  ///< index of the stop string found; the text ends before it
};

/// Watches a stream for any of several stop strings. The match that begins earliest wins; of those
/// beginning at one place, the one given first among those complete earliest. Text that may still
/// begin a stop string is held back, no longer than needed. After a match all further input is
/// dropped. Time is O(1) amortised per byte (Aho-Corasick). Used by one thread.
class StopMatcher {
 public:
  /// kInvalidArgument for an empty stop string or more than 64 KiB of them in total.
  static Result<StopMatcher> create(std::vector<std::string> stops);

  StopResult push(std::string_view text);

  /// The text held back at the end of the stream; empty after a match.
  std::string flush();

  const std::vector<std::string>& stops() const { return stops_; }

 private:
  StopMatcher() = default;
  void build();

  std::vector<std::string> stops_;
  // The automaton: node 0 is the root; `next_` has 256 entries a node.
  std::vector<std::int32_t> next_;
  std::vector<std::int32_t> depth_;  // length of the longest stop prefix that ends here
  std::vector<std::int32_t> match_;  // longest stop string that ends here, -1 for none
  std::string held_;                 // text not given out yet
  std::int32_t state_ = 0;
  std::optional<std::size_t> found_;
};

}  // namespace hearth::text
