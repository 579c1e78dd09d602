#include "provider/context_window.h"

#include <gtest/gtest.h>

#include <numeric>
#include <random>
#include <string>

namespace hearth::provider {
namespace {

using protocol::Message;
using protocol::Role;

Message message(Role role, int tokens) {
  Message made;
  made.role = role;
  made.content = std::string(static_cast<std::size_t>(tokens), 'x');
  return made;
}

/// One token a character and two for each message's frame.
Result<std::int64_t> count(const std::vector<Message>& messages) {
  std::int64_t tokens = 0;
  for (const Message& one : messages) tokens += 2 + static_cast<std::int64_t>(one.content.size());
  return tokens;
}

std::vector<Message> conversation() {
  return {message(Role::kSystem, 8),    message(Role::kUser, 8),      message(Role::kAssistant, 8),
          message(Role::kUser, 8),      message(Role::kAssistant, 8), message(Role::kTool, 8),
          message(Role::kAssistant, 8), message(Role::kUser, 8)};  // ten tokens each
}

TEST(FitConversation, KeepsAllThatFits) {
  const auto fitted = fit_conversation(conversation(), 80, true, count);
  ASSERT_TRUE(fitted);
  EXPECT_EQ(fitted->messages.size(), 8u);
  EXPECT_EQ(fitted->dropped.messages, 0);
  EXPECT_EQ(fitted->dropped.tokens, 0);
}

TEST(FitConversation, DropsOldestTurnsAndSaysSo) {
  const auto fitted = fit_conversation(conversation(), 79, true, count);
  ASSERT_TRUE(fitted);
  EXPECT_EQ(fitted->messages.size(), 6u);
  EXPECT_EQ(fitted->messages[0].role, Role::kSystem);
  EXPECT_EQ(fitted->messages[1].role, Role::kUser);
  EXPECT_EQ(fitted->dropped.messages, 2);
  EXPECT_EQ(fitted->dropped.tokens, 20);
}

TEST(FitConversation, NeverBeginsWithAnAnswerOrAToolResult) {
  const auto fitted = fit_conversation(conversation(), 59, true, count);
  ASSERT_TRUE(fitted);
  ASSERT_EQ(fitted->messages.size(), 2u) << "50 tokens would fit, but would begin with an answer";
  EXPECT_EQ(fitted->messages[1].role, Role::kUser);
  EXPECT_EQ(fitted->dropped.messages, 6);
}

TEST(FitConversation, ATurnThatCannotFitIsAnErrorWithBothNumbers) {
  const auto fitted = fit_conversation(conversation(), 19, true, count);
  ASSERT_FALSE(fitted);
  EXPECT_EQ(fitted.error().code, ErrorCode::kContextTooLong);
  EXPECT_NE(fitted.error().message.find("needs 20 tokens, 19 fit"), std::string::npos)
      << fitted.error().message;
}

TEST(FitConversation, ASingleMessageThatCannotFit) {
  const auto fitted = fit_conversation({message(Role::kUser, 100)}, 50, true, count);
  ASSERT_FALSE(fitted);
  EXPECT_NE(fitted.error().message.find("needs 102 tokens, 50 fit"), std::string::npos);
}

TEST(FitConversation, WithoutTheWindowNothingIsDropped) {
  const auto fitted = fit_conversation(conversation(), 79, false, count);
  ASSERT_FALSE(fitted);
  EXPECT_EQ(fitted.error().code, ErrorCode::kContextTooLong);
  EXPECT_NE(fitted.error().message.find("needs 80 tokens, 79 fit"), std::string::npos);
}

TEST(FitConversation, AgreesWithTryingEveryStart) {
  std::mt19937 random(5);
  for (int round = 0; round < 300; ++round) {
    std::vector<Message> messages{message(Role::kSystem, 3), message(Role::kUser, 4)};
    const int turns = static_cast<int>(random() % 12);
    for (int i = 0; i < turns; ++i) {
      const Role roles[] = {Role::kUser, Role::kAssistant, Role::kTool};
      messages.push_back(message(roles[random() % 3], static_cast<int>(random() % 30)));
    }
    messages.push_back(message(Role::kUser, 5));
    const auto budget = static_cast<std::int64_t>(random() % 200);
    std::size_t expected = 0;  // first start that fits, trying each in order
    for (std::size_t start = 1; start < messages.size() && expected == 0; ++start) {
      if (messages[start].role != Role::kUser) continue;
      std::vector<Message> kept{messages[0]};
      kept.insert(kept.end(), messages.begin() + static_cast<std::ptrdiff_t>(start),
                  messages.end());
      if (*count(kept) <= budget) expected = start;
    }
    const auto fitted = fit_conversation(messages, budget, true, count);
    ASSERT_EQ(fitted.has_value(), expected != 0);
    if (fitted) {
      EXPECT_EQ(fitted->dropped.messages, static_cast<std::int64_t>(expected) - 1);
    }
  }
}

}  // namespace
}  // namespace hearth::provider
