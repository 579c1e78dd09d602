// What was typed, kept for the next time: one entry on a line, readable for the owner only.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/environment.h"
#include "base/result.h"

namespace hearth::app {

/// HEARTH_CHAT_HISTORY, else hearth/chat_history in XDG_STATE_HOME or ~/.local/state; nothing when
/// the variable is "off", or there is no home.
std::optional<std::filesystem::path> chat_history_path(const Environment& environment);

/// Line breaks and backslashes of an entry as \n and \\, and back. Pure.
std::string history_line(std::string_view entry);
std::string history_entry(std::string_view line);

/// Appends entry by entry, so that a crash loses nothing and two sessions share one file. The first
/// failure is kept, to be told once; chatting goes on without.
class HistoryFile {
 public:
  static constexpr std::size_t entries_max = 1000;
  static constexpr std::size_t entry_bytes_max = 64 * 1024;  ///< a larger one is not kept

  /// No path: nothing is read or written.
  explicit HistoryFile(std::optional<std::filesystem::path> path) : path_(std::move(path)) {}

  /// The newest entries, the oldest first; nothing when there is no file yet. A file that has grown
  /// to more than twice as many is cut.
  std::vector<std::string> load();

  void append(std::string_view entry);

  /// Why history does not work, once.
  std::optional<Error> take_failure();

 private:
  Result<void> append_line(const std::string& line) const;
  void keep_failure(const Result<void>& result);

  std::optional<std::filesystem::path> path_;
  std::optional<Error> failure_;
  bool told_ = false;
};

}  // namespace hearth::app
