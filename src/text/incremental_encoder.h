// IncrementalEncoder: the ids of a text that grows, such as a conversation that is sent again with
// each turn.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/token.h"
#include "text/tokenizer.h"

namespace hearth::text {

struct EncodeCut;

/// Remembers the last text and its ids; of the next text only what follows the last common added
/// token (`<|end|>` ...) is encoded. The ids are always those of Tokenizer::encode() for the whole
/// text; a text without added tokens in what is common is encoded whole. Used by one thread.
class IncrementalEncoder {
 public:
  explicit IncrementalEncoder(Tokenizer tokenizer, EncodeOptions options = {});
  ~IncrementalEncoder();
  IncrementalEncoder(const IncrementalEncoder&) = delete;
  IncrementalEncoder& operator=(const IncrementalEncoder&) = delete;

  /// Errors as Tokenizer::encode(); after one nothing is remembered. The ids stay valid until the
  /// next call.
  Result<std::span<const TokenId>> encode(std::string_view utf8);

  /// How many bytes of the last text were not looked at again, but for comparing them.
  std::size_t reused_bytes() const { return reused_bytes_; }

 private:
  std::size_t common_cuts(std::string_view utf8) const;
  Result<void> extend(std::string_view utf8);
  void forget();

  Tokenizer tokenizer_;
  EncodeOptions options_;
  std::string text_;             // the last text
  std::vector<TokenId> ids_;     // of text_, with the post-processor's
  std::vector<EncodeCut> cuts_;  // in text_, ascending
  std::size_t reused_bytes_ = 0;
};

}  // namespace hearth::text
