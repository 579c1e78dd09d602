// The program itself, as a user meets it: started as a process, with the model in the box.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <string>
#include <thread>
#include <vector>

#include "base/json_reader.h"

namespace hearth::app {
namespace {

constexpr int kPipeBytes = 4096;  // the least that Linux gives
constexpr int kRoomBytes = 64;
constexpr std::chrono::seconds kLimit{60};

/// A running `hearth` with pipes on all three descriptors. A narrow one has room for kRoomBytes of
/// output: a long answer cannot end before somebody reads, however slow the test is.
class Process {
 public:
  explicit Process(const std::vector<std::string>& arguments, bool narrow = false) {
    std::array<std::array<int, 2>, 3> pipes{};
    for (auto& ends : pipes) EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    if (narrow) fill(pipes[1][1]);
    std::vector<char*> argv{const_cast<char*>(HEARTH_BINARY)};
    for (const std::string& argument : arguments)
      argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::dup2(pipes[0][0], 0);
      ::dup2(pipes[1][1], 1);
      ::dup2(pipes[2][1], 2);
      std::signal(SIGINT, SIG_DFL);
      ::setenv("HEARTH_HOME", HEARTH_SOURCE_DIR, 1);
      ::setenv("HEARTH_CONFIG", "", 1);
      ::execv(HEARTH_BINARY, argv.data());
      ::_exit(127);
    }
    ::close(pipes[0][0]);
    ::close(pipes[1][1]);
    ::close(pipes[2][1]);
    in_ = pipes[0][1];
    out_ = pipes[1][0];
    err_ = pipes[2][0];
  }
  ~Process() {
    for (const int descriptor : {in_, out_, err_}) {
      if (descriptor >= 0) ::close(descriptor);
    }
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  void send_and_close(const std::string& text) {
    EXPECT_EQ(::write(in_, text.data(), text.size()), static_cast<ssize_t>(text.size()));
    ::close(in_);
    in_ = -1;
  }

  /// Waits until the answer has begun.
  void wait_for_output() const {
    const auto end = std::chrono::steady_clock::now() + kLimit;
    int waiting = 0;
    while (waiting <= filled_ && std::chrono::steady_clock::now() < end) {
      EXPECT_EQ(::ioctl(out_, FIONREAD, &waiting), 0);
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    EXPECT_GT(waiting, filled_) << "no answer came";
  }

  void close_output() {
    ::close(out_);
    out_ = -1;
  }

  void signal(int number) const { ::kill(pid_, number); }

  /// Reads both streams to their ends and returns the exit status, or 1000 + the signal.
  int finish() {
    std::array<struct pollfd, 2> entries{{{out_, POLLIN, 0}, {err_, POLLIN, 0}}};
    while (entries[0].fd >= 0 || entries[1].fd >= 0) {
      ::poll(entries.data(), entries.size(), -1);
      take(entries[0], output);
      take(entries[1], errors);
    }
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = -1;
    output.erase(0, static_cast<std::size_t>(filled_));
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
  }

  std::string output;
  std::string errors;

 private:
  void fill(int end) {
    EXPECT_EQ(::fcntl(end, F_SETPIPE_SZ, kPipeBytes), kPipeBytes);
    const std::string filling(kPipeBytes - kRoomBytes, '.');
    filled_ = static_cast<int>(::write(end, filling.data(), filling.size()));
    EXPECT_EQ(filled_, kPipeBytes - kRoomBytes);
  }

  static void take(struct pollfd& entry, std::string& text) {
    if (entry.fd < 0 || entry.revents == 0) return;
    std::array<char, 4096> buffer{};
    const ssize_t n = ::read(entry.fd, buffer.data(), buffer.size());
    if (n <= 0) entry.fd = -1;
    if (n > 0) text.append(buffer.data(), static_cast<std::size_t>(n));
  }

  pid_t pid_ = -1;
  int in_ = -1;
  int out_ = -1;
  int err_ = -1;
  int filled_ = 0;  // bytes in front of the output
};

struct Outcome {
  int code = 0;
  std::string output;
  std::string errors;
};

Outcome hearth(const std::vector<std::string>& arguments, const std::string& input = {}) {
  Process process(arguments);
  process.send_and_close(input);
  const int code = process.finish();
  return {code, process.output, process.errors};
}

/// An answer that nothing may end early.
std::vector<std::string> long_answer() {
  return {"run",  "--task",        "Hello", "--min-tokens", "1500", "--max-tokens",
          "1500", "--temperature", "1",     "--seed",       "1"};
}

TEST(Cli, AnswersAndEndsWithALineBreak) {
  const Outcome outcome = hearth({"run", "--task", "What is 17 + 25?"});
  EXPECT_EQ(outcome.code, 0) << outcome.errors;
  EXPECT_EQ(outcome.errors, "");
  EXPECT_NE(outcome.output.find("42"), std::string::npos) << outcome.output;
  EXPECT_TRUE(outcome.output.ends_with('\n'));
}

TEST(Cli, StreamedWholeAndJsonGiveTheSameText) {
  const std::string task = "What is 17 + 25?";
  const std::string streamed = hearth({"run", "--task", task}).output;
  EXPECT_EQ(hearth({"run", "--task", task, "--no-stream"}).output, streamed);
  const auto json = parse_json(hearth({"run", "--task", task, "--json"}).output, "--json");
  ASSERT_TRUE(json);
  EXPECT_EQ((*json)["text"].get<std::string>() + "\n", streamed);
  EXPECT_EQ((*json)["stop_reason"], "end_turn");
  EXPECT_GT((*json)["usage"]["input_tokens"], 0);
  EXPECT_GT((*json)["memory_bytes"], 1'000'000);
}

TEST(Cli, StandardInputIsTheTaskOrItsAttachment) {
  const auto input_tokens = [](const Outcome& outcome) -> int {
    const auto json = parse_json(outcome.output, "--json");
    return json ? (*json)["usage"]["input_tokens"].get<int>() : -1;
  };
  const int whole =
      input_tokens(hearth({"run", "--json", "--max-tokens", "1", "--task", "Say it\n\nthe words"}));
  EXPECT_EQ(input_tokens(hearth({"run", "--json", "--max-tokens", "1"}, "Say it\n\nthe words\n")),
            whole);
  EXPECT_EQ(input_tokens(
                hearth({"run", "--json", "--max-tokens", "1", "--task", "Say it"}, "the words\n")),
            whole);
}

TEST(Cli, MaxTokensAndStopStringsEndTheAnswer) {
  const auto json = [](const std::vector<std::string>& more) {
    std::vector<std::string> arguments{"run", "--json", "--task", "What is 17 + 25?"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return *parse_json(hearth(arguments).output, "--json");
  };
  EXPECT_EQ(json({"--max-tokens", "2"})["stop_reason"], "max_tokens");
  EXPECT_EQ(json({"--max-tokens", "2"})["usage"]["output_tokens"], 2);
  const Json stopped = json({"--stop", "=", "--stop", "never"});
  EXPECT_EQ(stopped["stop_reason"], "stop_string");
  EXPECT_EQ(stopped["text"].get<std::string>().find('='), std::string::npos);
}

TEST(Cli, TheExampleToolsAreAccepted) {
  const std::string tools = std::string(HEARTH_SOURCE_DIR) + "/examples/tools.json";
  const auto tokens = [&](std::vector<std::string> more) {
    std::vector<std::string> arguments{"run", "--json", "--max-tokens", "1", "--task", "Hello"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return (*parse_json(hearth(arguments).output, "--json"))["usage"]["input_tokens"].get<int>();
  };
  EXPECT_GT(tokens({"--tools", tools}), tokens({}) + 20);  // the model reads them
}

TEST(Cli, ExitCodes) {
  const auto code = [](const std::vector<std::string>& arguments, const std::string& input = {}) {
    const Outcome outcome = hearth(arguments, input);
    EXPECT_TRUE(outcome.code == 0 || outcome.errors.starts_with("hearth: error: "))
        << outcome.errors;
    EXPECT_TRUE(outcome.code == 0 || outcome.output.empty()) << outcome.output;
    return outcome.code;
  };
  EXPECT_EQ(code({"--version"}), 0);
  EXPECT_EQ(code({"--help"}), 0);
  EXPECT_EQ(code({}), 2);
  EXPECT_EQ(code({"rum"}), 2);
  EXPECT_EQ(code({"run"}), 2);
  EXPECT_EQ(code({"run", "--task", "x", "--temperatur", "1"}), 2);
  EXPECT_EQ(code({"run", "--task", "x", "--temperature", "1000"}), 2);
  EXPECT_EQ(code({"run", "--task", "x", "--provider", "anthropic"}), 2);
  EXPECT_EQ(code({"run", "--task", "x", "--tools", "/nowhere.json"}), 2);
  EXPECT_EQ(code({"run", "--task", "x"}, "\xff"), 2);
  EXPECT_EQ(code({"run", "--task", "x", "--model", "/nowhere"}), 3);
  EXPECT_EQ(code({"run", "--task", std::string(20'000, 'a')}), 4);
}

TEST(Cli, TheFirstInterruptPrintsWhatIsThere) {
  for (const auto& [number, code] : {std::pair(SIGINT, 130), std::pair(SIGTERM, 143)}) {
    Process process(long_answer(), /*narrow=*/true);
    process.send_and_close("");
    process.wait_for_output();
    process.signal(number);
    EXPECT_EQ(process.finish(), code);
    EXPECT_TRUE(process.output.ends_with('\n'));
    EXPECT_EQ(process.errors, "");
  }
}

TEST(Cli, AReaderThatLeavesEndsItQuietly) {
  Process process(long_answer(), /*narrow=*/true);
  process.send_and_close("");
  process.wait_for_output();
  process.close_output();
  EXPECT_EQ(process.finish(), 141);
  EXPECT_EQ(process.errors, "");
}

TEST(Cli, TokenizeGoesThereAndBack) {
  const auto json = parse_json(hearth({"tokenize", "--json", "Hello, world"}).output, "tokenize");
  ASSERT_TRUE(json);
  std::string ids;
  for (const Json& id : (*json)["ids"]) ids += id.dump() + " ";
  EXPECT_EQ((*json)["count"], (*json)["ids"].size());
  EXPECT_EQ(hearth({"tokenize", "--decode"}, ids).output, "Hello, world\n");
  EXPECT_EQ(hearth({"tokenize", "--count", "Hello, world"}).output, (*json)["count"].dump() + "\n");
}

TEST(Cli, ModelsNamesTheBox) {
  EXPECT_NE(hearth({"models", "list"}).output.find("ember"), std::string::npos);
  const auto info = parse_json(hearth({"models", "info", "--json"}).output, "info");
  ASSERT_TRUE(info);
  EXPECT_TRUE((*info)["chat_template"]);
  EXPECT_GT((*info)["bytes_read_per_token"], 0);
}

}  // namespace
}  // namespace hearth::app
