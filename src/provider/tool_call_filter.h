// Keeps a model to valid tool calls while it writes one.
#pragma once

#include <optional>
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

/// Nothing where the vocabulary has no such tokens, or is not made of bytes: then there might be
/// calls that it cannot spell.
std::optional<CallMarkers> find_call_markers(const text::Tokenizer& tokenizer);

/// Lets everything through until the model opens a call by its marker. From there on only what
/// ToolCallGrammar allows may come, then the marker that closes it, then everything again. Whether
/// there is a call, of what and with which arguments is the model's choice among those.
class ToolCallFilter final : public engine::TokenFilter {
 public:
  /// `offered` must not be empty; it is not used after this.
  ToolCallFilter(text::Tokenizer tokenizer, const CallMarkers& markers,
                 const std::vector<protocol::ToolDefinition>& offered);

  bool restricts() const override { return call_.has_value(); }
  bool allows(TokenId token) const override;
  void accept(TokenId token) override;

 private:
  text::Tokenizer tokenizer_;
  CallMarkers markers_;
  protocol::ToolCallGrammar grammar_;
  std::optional<protocol::ToolCallGrammar::State> call_;  ///< the one that is being written
};

}  // namespace hearth::provider
