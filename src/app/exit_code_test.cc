#include "app/exit_code.h"

#include <gtest/gtest.h>

#include <string>

#include "base/file.h"

namespace hearth::app {
namespace {

TEST(ExitCode, EveryKindOfFailureHasTheDocumentedCode) {
  const auto code = [](ErrorCode kind) { return static_cast<int>(exit_code_for(kind)); };
  EXPECT_EQ(code(ErrorCode::kInvalidArgument), 2);
  EXPECT_EQ(code(ErrorCode::kNotFound), 3);
  EXPECT_EQ(code(ErrorCode::kCorrupt), 3);
  EXPECT_EQ(code(ErrorCode::kUnsupported), 3);
  EXPECT_EQ(code(ErrorCode::kContextTooLong), 4);
  EXPECT_EQ(code(ErrorCode::kResourceExhausted), 5);
  EXPECT_EQ(code(ErrorCode::kIo), 1);
  EXPECT_EQ(code(ErrorCode::kInternal), 1);
  EXPECT_EQ(code(ErrorCode::kCancelled), 130);
}

TEST(ExitCode, TheManualHasTheSameTable) {
  const auto manual = read_file(std::string(HEARTH_SOURCE_DIR) + "/docs/cli.md");
  ASSERT_TRUE(manual);
  for (const ExitCodeRow& row : exit_code_table()) {
    const std::string line =
        "| " + std::to_string(static_cast<int>(row.code)) + " | " + std::string(row.meaning) + " |";
    EXPECT_NE(manual->find(line), std::string::npos) << line;
  }
}

}  // namespace
}  // namespace hearth::app
