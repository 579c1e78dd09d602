#include "app/chat/conversation_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <string>

#include "base/file.h"

namespace hearth::app {
namespace {

using protocol::Message;
using protocol::Role;

Message message(Role role, std::string content) {
  Message made;
  made.role = role;
  made.content = std::move(content);
  return made;
}

class ConversationFile : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "/hearth-chat-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path folder_;
  std::vector<Message> messages_ = {message(Role::kSystem, "Be brief."),
                                    message(Role::kUser, "a\n\"b\" \xC3\xA9\t\\"),
                                    message(Role::kAssistant, "")};
};

TEST_F(ConversationFile, WhatWasSavedIsLoaded) {
  messages_[2].tool_calls.push_back({"", "read", {{"path", "x"}}});
  const auto path = folder_ / "talk.json";
  ASSERT_TRUE(save_conversation(path, messages_, "ember/int4"));
  const auto loaded = load_conversation(path);
  ASSERT_TRUE(loaded) << loaded.error().message;
  ASSERT_EQ(loaded->size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ((*loaded)[i].role, messages_[i].role);
    EXPECT_EQ((*loaded)[i].content, messages_[i].content);
    EXPECT_EQ((*loaded)[i].tool_calls, messages_[i].tool_calls);
  }
  struct stat info {};
  ASSERT_EQ(::stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777u, 0600u);
}

TEST_F(ConversationFile, AFailureLeavesTheOldFile) {
  const auto path = folder_ / "talk.json";
  ASSERT_TRUE(save_conversation(path, messages_, "m"));
  const std::string before = *read_file(path);
  EXPECT_FALSE(save_conversation(folder_ / "none" / "talk.json", messages_, "m"));
  EXPECT_FALSE(save_conversation(folder_, messages_, "m")) << "a folder";
  EXPECT_EQ(*read_file(path), before);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 1)
      << "no temporary file is left";
}

TEST_F(ConversationFile, WhatIsNoConversationIsNamed) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "f: not valid JSON: it is empty"},
      {"[]", "is not a conversation saved by hearth chat"},
      {R"({"messages": []})", "\"format\" is not \"hearth-chat\""},
      {R"({"format": "hearth-chat", "messages": []})", "f: version is missing"},
      {R"({"format": "hearth-chat", "version": 2, "messages": []})",
       "f: version is 2; this Hearth reads version 1"},
      {R"({"format": "hearth-chat", "version": 1})", "f: messages is missing"},
      {R"({"format": "hearth-chat", "version": 1, "messages": {}})", "messages is an object"},
      {R"({"format": "hearth-chat", "version": 1, "messages": [{"role": "cat", "content": ""}]})",
       "messages[0].role is \"cat\""},
      {R"({"format": "hearth-chat", "version": 1, "messages": [
          {"role": "user", "content": "a"}, {"role": "system", "content": "b"}]})",
       "messages[1].role is system; only the first"},
      {"{\"format\": \"hearth-chat\", \"version\": 1, \"messages\": \"\xff\"}", "not valid JSON"},
  };
  for (const auto& [text, says] : cases) {
    const auto parsed = parse_conversation_text(text, "f");
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code, ErrorCode::kInvalidArgument);
    EXPECT_NE(parsed.error().message.find(says), std::string::npos) << parsed.error().message;
  }
  EXPECT_EQ(load_conversation(folder_ / "none").error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(load_conversation(folder_).error().code, ErrorCode::kInvalidArgument) << "a folder";
}

}  // namespace
}  // namespace hearth::app
