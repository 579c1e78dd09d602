#include "base/output_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "base/descriptor.h"
#include "base/file.h"
#include "base/test_folder.h"

namespace hearth {
namespace {

namespace fs = std::filesystem;

class OutputFile : public ::testing::Test {
 protected:
  const TemporaryFolder temporary_;
  const fs::path& folder_ = temporary_.path();
};

TEST_F(OutputFile, AFileKeepsItsPermissionsAndANewOneGetsThem) {
  const fs::path path = folder_ / "a";
  ASSERT_TRUE(write_output_file(path, "first", 0600));
  EXPECT_EQ(fs::status(path).permissions(), fs::perms::owner_read | fs::perms::owner_write);
  fs::permissions(path, fs::perms(0640));
  ASSERT_TRUE(write_output_file(path, "second", 0600));
  EXPECT_EQ(fs::status(path).permissions(), fs::perms(0640));
  EXPECT_EQ(*read_file(path), "second");
}

TEST_F(OutputFile, ALinkStaysOneAndWhatItLeadsToIsWritten) {
  ASSERT_TRUE(write_file_atomically(folder_ / "real", "old"));
  fs::create_symlink("real", folder_ / "link");
  ASSERT_TRUE(write_output_file(folder_ / "link", "new"));
  EXPECT_TRUE(fs::is_symlink(folder_ / "link"));
  EXPECT_EQ(*read_file(folder_ / "real"), "new");
  fs::create_symlink("nowhere", folder_ / "dangling");
  const auto dangling = write_output_file(folder_ / "dangling", "x");
  ASSERT_FALSE(dangling);
  EXPECT_NE(dangling.error().message.find("leads nowhere"), std::string::npos);
  fs::create_symlink("loop", folder_ / "loop");
  EXPECT_FALSE(write_output_file(folder_ / "loop", "x"));
}

TEST_F(OutputFile, APipeIsWrittenToAndStaysOne) {
  const fs::path path = folder_ / "pipe";
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  const Descriptor reader(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  ASSERT_TRUE(write_output_file(path, "through"));
  EXPECT_TRUE(fs::is_fifo(path));
  std::string read(7, ' ');
  EXPECT_EQ(::read(reader.get(), read.data(), read.size()), 7);
  EXPECT_EQ(read, "through");
}

TEST_F(OutputFile, AFullDeviceAndAFolderAreErrors) {
  const auto full = write_output_file("/dev/full", "x");
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().code, ErrorCode::kResourceExhausted);
  EXPECT_TRUE(fs::is_character_file("/dev/full"));
  EXPECT_FALSE(write_output_file(folder_, "x"));
}

TEST_F(OutputFile, WhatCannotBeWrittenIsKnownBefore) {
  for (const char* name : {"new", "/dev/null"})
    EXPECT_TRUE(check_output_file(folder_ / name)) << name;
  EXPECT_TRUE(check_output_file("in-the-working-folder"));
  const auto nowhere = check_output_file(folder_ / "none" / "x");
  ASSERT_FALSE(nowhere);
  EXPECT_EQ(nowhere.error().code, ErrorCode::kInvalidArgument);
  EXPECT_NE(nowhere.error().message.find((folder_ / "none").string()), std::string::npos);
  EXPECT_FALSE(check_output_file(folder_));
}

}  // namespace
}  // namespace hearth
