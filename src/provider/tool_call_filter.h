// Keeps a model to valid tool calls while it writes one.
#pragma once

#include <bitset>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/token.h"
#include "engine/token_filter.h"
#include "protocol/chat.h"
#include "protocol/tool_call_grammar.h"
#include "text/tokenizer.h"

namespace hearth::provider {

/// How a model marks its calls: two tokens of its vocabulary, and what stands between them.
struct CallMarkers {
  TokenId open = 0;
  TokenId close = 0;
  protocol::CallWrapper wrapper = protocol::CallWrapper::kList;
};

/// Nothing where the vocabulary has no such tokens; where it has not all bytes as tokens, because
/// there might be calls that it cannot spell; where the closing marker is one of the model's stop
/// tokens; and where <tool_call> is not followed by JSON with "arguments", by the template's words
/// (other families put their own notation there).
std::optional<CallMarkers> find_call_markers(const text::Tokenizer& tokenizer,
                                             std::string_view chat_template,
                                             std::span<const TokenId> stop_ids);

/// Lets everything through until the model opens a call by its marker. From there on only what
/// ToolCallGrammar allows may come, then the marker that closes it, then everything again. Whether
/// there is a call, of what and with which arguments is the model's choice among those. Added
/// tokens cannot come inside a call: fed back, they would be control tokens again.
class ToolCallFilter final : public engine::TokenFilter {
 public:
  /// `offered` must not be empty; it is not used after this.
  ToolCallFilter(text::Tokenizer tokenizer, const CallMarkers& markers,
                 std::vector<TokenId> stop_ids,
                 const std::vector<protocol::ToolDefinition>& offered);

  bool restricts() const override { return call_.has_value(); }
  bool allows(TokenId token) const override;
  void accept(TokenId token) override;

 private:
  void look_ahead();

  text::Tokenizer tokenizer_;
  CallMarkers markers_;
  std::vector<TokenId> stop_ids_;
  protocol::ToolCallGrammar grammar_;
  std::optional<protocol::ToolCallGrammar::State> call_;  ///< the one that is being written
  /// The bytes that may come next: all but a few of 200,000 tokens are told by their first.
  std::bitset<256> first_bytes_;
};

}  // namespace hearth::provider
