// Which messages of a long conversation still fit: the system message, then the newest ones. Pure
// policy.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "base/result.h"
#include "protocol/chat.h"

namespace hearth::provider {

/// What was left out; always reported, never silent.
struct DroppedContext {
  std::int64_t messages = 0;
  std::int64_t tokens =
      0;  ///< prompt tokens of the whole conversation minus those of what was kept
};

struct FittedConversation {
  std::vector<protocol::Message> messages;
  DroppedContext dropped;
};

/// Counts the prompt tokens of a conversation exactly: rendered by the template, then tokenised.
using CountTokens =
    std::function<Result<std::int64_t>(const std::vector<protocol::Message>& messages)>;

/// Drops the oldest messages after the leading system messages until the rest fits in
/// `prompt_tokens_max`. An answer is never kept without the question it answers, nor a tool's
/// result without its call. When even the last turn does not fit, or `may_drop` is false and the
/// conversation is too long: kContextTooLong with both numbers.
Result<FittedConversation> fit_conversation(const std::vector<protocol::Message>& messages,
                                            std::int64_t prompt_tokens_max, bool may_drop,
                                            const CountTokens& count);

}  // namespace hearth::provider
