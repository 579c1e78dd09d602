// The program that run_child() starts is the running one: here, this test itself.
#include "app/io/child.h"

#include <gtest/gtest.h>

#include <chrono>
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

TEST(RunChild, StoppingStopsTheChild) {
  const std::atomic<bool> cancelled{true};
  const auto stopped = run_child(
      {"--gtest_also_run_disabled_tests", "--gtest_filter=RunChild.DISABLED_WaitsForever"},
      cancelled);
  ASSERT_TRUE(stopped);
  EXPECT_EQ(stopped->exit_code, 128 + 2);
}

}  // namespace
}  // namespace hearth::app
