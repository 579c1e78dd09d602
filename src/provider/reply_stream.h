// From generated tokens to text that may be shown: whole characters, no stop string, no tool call's
// notation.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/token.h"
#include "text/stop_matcher.h"
#include "text/stream_decoder.h"
#include "text/tokenizer.h"

namespace hearth::provider {

/// Lets text through until something begins that may be a tool call, which waits for the end of the
/// reply. What turns out not to be one goes on at once. Pure; one thread.
class ToolCallGate {
 public:
  /// Text that is certainly no call's beginning.
  std::string push(std::string_view text);

  /// What was held back, to be parsed when the reply is complete.
  std::string take_held();

 private:
  std::string held_;
};

/// The stages one reply passes through, in order: decode, match stop strings, hold back tool calls.
class ReplyStream {
 public:
  /// `hold_tool_calls` when the request offers tools.
  static Result<ReplyStream> create(text::Tokenizer tokenizer, std::vector<std::string> stops,
                                    bool hold_tool_calls);

  struct Piece {
    std::string text;      ///< to be shown now
    bool stopped = false;  ///< a stop string was reached; later tokens are ignored
  };
  Result<Piece> push(TokenId token);

  /// The end of the reply. `shown` may be shown now; the held part stays in whole_text() alone.
  Piece finish();

  /// Everything of the reply so far, tool calls included, stop strings excluded.
  const std::string& whole_text() const { return whole_; }
  std::string take_held() { return gate_.take_held(); }

 private:
  ReplyStream(text::StreamDecoder decoder, text::StopMatcher matcher, bool hold_tool_calls)
      : decoder_(std::move(decoder)), matcher_(std::move(matcher)), holds_(hold_tool_calls) {}

  std::string pass_gate(const std::string& text);

  text::StreamDecoder decoder_;
  text::StopMatcher matcher_;
  ToolCallGate gate_;
  bool holds_;
  std::string whole_;
};

}  // namespace hearth::provider
