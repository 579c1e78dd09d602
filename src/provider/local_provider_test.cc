// The provider with the model in the box: what is re-used between requests never changes an answer.
#include "provider/local_provider.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "protocol/tool_definitions.h"

namespace hearth::provider {
namespace {

using protocol::Message;
using protocol::Role;

const std::atomic<bool> kNever{false};

Message message(Role role, std::string content) {
  Message made;
  made.role = role;
  made.content = std::move(content);
  return made;
}

class LocalProviderTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    std::string pattern = (std::filesystem::temp_directory_path() / "hearth-cache-XXXXXX").string();
    cache_folder_ = ::mkdtemp(pattern.data());
  }
  static void TearDownTestSuite() { std::filesystem::remove_all(cache_folder_); }

  static std::unique_ptr<LocalProvider> load(bool reuse_prefix) {
    LocalProviderOptions options;
    options.model_folder = HEARTH_SOURCE_DIR "/models/ember/int4";
    options.reuse_prefix = reuse_prefix;
    // What is packed goes there, not into the source tree.
    options.cache_folder = cache_folder_;
    options.session.accelerated.cache_folder = cache_folder_;
    auto loaded = LocalProvider::load(options);
    EXPECT_TRUE(loaded) << loaded.error().message;
    return loaded ? std::move(*loaded) : nullptr;
  }

  static ChatRequest request(std::vector<Message> messages, std::int64_t max_tokens = 24) {
    ChatRequest made;
    made.messages = std::move(messages);
    made.max_tokens = max_tokens;
    return made;
  }

  static Result<ChatReply> ask(LocalProvider& provider, const ChatRequest& made) {
    return provider.chat(
        made, [](std::string_view) {}, kNever);
  }

  static inline std::filesystem::path cache_folder_;
  std::unique_ptr<LocalProvider> reusing_ = load(true);
  std::unique_ptr<LocalProvider> fresh_ = load(false);
};

TEST_F(LocalProviderTest, EachTurnComputesOnlyWhatIsNew) {
  std::vector<Message> messages = {message(Role::kSystem, "Be brief."),
                                   message(Role::kUser, "What is 17 + 25?")};
  const auto first = ask(*reusing_, request(messages));
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_EQ(first->usage.cached_tokens, 0);
  messages.push_back(message(Role::kAssistant, first->text));
  messages.push_back(message(Role::kUser, "And 3 + 4?"));
  const auto second = ask(*reusing_, request(messages));
  const auto expected = ask(*fresh_, request(messages));
  ASSERT_TRUE(second && expected);
  EXPECT_EQ(second->text, expected->text);
  EXPECT_GE(second->usage.cached_tokens, first->usage.input_tokens);
  EXPECT_EQ(second->usage.input_tokens, expected->usage.input_tokens);
  EXPECT_EQ(expected->usage.cached_tokens, 0);
}

TEST_F(LocalProviderTest, ASystemPromptThatComesAgainIsThere) {
  const Message system = message(
      Role::kSystem, "You are a careful assistant. Answer in one sentence, and say what you know.");
  const auto first = ask(*reusing_, request({system, message(Role::kUser, "Hello!")}));
  const auto second =
      ask(*reusing_, request({system, message(Role::kUser, "What is the capital of France?")}));
  ASSERT_TRUE(first && second);
  EXPECT_GT(second->usage.cached_tokens, 15);
}

/// A conversation as people lead it: on, back, changed, anew, with another system prompt.
std::vector<Message> edited(std::vector<Message> messages, std::mt19937& random) {
  const std::vector<std::string> questions = {"What is 17 + 25?",
                                              "read src/main.cc",
                                              "Hello!",
                                              "Tell me a long story about rain.",
                                              "And then? \xC3\xA9",
                                              "List 5 programming languages."};
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  switch (below(6)) {
    case 0:
      messages.clear();
      if (below(2) == 0) messages.push_back(message(Role::kSystem, "Be brief."));
      break;
    case 1:
      if (messages.size() > 2) messages.resize(messages.size() - 2);
      break;
    case 2:
      if (!messages.empty()) messages[below(messages.size())].content += " or not";
      break;
    default:
      break;
  }
  if (!messages.empty() && messages.back().role == Role::kUser) messages.pop_back();
  messages.push_back(message(Role::kUser, questions[below(questions.size())]));
  return messages;
}

TEST_F(LocalProviderTest, RandomlyEditedConversationsGetTheAnswersOfAFreshProvider) {
  std::mt19937 random(11);
  std::vector<Message> messages;
  std::int64_t cached = 0;
  for (int turn = 0; turn < 60; ++turn) {
    messages = edited(std::move(messages), random);
    ChatRequest made = request(messages, 1 + static_cast<std::int64_t>(random() % 30));
    made.sampling.temperature = turn % 2 == 0 ? 0.0 : 0.9;
    made.sampling.seed = random();
    made.max_context_tokens = turn % 7 == 6 ? 120 : 0;  // the window slides now and then
    const auto answer = ask(*reusing_, made);
    const auto expected = ask(*fresh_, made);
    ASSERT_TRUE(answer && expected);
    ASSERT_EQ(answer->text, expected->text) << "turn " << turn;
    ASSERT_EQ(answer->usage.output_tokens, expected->usage.output_tokens);
    ASSERT_EQ(answer->usage.input_tokens, expected->usage.input_tokens);
    cached += answer->usage.cached_tokens;
    messages.push_back(message(Role::kAssistant, answer->text));
  }
  EXPECT_GT(cached, 1000) << "without re-use this test sees nothing";
}

