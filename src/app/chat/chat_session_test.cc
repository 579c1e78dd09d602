// A session with a scripted model: what stays in the conversation, whatever happens.
#include "app/chat/chat_session.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "base/file.h"

namespace hearth::app {
namespace {

using protocol::Message;

class ScriptedModel final : public ChatModel {
 public:
  Result<provider::ChatReply> answer(const std::vector<Message>& messages,
                                     const provider::TextSink& on_text, const std::atomic<bool>&,
                                     const provider::ProgressSink& on_progress) override {
    asked = messages;
    if (failure) return tl::unexpected<Error>(*failure);
    on_progress({10, 0, 0});
    if (!text.empty()) on_text(text);
    on_progress({10, 10, 1});
    provider::ChatReply reply;
    reply.text = text;
    reply.stop_reason = stop;
    reply.usage = {10, 1, 4};
    return reply;
  }
  Result<void> change(const std::string& name) override {
    if (name == "none") return fail(ErrorCode::kNotFound, "there is no model none");
    current = name;
    return {};
  }
  std::string name() const override { return current; }
  std::string description() const override { return "<" + current + ">"; }
  std::int64_t context_tokens() const override { return 2048; }
  std::vector<std::string> notes(const provider::ChatReply&) const override { return note; }

  std::string text = "Fine.";
  std::string current = "first";
  protocol::StopReason stop = protocol::StopReason::kEndOfTurn;
  std::optional<Error> failure;
  std::vector<std::string> note;
  std::vector<Message> asked;
};

class ChatSessionTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "/hearth-session-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  ChatSession session(const std::string& system = "", const std::string& prefix = "") {
    return ChatSession(
        model_, sinks_, [this](std::string_view line) { said_ += line; },
        {system, prefix, [this](const std::string& path) { return (folder_ / path).string(); }});
  }

  Result<void> ask(ChatSession& session, const std::string& text) {
    return session.ask(text, never_);
  }

  /// "s:... u:... a:..."
  static std::string shape(const std::vector<Message>& messages) {
    std::string text;
    for (const Message& one : messages) {
      text += std::string(text.empty() ? "" : " ") + std::string(role_name(one.role)).substr(0, 1) +
              ":" + one.content;
    }
    return text;
  }

  const std::atomic<bool> never_{false};
  std::filesystem::path folder_;
  ScriptedModel model_;
  std::string written_;
  std::string said_;
  AnswerSinks sinks_{[this](std::string_view text) {
    written_ += text;
    return true;
  }};
};

TEST_F(ChatSessionTest, QuestionsAndAnswersAreKept) {
  ChatSession chat = session("Be brief.", "In German:");
  ASSERT_TRUE(ask(chat, "Hello"));
  model_.text = "And you?";
  ASSERT_TRUE(ask(chat, "How are you?"));
  EXPECT_EQ(shape(model_.asked),
            "s:Be brief. u:In German:\nHello a:Fine. u:In German:\nHow are you?");
  EXPECT_EQ(shape(chat.messages()), shape(model_.asked) + " a:And you?");
  EXPECT_EQ(written_, "Fine.\nAnd you?\n");
  EXPECT_EQ(said_, "");
}

TEST_F(ChatSessionTest, FailuresLeaveTheConversationAsItWas) {
  ChatSession chat = session();
  ASSERT_TRUE(ask(chat, "Hello"));
  const std::string before = shape(chat.messages());
  model_.failure = Error{ErrorCode::kContextTooLong, "too long"};
  EXPECT_EQ(ask(chat, "much").error().code, ErrorCode::kContextTooLong);
  EXPECT_EQ(ask(chat, "\xff").error().code, ErrorCode::kInvalidArgument);
  EXPECT_FALSE(chat.command("/load none.json"));
  EXPECT_FALSE(chat.command("/save none/x.json"));
  EXPECT_FALSE(chat.command("/model none"));
  EXPECT_FALSE(chat.command("/bogus"));
  ASSERT_TRUE(write_file_atomically(folder_ / "bad.json", "{\"format\": \"hearth-chat\""));
  EXPECT_FALSE(chat.command("/load bad.json"));
  EXPECT_EQ(shape(chat.messages()), before);
  EXPECT_EQ(model_.current, "first");
  model_.failure.reset();
  ASSERT_TRUE(ask(chat, "again"));
}

TEST_F(ChatSessionTest, StoppedAnswersAreKeptAsFarAsTheyCame) {
  ChatSession chat = session();
  model_.stop = protocol::StopReason::kCancelled;
  model_.text = "Once upon";
  ASSERT_TRUE(ask(chat, "Tell"));
  EXPECT_EQ(shape(chat.messages()), "u:Tell a:Once upon");
  EXPECT_NE(said_.find("what was said stays"), std::string::npos);
  model_.text = "";
  ASSERT_TRUE(ask(chat, "More"));
  EXPECT_EQ(shape(chat.messages()), "u:Tell a:Once upon") << "nothing was said";
  EXPECT_NE(said_.find("taken back"), std::string::npos);
}

TEST_F(ChatSessionTest, SavedConversationsGoOn) {
  ChatSession first = session("Be brief.");
  ASSERT_TRUE(ask(first, "Hello"));
  ASSERT_TRUE(first.command("/save talk.json"));
  ChatSession second = session();
  ASSERT_TRUE(ask(second, "other"));
  ASSERT_TRUE(second.command("/load talk.json"));
  EXPECT_EQ(shape(second.messages()), shape(first.messages()));
  ASSERT_TRUE(ask(second, "And?"));
  EXPECT_EQ(shape(model_.asked), "s:Be brief. u:Hello a:Fine. u:And?");
}

TEST_F(ChatSessionTest, TheSystemPromptIsShownSetAndRemoved) {
  ChatSession chat = session("Be brief.");
  ASSERT_TRUE(ask(chat, "Hello"));
  ASSERT_TRUE(chat.command("/system"));
  EXPECT_EQ(said_, "Be brief.\n");
  ASSERT_TRUE(chat.command("/system Be long."));
  EXPECT_EQ(shape(chat.messages()), "s:Be long. u:Hello a:Fine.");
  ASSERT_TRUE(chat.command("/reset"));
  EXPECT_EQ(shape(chat.messages()), "s:Be long.");
  ASSERT_TRUE(chat.command("/system \"\""));
  EXPECT_TRUE(chat.messages().empty());
  ASSERT_TRUE(chat.command("/reset"));
  EXPECT_TRUE(chat.messages().empty());
}

TEST_F(ChatSessionTest, NotesAndStatsAreTold) {
  ChatSession chat = session();
  model_.note = {"the 2 oldest messages were left out"};
  ASSERT_TRUE(chat.command("/stats"));
  ASSERT_TRUE(ask(chat, "Hello"));
  EXPECT_NE(said_.find("note: the 2 oldest messages were left out\n"), std::string::npos);
  ASSERT_TRUE(chat.command("/stats"));
  EXPECT_NE(said_.find("10 tokens read, 4 of them at hand already"), std::string::npos) << said_;
  EXPECT_NE(said_.find("11 of 2,048 tokens"), std::string::npos) << said_;
}

TEST_F(ChatSessionTest, ModelsChangeAndUsersLeave) {
  ChatSession chat = session();
  ASSERT_TRUE(chat.command("/model second"));
  EXPECT_EQ(model_.current, "second");
  EXPECT_EQ(said_, "now answering: <second>\n");
  EXPECT_TRUE(*chat.command("/help"));
  EXPECT_FALSE(*chat.command("/quit"));
  EXPECT_FALSE(*chat.command("/exit"));
}

}  // namespace
}  // namespace hearth::app
