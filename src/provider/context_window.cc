#include "provider/context_window.h"

#include <algorithm>
#include <string>

namespace hearth::provider {
namespace {

using protocol::Message;
using protocol::Role;

std::size_t leading_system_messages(const std::vector<Message>& messages) {
  std::size_t count = 0;
  while (count < messages.size() && messages[count].role == Role::kSystem) ++count;
  return count;
}

/// Where a shortened conversation may begin: at each question after the first.
std::vector<std::size_t> possible_starts(const std::vector<Message>& messages, std::size_t first) {
  std::vector<std::size_t> starts;
  for (std::size_t i = first + 1; i < messages.size(); ++i) {
    if (messages[i].role == Role::kUser) starts.push_back(i);
  }
  return starts;
}

std::vector<Message> from(const std::vector<Message>& messages, std::size_t systems,
                          std::size_t start) {
  std::vector<Message> kept(messages.begin(),
                            messages.begin() + static_cast<std::ptrdiff_t>(systems));
  kept.insert(kept.end(), messages.begin() + static_cast<std::ptrdiff_t>(start), messages.end());
  return kept;
}

tl::unexpected<Error> too_long(const char* what, std::int64_t tokens, std::int64_t tokens_max,
                               const char* advice) {
  return fail(ErrorCode::kContextTooLong, std::string(what) + " needs " + std::to_string(tokens) +
                                              " tokens, " + std::to_string(tokens_max) +
                                              " fit beside the answer: " + advice);
}

}  // namespace

Result<FittedConversation> fit_conversation(const std::vector<Message>& messages,
                                            std::int64_t prompt_tokens_max, bool may_drop,
                                            const CountTokens& count) {
  HEARTH_TRY(const std::int64_t total, count(messages));
  if (total <= prompt_tokens_max) return FittedConversation{messages, {}};
  const std::size_t systems = leading_system_messages(messages);
  const auto starts = possible_starts(messages, systems);
  if (!may_drop && !starts.empty()) {
    return too_long("the conversation", total, prompt_tokens_max,
                    "shorten it, or allow the sliding window to drop its oldest messages");
  }
  if (starts.empty()) {
    return too_long("the message with its system prompt and tools", total, prompt_tokens_max,
                    "shorten it, or allow a longer context (maxContextTokens, or another model)");
  }
  // Fewer messages never need more tokens, so the first start that fits is found by halving.
  std::size_t low = 0;
  std::size_t high = starts.size() - 1;
  HEARTH_TRY(std::int64_t kept_tokens, count(from(messages, systems, starts[high])));
  if (kept_tokens > prompt_tokens_max) {
    return too_long("the newest turn with its system prompt and tools", kept_tokens,
                    prompt_tokens_max,
                    "shorten it, or allow a longer context (maxContextTokens, or another model)");
  }
  while (low < high) {
    const std::size_t middle = low + (high - low) / 2;
    HEARTH_TRY(const std::int64_t tokens, count(from(messages, systems, starts[middle])));
    if (tokens <= prompt_tokens_max) {
      high = middle;
      kept_tokens = tokens;
    } else {
      low = middle + 1;
    }
  }
  FittedConversation fitted;
  fitted.messages = from(messages, systems, starts[high]);
  fitted.dropped.messages = static_cast<std::int64_t>(starts[high] - systems);
  fitted.dropped.tokens = total - kept_tokens;
  return fitted;
}

}  // namespace hearth::provider
