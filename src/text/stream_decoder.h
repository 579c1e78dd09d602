// StreamDecoder: token ids in, whole UTF-8 characters out, as soon as they are certain.
#pragma once

#include <string>

#include "base/result.h"
#include "base/token.h"
#include "text/tokenizer.h"

namespace hearth::text {

/// Turns a growing reply into text that can be shown at once: what push() returned so far, joined,
/// equals Tokenizer::decode() of all ids once flush() was called. A character split over tokens is
/// held back until complete; bytes that can no longer become a character are given as U+FFFD. At
/// most 3 bytes are held back. Used by one thread.
class StreamDecoder {
 public:
  explicit StreamDecoder(Tokenizer tokenizer, bool skip_special = true)
      : tokenizer_(std::move(tokenizer)), skip_special_(skip_special) {}

  /// Text that became certain with this token, often empty. kInvalidArgument for a negative id.
  Result<std::string> push(TokenId id);

  /// The rest: an unfinished character is U+FFFD. The decoder is then as new.
  std::string flush();

 private:
  Tokenizer tokenizer_;
  bool skip_special_;
  std::string held_;  // the start of a character, 0..3 bytes
};

}  // namespace hearth::text
