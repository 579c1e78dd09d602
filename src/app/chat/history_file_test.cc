#include "app/chat/history_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "base/file.h"

namespace hearth::app {
namespace {

class HistoryFileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "/hearth-history-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  unsigned mode(const std::filesystem::path& path) const {
    struct stat info {};
    EXPECT_EQ(::stat(path.c_str(), &info), 0);
    return info.st_mode & 0777u;
  }
  std::filesystem::path folder_;
};

TEST(HistoryLine, LinesAndBack) {
  for (const char* entry : {"plain", "two\nlines", "C:\\new", "\\", "\n", "\\n", "a\\\nb\\\\"}) {
    EXPECT_EQ(history_entry(history_line(entry)), entry);
    EXPECT_EQ(history_line(entry).find('\n'), std::string::npos);
  }
}

TEST_F(HistoryFileTest, KeepsWhatWasTypedForTheOwnerOnly) {
  const auto path = folder_ / "state" / "hearth" / "chat_history";
  HistoryFile first(path);
  EXPECT_TRUE(first.load().empty());
  first.append("one");
  first.append("two\nlines");
  EXPECT_EQ(mode(path), 0600u);
  ::chmod(path.c_str(), 0644);
  HistoryFile second(path);
  EXPECT_EQ(second.load(), (std::vector<std::string>{"one", "two\nlines"}));
  second.append("three");
  EXPECT_EQ(mode(path), 0600u) << "closed to others again";
  EXPECT_FALSE(second.take_failure());
}

TEST_F(HistoryFileTest, LongOnesAreCut) {
  const auto path = folder_ / "h";
  std::string text;
  for (std::size_t i = 0; i <= 2 * HistoryFile::entries_max; ++i) text += std::to_string(i) + "\n";
  ASSERT_TRUE(write_file_atomically(path, text + "\xff not UTF-8\n"));
  HistoryFile history(path);
  const auto entries = history.load();
  ASSERT_EQ(entries.size(), HistoryFile::entries_max);
  EXPECT_EQ(entries.back(), std::to_string(2 * HistoryFile::entries_max));
  EXPECT_EQ(HistoryFile(path).load(), entries);
  EXPECT_EQ(mode(path), 0600u);
  history.append(std::string(HistoryFile::entry_bytes_max + 1, 'x'));
  EXPECT_EQ(HistoryFile(path).load().size(), entries.size());
}

TEST_F(HistoryFileTest, AFailureIsToldOnce) {
  HistoryFile history(folder_);  // a folder is no file
  history.append("x");
  const auto failure = history.take_failure();
  ASSERT_TRUE(failure);
  EXPECT_NE(failure->message.find(folder_.string()), std::string::npos);
  history.append("y");
  EXPECT_FALSE(history.take_failure());
}

TEST_F(HistoryFileTest, OffMeansOff) {
  HistoryFile history(std::nullopt);
  history.append("x");
  EXPECT_TRUE(history.load().empty());
  EXPECT_FALSE(history.take_failure());
  EXPECT_FALSE(chat_history_path(Environment::of({{"HEARTH_CHAT_HISTORY", "off"}})));
  EXPECT_FALSE(chat_history_path(Environment::of({})));
  EXPECT_FALSE(chat_history_path(Environment::of({{"XDG_STATE_HOME", "relative"}})));
  EXPECT_EQ(*chat_history_path(Environment::of({{"HEARTH_CHAT_HISTORY", "~/h"}, {"HOME", "/a"}})),
            "/a/h");
  EXPECT_EQ(*chat_history_path(Environment::of({{"XDG_STATE_HOME", "/s"}})),
            "/s/hearth/chat_history");
}

}  // namespace
}  // namespace hearth::app
