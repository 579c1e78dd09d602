// Standard input and output against real pipes, sockets, files and devices.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <string>
#include <string_view>
#include <thread>

#include "app/io/interrupt.h"
#include "app/io/packing_line.h"
#include "app/io/standard_input.h"
#include "app/io/standard_output.h"
#include "app/io/writing_line.h"

namespace hearth::app {
namespace {

class Pipe {
 public:
  Pipe() { EXPECT_EQ(::pipe(ends_.data()), 0); }
  ~Pipe() {
    close_reader();
    close_writer();
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  int reader() const { return ends_[0]; }
  int writer() const { return ends_[1]; }
  void close_reader() { close_end(0); }
  void close_writer() { close_end(1); }
  void send(const std::string& text) const {
    EXPECT_EQ(::write(writer(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }

 private:
  void close_end(std::size_t end) {
    if (ends_[end] >= 0) ::close(ends_[end]);
    ends_[end] = -1;
  }
  std::array<int, 2> ends_{-1, -1};
};

/// What a terminal got, up to and with `last`, or what came until nothing did for ten seconds: the
/// system hands it over in pieces, later than it was written.
std::string shown_until(int terminal, std::string_view last) {
  std::string text;
  struct pollfd entry = {terminal, POLLIN, 0};
  while (!text.ends_with(last) && ::poll(&entry, 1, 10'000) == 1) {
    std::array<char, 4096> piece{};
    const ssize_t size = ::read(terminal, piece.data(), piece.size());
    if (size <= 0) break;
    text.append(piece.data(), static_cast<std::size_t>(size));
  }
  return text;
}

/// A terminal whose other end is read by the test.
class Terminal {
 public:
  Terminal() : other_end_(::posix_openpt(O_RDWR | O_NOCTTY)) {
    std::array<char, 64> name{};
    EXPECT_EQ(::grantpt(other_end_), 0);
    EXPECT_EQ(::unlockpt(other_end_), 0);
    EXPECT_EQ(::ptsname_r(other_end_, name.data(), name.size()), 0);
    line_ = ::open(name.data(), O_RDWR | O_NOCTTY);
    EXPECT_GE(line_, 0);
  }
  ~Terminal() {
    ::close(line_);
    ::close(other_end_);
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;
  int line() const { return line_; }
  std::string shown_until(std::string_view last) const {
    return app::shown_until(other_end_, last);
  }

 private:
  int other_end_;
  int line_ = -1;
};

TEST(PackingLine, IsRewrittenOnATerminalAndSilentElsewhere) {
  const Terminal terminal;
  {
    PackingLine packing(terminal.line());
    for (std::uint64_t done = 400; done < 440; ++done) packing.show(done, 1000);
    packing.show(1000, 1000);
  }
  const std::string text = terminal.shown_until("43 %\r\x1b[K");
  EXPECT_NE(text.find("packing the weights for first use, 43 %"), std::string::npos) << text;
  EXPECT_TRUE(text.ends_with("\r\x1b[K"));
  EXPECT_LT(text.size(), 5 * 60U) << "once per percent";

  Pipe pipe;
  PackingLine(pipe.writer()).show(1, 2);
  pipe.close_writer();
  char byte = 0;
  EXPECT_EQ(::read(pipe.reader(), &byte, 1), 0);
}

TEST(CalibratingLine, CountsTheRunsOverTheText) {
  const Terminal terminal;
  std::atomic<bool> cancelled{false};
  const auto progress = calibrating_line(cancelled, 3, terminal.line());
  for (const std::size_t done : {500, 501, 1000, 500, 1000}) EXPECT_TRUE(progress(done, 1000));
  EXPECT_TRUE(progress(1000, 1000)) << "a run may be a single step";
  cancelled = true;
  EXPECT_FALSE(progress(1000, 1000));
  const std::string text = terminal.shown_until("run 4 of 3");
  for (const char* part : {": 50 %, run 1 of 3", ": 100 %, run 1 of 3", ": 50 %, run 2 of 3",
                           ": 100 %, run 2 of 3", ": 100 %, run 3 of 3"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  }
  EXPECT_EQ(text.find("50 %, run 1"), text.rfind("50 %, run 1")) << "once per percent";

  Pipe pipe;
  EXPECT_FALSE(calibrating_line(cancelled, 1, pipe.writer())(1, 2));
  pipe.close_writer();
  char byte = 0;
  EXPECT_EQ(::read(pipe.reader(), &byte, 1), 0) << "no terminal";
}

/// What a process that is asked to stop by `signal` in the middle of a request says of it.
int exit_code_after(int signal, bool guarded) {
  const pid_t child = ::fork();
  if (child == 0) {
    std::signal(signal, SIG_DFL);
    install_interrupt_handlers();
    if (guarded) {
      const std::atomic<bool>& cancelled = guard_request();
      ::raise(signal);
      if (!cancelled.load()) ::_exit(1);
      ::_exit(interrupted_by() ? static_cast<int>(*interrupted_by()) : 2);
    }
    ::raise(signal);
    ::_exit(3);
  }
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(Interrupt, EachSignalThatAsksToStopIsHandled) {
  for (const bool guarded : {true, false}) {
    EXPECT_EQ(exit_code_after(SIGINT, guarded), 130);
    EXPECT_EQ(exit_code_after(SIGTERM, guarded), 143);
    EXPECT_EQ(exit_code_after(SIGHUP, guarded), 143) << "the terminal went away";
  }
}

std::string read_text(const std::string& sent) {
  Pipe pipe;
  pipe.send(sent);
  pipe.close_writer();
  return read_piped_input(pipe.reader(), true)->text;
}

TEST(StandardInput, LosesOneFinalLineBreakOnly) {
  EXPECT_EQ(read_text("task\n"), "task");
  EXPECT_EQ(read_text("task\r\n"), "task");
  EXPECT_EQ(read_text("task\n\n"), "task\n");
  EXPECT_EQ(read_text(" task"), " task");
  EXPECT_EQ(read_text(""), "");
}

TEST(StandardInput, ASilentPipeIsGivenUpOnlyWhenItIsNotNeeded) {
  Pipe pipe;
  const auto input = read_piped_input(pipe.reader(), false, {.first_byte_wait_ms = 20});
  ASSERT_TRUE(input);
  EXPECT_TRUE(input->gave_up);
  EXPECT_EQ(input->text, "");

  std::jthread late([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    pipe.send("late");
    pipe.close_writer();
  });
  const auto needed = read_piped_input(pipe.reader(), true, {.first_byte_wait_ms = 20});
  ASSERT_TRUE(needed);
  EXPECT_EQ(needed->text, "late");
}

TEST(StandardInput, OnceSomethingCameItIsReadToTheEnd) {
  Pipe pipe;
  pipe.send("a");
  std::jthread slow([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    pipe.send("b");
    pipe.close_writer();
  });
  const auto input = read_piped_input(pipe.reader(), false, {.first_byte_wait_ms = 50});
  ASSERT_TRUE(input);
  EXPECT_EQ(input->text, "ab");
}

TEST(StandardInput, ASilentSocketIsGivenUpToo) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()), 0);
  EXPECT_TRUE(read_piped_input(ends[0], false, {.first_byte_wait_ms = 20})->gave_up);
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST(StandardInput, NothingIsNoInput) {
  const int null = ::open("/dev/null", O_RDONLY);
  const auto from_null = read_piped_input(null, true);
  ASSERT_TRUE(from_null);
  EXPECT_EQ(from_null->text, "");
  ::close(null);
  const auto from_closed = read_piped_input(null, true);
  ASSERT_TRUE(from_closed);
  EXPECT_EQ(from_closed->text, "");
}

TEST(StandardInput, AFolderIsRefused) {
  const int folder = ::open("/", O_RDONLY | O_DIRECTORY);
  const auto input = read_piped_input(folder, true);
  ::close(folder);
  ASSERT_FALSE(input);
  EXPECT_EQ(input.error().code, ErrorCode::kInvalidArgument);
}

TEST(StandardInput, IsBounded) {
  Pipe exact;
  exact.send("12345");
  exact.close_writer();
  EXPECT_TRUE(read_piped_input(exact.reader(), true, {.bytes_max = 5}));
  Pipe more;
  more.send("123456");
  more.close_writer();
  const auto refused = read_piped_input(more.reader(), true, {.bytes_max = 5});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
  EXPECT_NE(refused.error().message.find("5 bytes"), std::string::npos);
}

TEST(StandardInput, MustBeUtf8) {
  Pipe pipe;
  pipe.send("ab\xff");
  pipe.close_writer();
  const auto refused = read_piped_input(pipe.reader(), true);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
  EXPECT_NE(refused.error().message.find("byte 2"), std::string::npos);
}

TEST(JoinTask, PutsAnEmptyLineBetween) {
  EXPECT_EQ(join_task("task", "text"), "task\n\ntext");
  EXPECT_EQ(join_task("task", ""), "task");
  EXPECT_EQ(join_task("", "text"), "text");
}

TEST(StandardOutput, WritesAtOnce) {
  Pipe pipe;
  StandardOutput out(pipe.writer());
  EXPECT_TRUE(out.write("piece"));
  std::array<char, 16> buffer{};
  EXPECT_EQ(::read(pipe.reader(), buffer.data(), buffer.size()), 5);
  EXPECT_TRUE(out.status());
  EXPECT_FALSE(out.reader_gone());
}

TEST(StandardOutput, OnATerminalWordsCommandNothing) {
  const int terminal = ::posix_openpt(O_RDWR | O_NOCTTY);
  ASSERT_GE(terminal, 0);
  ASSERT_EQ(::grantpt(terminal), 0);
  ASSERT_EQ(::unlockpt(terminal), 0);
  const int screen = ::open(::ptsname(terminal), O_RDWR | O_NOCTTY);
  ASSERT_GE(screen, 0);
  StandardOutput out(screen);
  std::array<char, 64> buffer{};
  EXPECT_TRUE(out.write("a\x1b[2Jb"));
  const ssize_t shown = ::read(terminal, buffer.data(), buffer.size());
  EXPECT_EQ(std::string_view(buffer.data(), static_cast<std::size_t>(shown)), "a\xEF\xBF\xBD[2Jb");
  EXPECT_TRUE(out.write_bytes("\x1b[J"));
  EXPECT_EQ(::read(terminal, buffer.data(), buffer.size()), 3);
  ::close(screen);
  ::close(terminal);

  Pipe pipe;
  StandardOutput piped(pipe.writer());
  EXPECT_TRUE(piped.write("a\x1b[2Jb"));
  EXPECT_EQ(::read(pipe.reader(), buffer.data(), buffer.size()), 6) << "files get what was written";
}

TEST(StandardOutput, AReaderThatLeftIsNoError) {
  std::signal(SIGPIPE, SIG_IGN);
  Pipe pipe;
  pipe.close_reader();
  StandardOutput out(pipe.writer());
  EXPECT_FALSE(out.write("piece"));
  EXPECT_TRUE(out.reader_gone());
  EXPECT_TRUE(out.status());
  EXPECT_FALSE(out.write("more"));
}

TEST(StandardOutput, AFullDiskIsAnError) {
  const int full = ::open("/dev/full", O_WRONLY);
  if (full < 0) GTEST_SKIP() << "no /dev/full";
  StandardOutput out(full);
  EXPECT_FALSE(out.write("piece"));
  ::close(full);
  ASSERT_FALSE(out.status());
  EXPECT_EQ(out.status().error().code, ErrorCode::kResourceExhausted);
}

TEST(StandardOutput, WaitsForASlowReader) {
  Pipe pipe;
  ::fcntl(pipe.writer(), F_SETFL, O_NONBLOCK);
  const std::string text(300'000, 'x');  // more than a pipe holds
  std::size_t received = 0;
  {
    std::jthread reader([&] {
      std::array<char, 65536> buffer{};
      for (;;) {
        const ssize_t n = ::read(pipe.reader(), buffer.data(), buffer.size());
        if (n <= 0) return;
        received += static_cast<std::size_t>(n);
      }
    });
    StandardOutput out(pipe.writer());
    EXPECT_TRUE(out.write(text));
    pipe.close_writer();
  }
  EXPECT_EQ(received, text.size());
}

}  // namespace
}  // namespace hearth::app
