#include "app/chat/display_column.h"

#include <gtest/gtest.h>

#include "app/io/terminal.h"

namespace hearth::app {
namespace {

class DisplayColumnTest : public ::testing::Test {
 protected:
  void SetUp() override { use_utf8_locale(); }

  /// Whether the text fills a line of ten columns exactly.
  static bool fills(const char* text) {
    DisplayColumn column;
    column.advance(text, 10);
    return column.about_to_wrap(10);
  }
};

TEST_F(DisplayColumnTest, CountsCellsNotBytes) {
  EXPECT_TRUE(fills("0123456789"));
  EXPECT_FALSE(fills("012345678"));
  EXPECT_FALSE(fills("0123456789a"));
  EXPECT_TRUE(
      fills("\xC3\xA9"
            "123456789"));
  EXPECT_TRUE(fills("\xE4\xBD\xA0\xE4\xBD\xA0\xE4\xBD\xA0\xE4\xBD\xA0\xE4\xBD\xA0")) << "wide";
  EXPECT_TRUE(
      fills("e\xCC\x81"
            "123456789"))
      << "a combining accent takes no cell";
  EXPECT_FALSE(fills("123456789\xE4\xBD\xA0")) << "a wide character does not fit in one cell";
  EXPECT_TRUE(fills("abc\n0123456789"));
}

TEST_F(DisplayColumnTest, KnowsWhatFillsOrLeavesTheLine) {
  DisplayColumn column;
  column.advance("01234", 10);
  EXPECT_FALSE(column.fills_line("5678", 10));
  EXPECT_TRUE(column.fills_line("56789", 10));
  EXPECT_TRUE(column.fills_line("56789a", 10));
  EXPECT_TRUE(column.fills_line("a\n", 10));
  EXPECT_TRUE(column.fills_line("5678\xE4\xBD\xA0", 10));
  column.advance("56789", 10);
  EXPECT_TRUE(column.fills_line("a", 10)) << "the wrap that waits";
}

TEST_F(DisplayColumnTest, ALostColumnIsFoundAtTheNextLine) {
  DisplayColumn column;
  column.lose();
  column.advance("abc", 10);
  EXPECT_FALSE(column.known());
  column.advance("abc\nd", 10);
  EXPECT_TRUE(column.known());
  EXPECT_TRUE(column.fills_line("0123456789", 10));
}

}  // namespace
}  // namespace hearth::app
