// The writer's bytes against a small terminal of our own: what a person would see.
#include "app/chat/answer_writer.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "app/io/terminal.h"

namespace hearth::app {
namespace {

/// Understands what the writer sends: text of one-cell characters with wrapping, and its sequences.
class Screen {
 public:
  Screen(std::size_t columns, std::size_t rows)
      : columns_(columns), lines_(rows, std::string(columns, ' ')) {}

  void feed(std::string_view bytes) {
    while (!bytes.empty()) bytes.remove_prefix(one(bytes));
  }

  /// All rows that scrolled away and all that are there, without spaces at their ends.
  std::string text() const {
    std::string all = gone_;
    for (const std::string& line : lines_) all += trimmed(line) + "\n";
    return all.substr(0, all.find_last_not_of('\n') + 1);
  }

 private:
  static std::string trimmed(const std::string& line) {
    return line.substr(0, line.find_last_not_of(' ') + 1);
  }

  std::size_t one(std::string_view bytes) {
    static const std::vector<std::string> kSequences = {
        "\x1b"
        "D",
        "\x1bM",
        "\x1b"
        "7",
        "\x1b"
        "8",
        "\x1b[B",
        "\x1b[2K",
        "\x1b[2m",
        "\x1b[0m",
        "\x1b[J",
        "\r",
        "\n"};
    for (std::size_t i = 0; i < kSequences.size(); ++i) {
      if (!bytes.starts_with(kSequences[i])) continue;
      apply(i);
      return kSequences[i].size();
    }
    EXPECT_NE(bytes[0], '\x1b') << "a sequence this screen does not know";
    put(bytes[0]);
    return 1;
  }

  void apply(std::size_t sequence) {
    switch (sequence) {
      case 0:
        wrap_ = false;
        down(true);
        break;
      case 1:
        row_ -= row_ > 0 ? 1 : 0;
        break;
      case 2:
        saved_row_ = row_;
        saved_column_ = column_;
        break;
      case 3:
        row_ = saved_row_;
        column_ = saved_column_;
        break;
      case 4:
        down(false);
        break;
      case 5:
        lines_[row_].assign(columns_, ' ');
        break;
      case 8:
        lines_[row_].replace(column_, std::string::npos, columns_ - column_, ' ');
        for (std::size_t i = row_ + 1; i < lines_.size(); ++i) lines_[i].assign(columns_, ' ');
        break;
      case 9:
        column_ = 0;
        wrap_ = false;
        break;
      case 10:
        column_ = 0;
        wrap_ = false;
        down(true);
        break;
      default:  // colours
        break;
    }
  }

  void put(char c) {
    if (wrap_) {
      wrap_ = false;
      column_ = 0;
      down(true);
    }
    lines_[row_][column_] = c;
    wrap_ = column_ + 1 == columns_;
    column_ += wrap_ ? 0 : 1;
  }

  void down(bool scroll) {
    if (row_ + 1 < lines_.size()) {
      ++row_;
    } else if (scroll) {
      gone_ += trimmed(lines_.front()) + "\n";
      lines_.erase(lines_.begin());
      lines_.emplace_back(columns_, ' ');
    }
  }

  std::size_t columns_;
  std::vector<std::string> lines_;
  std::string gone_;
  std::size_t row_ = 0;
  std::size_t column_ = 0;
  std::size_t saved_row_ = 0;
  std::size_t saved_column_ = 0;
  bool wrap_ = false;
};

/// The text as it would stand there alone, wrapped at `columns`.
std::string wrapped(const std::string& text, std::size_t columns) {
  Screen screen(columns, 1000);
  screen.feed(text);
  return screen.text();
}

TEST(AnswerWriter, WithoutATerminalOnlyTheTextIsWritten) {
  std::string written;
  const AnswerSinks sinks{[&](std::string_view text) {
    written += text;
    return true;
  }};
  AnswerWriter writer(sinks);
  writer.progress({10, 0, 0});
  writer.piece("a\x1b[2J");
  writer.progress({10, 10, 1});
  writer.finish();
  writer.finish();
  EXPECT_EQ(written, "a\x1b[2J\n");
}

TEST(AnswerWriter, TheStatusLineIsThereAndThenGone) {
  Screen screen(40, 5);
  const AnswerSinks sinks{[&](std::string_view text) {
                            screen.feed(text);
                            return true;
                          },
                          [] { return 40; }};
  double now = 0;
  AnswerWriter writer(sinks, [&] { return now; });
  writer.progress({1024, 256, 0});
  EXPECT_EQ(screen.text(), "\nreading 256 of 1,024 tokens");
  now = 1;
  writer.piece("Hello");
  writer.progress({1024, 1024, 1});
  EXPECT_EQ(screen.text(), "Hello\n1 tokens");
  now = 2;
  writer.piece(" there.\n");
  writer.progress({1024, 1024, 11});
  EXPECT_EQ(screen.text(), "Hello there.\n\n11 tokens, 10.0 tokens/s");
  writer.piece("Bye");
  writer.finish();
  EXPECT_EQ(screen.text(), "Hello there.\nBye");
}

// Whatever the text, the window and the rhythm: when the answer is done, only the text is there.
TEST(AnswerWriter, NoTextIsEverLostOrMoved) {
  use_utf8_locale();
  std::mt19937 random(5);
  for (int round = 0; round < 400; ++round) {
    const std::size_t columns = 4 + random() % 20;
    Screen screen(columns, 2 + random() % 5);
    const AnswerSinks sinks{[&](std::string_view text) {
                              screen.feed(text);
                              return true;
                            },
                            [&] { return static_cast<int>(columns); }};
    double now = 0;
    AnswerWriter writer(sinks, [&] { return now; });
    std::string text;
    for (int i = 0; i < 40; ++i) {
      std::string piece;
      for (auto length = random() % 9; length > 0; --length) {
        piece += random() % 12 == 0 ? '\n' : static_cast<char>('a' + random() % 26);
      }
      text += piece;
      writer.piece(piece);
      now += random() % 2 == 0 ? 0.01 : 0.2;
      writer.progress({9, 9, i + 1});
    }
    writer.finish();
    ASSERT_EQ(screen.text(), wrapped(text, columns)) << "round " << round;
  }
}

TEST(AnswerWriter, AReaderThatLeftIsNoticed) {
  const AnswerSinks sinks{[](std::string_view) { return false; }};
  AnswerWriter writer(sinks);
  EXPECT_FALSE(writer.piece("x"));
}

}  // namespace
}  // namespace hearth::app
