#include "base/copy_file.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "base/file.h"
#include "base/test_folder.h"

namespace hearth {
namespace {

namespace fs = std::filesystem;

class CopyFile : public ::testing::Test {
 protected:
  const TemporaryFolder temporary_;
  const fs::path& folder_ = temporary_.path();
};

TEST_F(CopyFile, CopiesLargerFilesThanItsBuffer) {
  std::string content;
  while (content.size() < (std::size_t{5} << 19)) content += std::to_string(content.size()) + "\n";
  ASSERT_TRUE(write_file_atomically(folder_ / "from", content));
  ASSERT_TRUE(write_file_atomically(folder_ / "to", content + content));
  const std::atomic<bool> never{false};
  const auto copied = copy_file_bytes(folder_ / "from", folder_ / "to", never);
  ASSERT_TRUE(copied) << copied.error().message;
  EXPECT_TRUE(*read_file(folder_ / "to") == content);
  EXPECT_EQ(copy_file_bytes(folder_ / "none", folder_ / "to", never).error().code,
            ErrorCode::kNotFound);
  EXPECT_EQ(copy_file_bytes(folder_ / "from", "/dev/full", never).error().code,
            ErrorCode::kResourceExhausted);
  const std::atomic<bool> cancelled{true};
  EXPECT_EQ(copy_file_bytes(folder_ / "from", folder_ / "to", cancelled).error().code,
            ErrorCode::kCancelled);
}

}  // namespace
}  // namespace hearth
