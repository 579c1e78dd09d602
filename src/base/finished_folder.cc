// Temporary folder beside, lock, rename.
#include "base/finished_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "base/file.h"

namespace hearth {
namespace {

namespace fs = std::filesystem;

constexpr const char* kLockName = ".lock";

/// Folders and their names take some blocks beside the files' own bytes.
constexpr std::uint64_t kFolderSlackBytes = std::uint64_t{4} << 20;

/// A mount of the same file system (a bind mount) has its parent's device: the system is asked.
bool is_mount_point(const fs::path& folder) {
  struct statx info {};
  if (::statx(AT_FDCWD, folder.c_str(), 0, STATX_BASIC_STATS, &info) != 0) return false;
  if ((info.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT) != 0) {
    return (info.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
  }
  struct stat mine {};
  struct stat above {};
  return ::stat(folder.c_str(), &mine) == 0 && ::stat((folder / "..").c_str(), &above) == 0 &&
         mine.st_dev != above.st_dev;
}

/// An empty folder is replaced by the finished one, which is made beside it.
Result<void> check_can_be_replaced(const fs::path& folder) {
  const auto refuse = [&](const char* why) {
    return fail(ErrorCode::kInvalidArgument, folder.string() + why + "; name a folder inside it: " +
                                                 (folder / "model").string());
  };
  std::error_code ignored;
  if (is_mount_point(folder)) {
    return refuse(" is a mount point, whose place the finished folder cannot take");
  }
  if (fs::equivalent(folder, ".", ignored)) {
    return refuse(" is the working folder, whose place the finished folder cannot take");
  }
  return {};
}

}  // namespace

Result<fs::path> output_folder_path(const fs::path& out_dir) {
  if (out_dir.empty()) return fail(ErrorCode::kInvalidArgument, "no output folder was given");
  std::error_code error;
  fs::path path = fs::absolute(out_dir, error);
  if (!error) path = fs::weakly_canonical(path, error);
  if (error) {
    return fail(ErrorCode::kIo,
                "cannot follow the path " + out_dir.string() + ": " + error.message());
  }
  if (!path.has_filename()) path = path.parent_path();
  return path;
}

Result<bool> output_folder_is_free(const fs::path& out_dir) {
  std::error_code error;
  if (!fs::exists(fs::symlink_status(out_dir, error))) return true;
  if (!fs::is_directory(out_dir, error)) {
    return fail(ErrorCode::kInvalidArgument,
                out_dir.string() + (fs::exists(out_dir, error) ? " exists and is not a folder"
                                                               : " is a link that leads nowhere"));
  }
  if (!fs::is_empty(out_dir, error)) return false;
  HEARTH_TRY_VOID(check_can_be_replaced(out_dir));
  return true;
}

Result<void> check_disk_holds(const fs::path& out_dir, std::uint64_t needed_bytes) {
  needed_bytes += kFolderSlackBytes;
  HEARTH_TRY(const std::uint64_t free, free_disk_bytes(out_dir));
  if (free >= needed_bytes) return {};
  return fail(ErrorCode::kResourceExhausted, out_dir.string() + " needs " +
                                                 with_thousands(needed_bytes) +
                                                 " bytes, the disk has " + with_thousands(free) +
                                                 " free; free some space or choose another folder");
}

Result<UnfinishedFolder> UnfinishedFolder::create(const fs::path& out_dir) {
  fs::path path = out_dir;
  path += ".partial";
  std::error_code error;
  const auto status = fs::symlink_status(path, error);
  const bool is_ours = fs::is_directory(status) &&
                       (fs::exists(path / kLockName, error) || fs::is_empty(path, error));
  if (fs::exists(status) && !is_ours) {
    return fail(ErrorCode::kInvalidArgument,
                path.string() +
                    " is in the way and was not made by an interrupted run of this "
                    "command: move it, or choose another name");
  }
  fs::create_directories(path, error);
  if (error) {
    return fail(ErrorCode::kIo, "cannot create " + path.string() + ": " + error.message());
  }
  const int lock = ::open((path / kLockName).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (lock < 0) {
    return fail(ErrorCode::kIo, "cannot create a file in " + path.string() + ": " +
                                    std::generic_category().message(errno));
  }
  if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
    ::close(lock);
    return fail(ErrorCode::kInvalidArgument,
                "another process is making " + out_dir.string() + " at the moment");
  }
  UnfinishedFolder folder(std::move(path), out_dir, lock);
  HEARTH_TRY_VOID(folder.clear());
  return folder;
}

UnfinishedFolder::UnfinishedFolder(UnfinishedFolder&& other) noexcept
    : path_(std::move(other.path_)),
      out_dir_(std::move(other.out_dir_)),
      lock_(std::exchange(other.lock_, -1)) {}

UnfinishedFolder::~UnfinishedFolder() {
  if (lock_ < 0) return;
  std::error_code ignored;
  fs::remove_all(path_, ignored);
  ::close(lock_);
}

Result<void> UnfinishedFolder::finish() {
  std::error_code error;
  fs::rename(path_, out_dir_, error);
  if (error) {
    return fail(ErrorCode::kIo, "cannot rename " + path_.string() + " to " + out_dir_.string() +
                                    ": " + error.message());
  }
  // Not earlier: under the old name, a second process would take a folder without lock over.
  fs::remove(out_dir_ / kLockName, error);
  ::close(std::exchange(lock_, -1));
  return {};
}

/// Removes what a killed process left.
Result<void> UnfinishedFolder::clear() const {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(path_, error)) {
    if (entry.path().filename() != kLockName) fs::remove_all(entry.path(), error);
  }
  if (error) {
    return fail(ErrorCode::kIo, "cannot empty " + path_.string() + ": " + error.message());
  }
  return {};
}

}  // namespace hearth
