// The program that run_child() starts is the running one: here, this test itself.
#include "app/io/child.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <thread>

namespace hearth::app {
namespace {

const std::atomic<bool> kNever{false};

TEST(RunChild, GivesOutputAndExitCode) {
  const auto listed =
      run_child({"--gtest_list_tests", "--gtest_filter=RunChild.GivesOutputAndExitCode"}, kNever);
  ASSERT_TRUE(listed) << listed.error().message;
  EXPECT_EQ(listed->exit_code, 0);
  EXPECT_TRUE(listed->output.ends_with("RunChild.\n  GivesOutputAndExitCode\n")) << listed->output;
}

/// Run by the tests below, in the child.
TEST(RunChild, DISABLED_Fails) { FAIL() << "as it should"; }
TEST(RunChild, DISABLED_WaitsForever) {
  for (;;) std::this_thread::sleep_for(std::chrono::seconds(1));
}

TEST(RunChild, AFailureIsItsExitCode) {
  const auto failed = run_child(
      {"--gtest_also_run_disabled_tests", "--gtest_filter=RunChild.DISABLED_Fails"}, kNever);
  ASSERT_TRUE(failed);
  EXPECT_EQ(failed->exit_code, 1);
  EXPECT_NE(failed->output.find("as it should"), std::string::npos);
}

TEST(RunChild, DISABLED_WaitsForeverWithItsOutputClosed) {
  ::close(STDOUT_FILENO);
  for (;;) std::this_thread::sleep_for(std::chrono::seconds(1));
}

int exit_code_when_stopped(const char* test) {
  const std::atomic<bool> cancelled{true};
  const auto stopped =
      run_child({"--gtest_also_run_disabled_tests", std::string("--gtest_filter=RunChild.") + test},
                cancelled);
  EXPECT_TRUE(stopped);
  return stopped ? stopped->exit_code : -1;
}

TEST(RunChild, StoppingStopsTheChild) {
  EXPECT_EQ(exit_code_when_stopped("DISABLED_WaitsForever"), 128 + SIGTERM);
}

TEST(RunChild, StoppingStopsAChildThatClosedItsOutput) {
  std::atomic<bool> cancelled{false};
  // Long enough for the child to close its output. Where it is not, the child is stopped earlier.
  std::jthread later([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    cancelled = true;
  });
  const auto stopped =
      run_child({"--gtest_also_run_disabled_tests",
                 "--gtest_filter=RunChild.DISABLED_WaitsForeverWithItsOutputClosed"},
                cancelled);
  ASSERT_TRUE(stopped);
  EXPECT_EQ(stopped->exit_code, 128 + SIGTERM);
}

/// Signals ignored and blocked as a careless parent leaves them, until the end of the test.
class SignalsRefused {
 public:
  SignalsRefused() {
    sigset_t set;
    sigemptyset(&set);
    for (std::size_t i = 0; i < kSignals.size(); ++i) {
      before_[i] = std::signal(kSignals[i], SIG_IGN);
      sigaddset(&set, kSignals[i]);
    }
    pthread_sigmask(SIG_BLOCK, &set, &mask_);
  }
  ~SignalsRefused() {
    for (std::size_t i = 0; i < kSignals.size(); ++i) std::signal(kSignals[i], before_[i]);
    pthread_sigmask(SIG_SETMASK, &mask_, nullptr);
  }
  SignalsRefused(const SignalsRefused&) = delete;
  SignalsRefused& operator=(const SignalsRefused&) = delete;

 private:
  static constexpr std::array<int, 2> kSignals = {SIGINT, SIGTERM};
  std::array<void (*)(int), kSignals.size()> before_{};
  sigset_t mask_{};
};

TEST(RunChild, StoppingStopsItAlsoWhereSignalsAreIgnored) {
  const SignalsRefused refused;
  EXPECT_EQ(exit_code_when_stopped("DISABLED_WaitsForever"), 128 + SIGTERM);
}

}  // namespace
}  // namespace hearth::app
