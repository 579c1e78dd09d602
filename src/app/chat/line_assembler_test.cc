#include "app/chat/line_assembler.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace hearth::app {
namespace {

struct Case {
  std::vector<std::string> lines;
  std::vector<std::string> messages;
  std::string left;
};

TEST(LineAssembler, MakesMessagesOfLines) {
  const std::vector<Case> cases = {
      {{"one", "two"}, {"one", "two"}, ""},
      {{"one\\", "two\\", "three", "four"}, {"one\ntwo\nthree", "four"}, ""},
      {{"path C:\\\\", "x"}, {"path C:\\\\", "x"}, ""},
      {{"a\\\\\\", "b"}, {"a\\\\\nb"}, ""},
      {{"\\", ""}, {"\n"}, ""},
      {{"\"\"\"", "a", "", "  b\\", "\"\"\"", "c"}, {"a\n\n  b\\", "c"}, ""},
      {{"  \"\"\"first", "last\"\"\""}, {"first\nlast"}, ""},
      {{"\"\"\"all in one\"\"\""}, {"all in one"}, ""},
      {{"\"\"\"\"\"\""}, {""}, ""},
      {{"\"\"\"", "\"\"\""}, {""}, ""},
      {{"say \"\"\" aloud"}, {"say \"\"\" aloud"}, ""},
      {{"one\\", "\"\"\"two"}, {"one\n\"\"\"two"}, ""},
      {{"pasted\ntext\\\n\"\"\"", "x"}, {"pasted\ntext\\\n\"\"\"", "x"}, ""},
      {{"\"\"\"\npasted\n\"\"\""}, {"pasted"}, ""},
      {{"\"\"\"", "a\nb", "\"\"\""}, {"a\nb"}, ""},
      {{"begun\\"}, {}, "begun"},
      {{"\"\"\"", "begun", "on"}, {}, "begun\non"},
  };
  for (const Case& one : cases) {
    LineAssembler lines;
    std::vector<std::string> messages;
    for (const std::string& line : one.lines) {
      if (auto message = lines.push(line)) messages.push_back(*message);
    }
    EXPECT_EQ(messages, one.messages) << one.lines.front();
    EXPECT_EQ(lines.unfinished(), !one.left.empty()) << one.lines.front();
    EXPECT_EQ(lines.take_unfinished(), one.left);
    EXPECT_FALSE(lines.unfinished());
  }
}

TEST(LineAssembler, AfterGivingUpItBeginsAnew) {
  LineAssembler lines;
  lines.push("\"\"\"half");
  lines.take_unfinished();
  EXPECT_EQ(lines.push("whole"), "whole");
}

}  // namespace
}  // namespace hearth::app
