// Conversations whose last reply a model is to predict: one on each line of a file.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/token.h"
#include "eval/text_score.h"
#include "protocol/messages_json.h"
#include "provider/prompt_encoder.h"

namespace hearth::eval {

struct ScoredConversation {
  std::string where;  ///< "SOURCE: line N", for errors
  protocol::Conversation conversation;
};

/// Reads JSON lines, each the body of a request as OpenAI's chat API has it ("messages", perhaps
/// "tools"; other keys are passed over) whose last message is the assistant's, as files for
/// fine-tuning have it. Empty lines are passed over; none at all is an error. Errors
/// (kInvalidArgument) name `source`, the line and the key.
Result<std::vector<ScoredConversation>> parse_conversations(std::string_view text,
                                                            std::string_view source);

/// What one model's template makes of conversations.
struct ConversationPassages {
  /// As many as there are conversations; nothing for one that the model cannot be given: its
  /// template has no place for tools or for a system message, or it is longer than the context.
  std::vector<std::optional<Passage>> passages;
  std::string first_problem;  ///< of the first of these, with its line; empty where there is none
};

/// What is scored is each last reply as the template writes it, with the token that ends it, where
/// one of `stop_ids` does.
ConversationPassages passages_of(std::span<const ScoredConversation> conversations,
                                 const provider::PromptEncoder& prompts,
                                 std::span<const TokenId> stop_ids, std::size_t context_tokens);

}  // namespace hearth::eval