TEST_F(LocalProviderTest, ACancelledAnswerCanGoOn) {
  std::atomic<bool> cancelled{false};
  std::vector<Message> messages = {message(Role::kUser, "Tell me a long story.")};
  ChatRequest made = request(messages, 60);
  made.min_tokens = 60;
  int pieces = 0;
  const auto stopped = reusing_->chat(
      made, [&](std::string_view) { cancelled = ++pieces == 10; }, cancelled);
  ASSERT_TRUE(stopped);
  EXPECT_EQ(stopped->stop_reason, protocol::StopReason::kCancelled);
  EXPECT_LT(stopped->usage.output_tokens, 60);
  messages.push_back(message(Role::kAssistant, stopped->text));
  messages.push_back(message(Role::kUser, "Go on."));
  const auto next = ask(*reusing_, request(messages));
  const auto expected = ask(*fresh_, request(messages));
  ASSERT_TRUE(next && expected);
  EXPECT_EQ(next->text, expected->text);
  EXPECT_GT(next->usage.cached_tokens, 5);
}

TEST_F(LocalProviderTest, LogProbabilitiesAreOfTheTokensThatSpellTheReply) {
  ChatRequest made = request({message(Role::kUser, "What is 17 + 25?")});
  const auto plain = ask(*fresh_, made);
  made.wants_log_probabilities = true;
  const auto reply = ask(*fresh_, made);
  ASSERT_TRUE(plain && reply);
  EXPECT_TRUE(plain->log_probabilities.empty());
  EXPECT_EQ(plain->tokens, reply->tokens);
  ASSERT_EQ(reply->log_probabilities.size(), reply->tokens.size());
  EXPECT_EQ(reply->raw_text, reply->text);
  EXPECT_EQ(*fresh_->model().tokenizer->decode(reply->tokens), reply->raw_text);
  for (const double logarithm : reply->log_probabilities) {
    EXPECT_LE(logarithm, 0);
    EXPECT_GT(logarithm, -2) << "greedy tokens are likely ones";
  }
}

TEST_F(LocalProviderTest, ARequestThatIsRefusedDoesNoHarm) {
  std::vector<Message> messages = {message(Role::kUser, "Hello!")};
  ASSERT_TRUE(ask(*reusing_, request(messages)));
  ChatRequest too_long = request({message(Role::kUser, std::string(4000, 'x'))});
  too_long.max_context_tokens = 64;
  const auto refused = ask(*reusing_, too_long);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kContextTooLong);
  const auto again = ask(*reusing_, request(messages));
  const auto expected = ask(*fresh_, request(messages));
  ASSERT_TRUE(again && expected);
  EXPECT_EQ(again->text, expected->text);
  EXPECT_EQ(again->usage.cached_tokens, again->usage.input_tokens - 1);
}

TEST_F(LocalProviderTest, ProgressCountsPromptAndAnswer) {
  std::vector<Progress> seen;
  const auto reply = reusing_->chat(
      request({message(Role::kUser, std::string(600, 'a') + " b c d e")}, 5),
      [](std::string_view) {}, kNever, [&](const Progress& progress) { seen.push_back(progress); });
  ASSERT_TRUE(reply);
  ASSERT_GE(seen.size(), 2u);
  EXPECT_EQ(seen.front().prompt_tokens, reply->usage.input_tokens);
  EXPECT_EQ(seen.front().prompt_tokens_done, 0);
  EXPECT_EQ(seen.back().prompt_tokens_done, reply->usage.input_tokens);
  EXPECT_EQ(seen.back().output_tokens, reply->usage.output_tokens);
}

/// Drawn at random or not, a call that was opened and ended is one of those that were offered.
TEST_F(LocalProviderTest, CallsKeepToTheDefinitions) {
  auto tools = protocol::parse_tool_definitions(
      R"([{"name": "read", "description": "Read a file", "input_schema": {"type": "object",
           "properties": {"path": {"type": "string"}, "zq": {"type": "integer"}}, "required": ["path", "zq"]}}])",
      "tools");
  ASSERT_TRUE(tools);
  ChatRequest asked = request({message(Role::kUser, "read src/main.cc")}, 80);
  asked.tools = *tools;
  asked.wants_log_probabilities = true;
  int calls = 0;
  for (std::uint64_t seed = 0; seed < 6; ++seed) {
    asked.sampling.seed = seed;
    asked.sampling.temperature = seed == 0 ? 0 : 1.2;
    const auto reply = ask(*reusing_, asked);
    ASSERT_TRUE(reply) << reply.error().message;
    EXPECT_EQ(reply->log_probabilities.size(), reply->tokens.size());
    if (reply->stop_reason == protocol::StopReason::kMaxTokens) continue;
    EXPECT_EQ(reply->raw_text.find("<|tool_call|>") == std::string::npos,
              reply->tool_calls.empty());
    EXPECT_FALSE(reply->tool_calls_repaired) << reply->raw_text;
    for (const protocol::ToolCall& call : reply->tool_calls) {
      ++calls;
      EXPECT_TRUE(call.arguments.contains("path") && call.arguments["zq"].is_number_integer());
    }
  }
  EXPECT_GT(calls, 0);
  asked.strict_tool_calls = false;
  const auto free = ask(*reusing_, asked);
  EXPECT_TRUE(free) << free.error().message;
}

}  // namespace
}  // namespace hearth::provider
