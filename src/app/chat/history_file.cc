#include "app/chat/history_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "base/file.h"
#include "text/utf8.h"

namespace hearth::app {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kHistoryBytesMax = std::uint64_t{256} << 20;
constexpr unsigned kOwnerOnly = 0600;

std::vector<std::string> entries_of(std::string_view text) {
  std::vector<std::string> entries;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    if (!line.empty() && !text::utf8_find_invalid(line)) entries.push_back(history_entry(line));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return entries;
}

tl::unexpected<Error> failed(const fs::path& path, int error) {
  return fail(ErrorCode::kIo, "the history of this chat cannot be kept in " + path.string() + ": " +
                                  std::generic_category().message(error));
}

}  // namespace

std::optional<fs::path> chat_history_path(const Environment& environment) {
  const auto given = environment.get("HEARTH_CHAT_HISTORY");
  if (given && *given == "off") return std::nullopt;
  if (given) return environment.expand_home(*given);
  // Without either the folder would be one of the system's.
  const auto state = environment.get("XDG_STATE_HOME");
  if (!environment.get("HOME") && !(state && state->starts_with('/'))) return std::nullopt;
  return environment.state_folder() / "chat_history";
}

std::string history_line(std::string_view entry) {
  std::string line;
  for (const char c : entry) {
    if (c == '\\') {
      line += "\\\\";
    } else if (c == '\n') {
      line += "\\n";
    } else {
      line += c;
    }
  }
  return line;
}

std::string history_entry(std::string_view line) {
  std::string entry;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '\\' && i + 1 < line.size()) {
      ++i;
      entry += line[i] == 'n' ? '\n' : line[i];
    } else {
      entry += line[i];
    }
  }
  return entry;
}

std::vector<std::string> HistoryFile::load() {
  if (!path_) return {};
  std::error_code ignored;
  if (!fs::exists(*path_, ignored)) return {};
  const auto text = read_file(*path_, kHistoryBytesMax);
  if (!text) {
    keep_failure(tl::unexpected<Error>(text.error()));
    return {};
  }
  std::vector<std::string> entries = entries_of(*text);
  const bool cut = entries.size() > 2 * entries_max;
  if (entries.size() > entries_max) {
    entries.erase(entries.begin(), entries.end() - static_cast<std::ptrdiff_t>(entries_max));
  }
  if (cut) {
    std::string kept;
    for (const std::string& entry : entries) kept += history_line(entry) + "\n";
    keep_failure(write_file_atomically(*path_, kept, kOwnerOnly));
  }
  return entries;
}

void HistoryFile::append(std::string_view entry) {
  if (!path_ || failure_ || entry.size() > entry_bytes_max) return;
  keep_failure(append_line(history_line(entry) + "\n"));
}

Result<void> HistoryFile::append_line(const std::string& line) const {
  std::error_code error;
  fs::create_directories(path_->parent_path(), error);
  const int file =
      ::open(path_->c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, kOwnerOnly);
  if (file < 0) return failed(*path_, errno);
  // A file that came with wider permissions is closed to others, too; a device stays everybody's.
  Result<void> result;
  struct stat info {};
  const bool regular = ::fstat(file, &info) == 0 && S_ISREG(info.st_mode);
  if (regular && ::fchmod(file, kOwnerOnly) != 0 && errno != EPERM) {
    result = failed(*path_, errno);
  }
  if (result && ::write(file, line.data(), line.size()) != static_cast<ssize_t>(line.size())) {
    result = failed(*path_, errno);
  }
  ::close(file);
  return result;
}

void HistoryFile::keep_failure(const Result<void>& result) {
  if (!result && !failure_) failure_ = result.error();
}

std::optional<Error> HistoryFile::take_failure() {
  if (!failure_ || std::exchange(told_, true)) return std::nullopt;
  return failure_;
}

}  // namespace hearth::app
