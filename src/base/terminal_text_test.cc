#include "base/terminal_text.h"

#include <gtest/gtest.h>

#include <string>

namespace hearth {
namespace {

constexpr const char* kReplaced = "\xEF\xBF\xBD";

TEST(TerminalText, OrdinaryTextStaysAsItIs) {
  for (const std::string text :
       {"", "plain", "caf\xC3\xA9 \xE4\xBD\xA0\n\ttext", "\xC2\xA0", "\xF0\x9F\x98\x80"}) {
    EXPECT_EQ(for_terminal(text), text);
  }
}

TEST(TerminalText, NothingInItCommandsTheTerminal) {
  EXPECT_EQ(for_terminal("\x1b[2J"), std::string(kReplaced) + "[2J");
  EXPECT_EQ(for_terminal("\xC2\x9B"
                         "2J"),
            std::string(kReplaced) + "2J")
      << "the short form of ESC [";
  EXPECT_EQ(for_terminal("\x9B"
                         "2J\xC2"),
            std::string(kReplaced) + "2J" + kReplaced)
      << "the same where terminals do not read UTF-8";
  for (int byte = 0; byte < 0x20; ++byte) {
    if (byte == '\n' || byte == '\t') continue;
    EXPECT_EQ(for_terminal(std::string(1, static_cast<char>(byte))), kReplaced) << byte;
  }
  EXPECT_EQ(for_terminal("\x7F"), kReplaced);
}

}  // namespace
}  // namespace hearth
