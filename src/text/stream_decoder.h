// StreamDecoder: token ids in, text out, as soon as it is certain.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "base/token.h"
#include "text/token_decoder.h"
#include "text/tokenizer.h"

namespace hearth::text {

/// Turns a growing reply into text that can be shown at once: what push() returned so far, joined,
/// equals Tokenizer::decode() of all ids once flush() was called. Text is whole characters. Of
/// byte-level tokenizers at most 3 bytes are held back, the start of a character that a later token
/// may complete; of others, what TokenDecoder::Run says. Used by one thread.
class StreamDecoder {
 public:
  explicit StreamDecoder(Tokenizer tokenizer, bool skip_special = true);

  /// Text that became certain with this token, often empty. kInvalidArgument for a negative id.
  Result<std::string> push(TokenId id);
  /// The same, appended to `out`.
  Result<void> push(TokenId id, std::string& out);

  /// The rest: an unfinished character is U+FFFD. The decoder is then as new.
  std::string flush();
  void flush(std::string& out);

 private:
  Tokenizer tokenizer_;
  bool skip_special_;
  std::string held_;  // of byte-level text: the start of a character, 0..3 bytes
  std::optional<TokenDecoder::Run> run_;  // of all other; begun by the first token
};

}  // namespace hearth::text
