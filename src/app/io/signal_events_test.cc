// Signals as events, and lines from a pipe beside them.
#include "app/io/signal_events.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <string>
#include <thread>

#include "app/chat/plain_line_reader.h"

namespace hearth::app {
namespace {

class SignalEventsTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(::pipe(ends_.data()), 0); }
  void TearDown() override {
    ::close(ends_[0]);
    if (ends_[1] >= 0) ::close(ends_[1]);
  }
  void send(const std::string& text) {
    ASSERT_EQ(::write(ends_[1], text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  void close_writer() { ::close(std::exchange(ends_[1], -1)); }

  SignalEvents signals_;
  std::array<int, 2> ends_{};
};

TEST_F(SignalEventsTest, AnInterruptRaisesTheFlagUntilItIsTaken) {
  EXPECT_FALSE(signals_.take_interrupt());
  ::raise(SIGINT);
  EXPECT_TRUE(signals_.cancelled().load());
  EXPECT_FALSE(signals_.ending());
  EXPECT_FALSE(signals_.wait_readable(ends_[0]));
  EXPECT_TRUE(signals_.take_interrupt());
  EXPECT_FALSE(signals_.cancelled().load());
  EXPECT_FALSE(signals_.take_interrupt());
  send("x");
  EXPECT_TRUE(signals_.wait_readable(ends_[0]));
}

TEST_F(SignalEventsTest, ASignalToAnyThreadWakesTheOneThatWaits) {
  std::jthread other([] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    ::raise(SIGINT);  // handled in this thread, not in the one that waits
  });
  EXPECT_FALSE(signals_.wait_readable(ends_[0]));
  EXPECT_TRUE(signals_.take_interrupt());
}

TEST_F(SignalEventsTest, AChangedWindowWakesToo) {
  ::raise(SIGWINCH);
  EXPECT_FALSE(signals_.wait_readable(ends_[0]));
  EXPECT_FALSE(signals_.cancelled().load());
  EXPECT_TRUE(signals_.take_redraw());
  EXPECT_FALSE(signals_.take_redraw());
}

TEST_F(SignalEventsTest, LinesOfAPipe) {
  PlainLineReader reader(ends_[0], signals_);
  send("one\r\n\ntwo \xC3\xA9\nthree");
  close_writer();
  for (const char* expected : {"one", "", "two \xC3\xA9", "three"}) {
    const auto line = reader.read("> ");
    ASSERT_TRUE(line);
    EXPECT_EQ(line->kind, ReadLine::Kind::kLine);
    EXPECT_EQ(line->text, expected);
  }
  EXPECT_EQ(reader.read("> ")->kind, ReadLine::Kind::kEnd);
}

TEST_F(SignalEventsTest, ALineMayComeInPieces) {
  PlainLineReader reader(ends_[0], signals_);
  std::jthread slow([this] {
    send("a");
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    send("b\n");
  });
  EXPECT_EQ(reader.read("")->text, "ab");
}

TEST_F(SignalEventsTest, AnInterruptEndsTheWaitForALine) {
  PlainLineReader reader(ends_[0], signals_);
  ::raise(SIGINT);
  EXPECT_EQ(reader.read("")->kind, ReadLine::Kind::kEnd);
  EXPECT_TRUE(signals_.take_interrupt());
}

using SignalEventsDeathTest = SignalEventsTest;

TEST_F(SignalEventsDeathTest, ASecondRequestToEndIsObeyedAtOnce) {
  EXPECT_EXIT(
      {
        ::raise(SIGTERM);
        if (!signals_.ending() || !signals_.cancelled().load()) ::_exit(1);
        if (signals_.take_interrupt() || !signals_.cancelled().load()) ::_exit(2);
        ::raise(SIGTERM);
      },
      ::testing::ExitedWithCode(143), "");
}

}  // namespace
}  // namespace hearth::app
