#include "app/chat/chat_command.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace hearth::app {
namespace {

TEST(ChatCommand, OnlyOneSlashAtTheBeginningOfALineIsOne) {
  EXPECT_TRUE(is_chat_command("/help"));
  EXPECT_TRUE(is_chat_command("/"));
  EXPECT_FALSE(is_chat_command("//etc/passwd"));
  EXPECT_FALSE(is_chat_command(" /help"));
  EXPECT_FALSE(is_chat_command("a /help"));
  EXPECT_FALSE(is_chat_command(""));
  EXPECT_FALSE(is_chat_command("/usr/bin\nwas pasted"));
  EXPECT_EQ(message_of_line("//etc"), "/etc");
  EXPECT_EQ(message_of_line("a//b"), "a//b");
}

TEST(ChatCommand, EachIsParsed) {
  for (const ChatCommandRow& row : chat_command_table()) {
    const std::string line = std::string(row.name) + (row.parameter.empty() ? "" : "  a b ");
    const auto command = parse_chat_command(line);
    ASSERT_TRUE(command) << command.error().message;
    EXPECT_EQ(command->verb, row.verb);
    EXPECT_EQ(command->argument, row.parameter.empty() ? "" : "a b");
  }
  EXPECT_EQ(parse_chat_command("/exit")->verb, ChatVerb::kQuit);
  EXPECT_EQ(parse_chat_command("/q")->verb, ChatVerb::kQuit);
  EXPECT_EQ(parse_chat_command("/sav x")->argument, "x");
}

TEST(ChatCommand, WhatIsWrongIsExplained) {
  const std::pair<const char*, const char*> cases[] = {{"/sabe x", "did you mean /save?"},
                                                       {"/usr/bin/foo", "written with two"},
                                                       {"/s", "may be /system or /save or /stats"},
                                                       {"/", "is no command"},
                                                       {"/save", "needs a file: /save FILE"},
                                                       {"/load  ", "needs a file"},
                                                       {"/reset now", "takes nothing"}};
  for (const auto& [line, says] : cases) {
    const auto command = parse_chat_command(line);
    ASSERT_FALSE(command) << line;
    EXPECT_EQ(command.error().code, ErrorCode::kInvalidArgument);
    EXPECT_NE(command.error().message.find(says), std::string::npos) << command.error().message;
  }
}

TEST(ChatCommand, CompletesTheFirstWord) {
  using Names = std::vector<std::string_view>;
  EXPECT_EQ(complete_chat_command("/s"), (Names{"/system", "/save", "/stats"}));
  EXPECT_EQ(complete_chat_command("/sa"), Names{"/save"});
  EXPECT_EQ(complete_chat_command("/").size(), chat_command_table().size());
  EXPECT_EQ(complete_chat_command("/save "), Names{});
  EXPECT_EQ(complete_chat_command("say"), Names{});
  EXPECT_EQ(complete_chat_command(""), Names{});
  EXPECT_EQ(common_beginning(Names{"/system", "/save", "/stats"}), "/s");
  EXPECT_EQ(common_beginning(Names{"/save"}), "/save");
  EXPECT_EQ(common_beginning({}), "");
}

TEST(ChatCommand, HelpNamesEachCommand) {
  for (const ChatCommandRow& row : chat_command_table()) {
    EXPECT_NE(chat_help().find(row.name), std::string::npos);
  }
}

}  // namespace
}  // namespace hearth::app
