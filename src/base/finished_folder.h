// A folder that appears under its name when all of it is there, or not at all.
#pragma once

#include <cstdint>
#include <filesystem>

#include "base/result.h"

namespace hearth {

/// Where `out_dir` leads: absolute, links followed, without a trailing slash or dots.
/// kInvalidArgument when it is empty.
Result<std::filesystem::path> output_folder_path(const std::filesystem::path& out_dir);

/// True when nothing stands under the name `out_dir` (of output_folder_path()) that would be lost:
/// no such thing, or an empty folder. kInvalidArgument when it exists and is not a folder, or when
/// it is an empty one whose place another folder cannot take: a mount point, or the working folder.
Result<bool> output_folder_is_free(const std::filesystem::path& out_dir);

/// kResourceExhausted, with both numbers, when the disk that will hold `out_dir` has less than
/// `needed_bytes` (and some for the folder itself) free.
Result<void> check_disk_holds(const std::filesystem::path& out_dir, std::uint64_t needed_bytes);

/// The folder under construction: "<out_dir>.partial", held by a lock, removed with this object
/// unless it was renamed. Used by one thread; others may write files into path() meanwhile.
class UnfinishedFolder {
 public:
  /// Creates the folder, or takes over and empties what a killed process left. kInvalidArgument
  /// when a folder of somebody else's is in the way or another process is at it.
  static Result<UnfinishedFolder> create(const std::filesystem::path& out_dir);

  UnfinishedFolder(UnfinishedFolder&& other) noexcept;
  UnfinishedFolder& operator=(UnfinishedFolder&&) = delete;
  UnfinishedFolder(const UnfinishedFolder&) = delete;
  UnfinishedFolder& operator=(const UnfinishedFolder&) = delete;
  ~UnfinishedFolder();

  const std::filesystem::path& path() const { return path_; }

  /// Gives the folder its name, which must be free (output_folder_is_free); afterwards nothing is
  /// removed.
  Result<void> finish();

 private:
  UnfinishedFolder(std::filesystem::path path, std::filesystem::path out_dir, int lock)
      : path_(std::move(path)), out_dir_(std::move(out_dir)), lock_(lock) {}

  Result<void> clear() const;

  std::filesystem::path path_;
  std::filesystem::path out_dir_;
  int lock_;
};

}  // namespace hearth
