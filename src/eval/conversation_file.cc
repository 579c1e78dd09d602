#include "eval/conversation_file.h"

#include <algorithm>
#include <utility>

#include "eval/text_lines.h"

namespace hearth::eval {
namespace {

Result<Passage> passage_of(const ScoredConversation& one, const provider::PromptEncoder& prompts,
                           std::span<const TokenId> stop_ids, std::size_t context_tokens) {
  auto made = prompts.encode_with_reply(one.conversation.messages, one.conversation.tools);
  if (!made) return fail_within(one.where, made.error());
  // Templates may write more behind a reply than a model is to say.
  const auto stop =
      std::find_first_of(made->reply.begin(), made->reply.end(), stop_ids.begin(), stop_ids.end());
  if (stop != made->reply.end()) made->reply.erase(stop + 1, made->reply.end());
  if (made->prompt.empty() || made->reply.empty()) {
    return fail(ErrorCode::kInvalidArgument,
                one.where + ": the model's template makes nothing of it to be scored");
  }
  Passage passage{std::move(made->prompt), 0};
  passage.first_scored = passage.tokens.size();
  passage.tokens.insert(passage.tokens.end(), made->reply.begin(), made->reply.end());
  if (passage.tokens.size() <= context_tokens) return passage;
  return fail(ErrorCode::kContextTooLong,
              one.where + ": the conversation has " + std::to_string(passage.tokens.size()) +
                  " tokens, the model's context " + std::to_string(context_tokens));
}

}  // namespace

Result<std::vector<ScoredConversation>> parse_conversations(std::string_view text,
                                                            std::string_view source) {
  std::vector<ScoredConversation> conversations;
  const auto read = [&](std::string_view line, std::string where) -> Result<void> {
    HEARTH_TRY(auto conversation, protocol::parse_conversation(line, where));
    if (conversation.messages.size() < 2 ||
        conversation.messages.back().role != protocol::Role::kAssistant) {
      return fail(ErrorCode::kInvalidArgument,
                  where +
                      ": \"messages\" must end with a message of the assistant, which is what "
                      "is scored, and have one before it");
    }
    conversations.push_back({std::move(where), std::move(conversation)});
    return {};
  };
  HEARTH_TRY_VOID(read_lines(text, source, read));
  if (!conversations.empty()) return conversations;
  return fail(ErrorCode::kInvalidArgument,
              std::string(source) + ": there is no conversation in it");
}

ConversationPassages passages_of(std::span<const ScoredConversation> conversations,
                                 const provider::PromptEncoder& prompts,
                                 std::span<const TokenId> stop_ids, std::size_t context_tokens) {
  ConversationPassages made;
  for (const ScoredConversation& one : conversations) {
    auto passage = passage_of(one, prompts, stop_ids, context_tokens);
    if (passage) {
      made.passages.emplace_back(*std::move(passage));
    } else {
      made.passages.emplace_back();
      if (made.first_problem.empty()) made.first_problem = passage.error().message;
    }
  }
  return made;
}

}  // namespace hearth::eval
