// MappedFile: a file's bytes in memory, fetched by the system as they are used and shared between
// processes.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string_view>

#include "base/result.h"

namespace hearth {

/// How a mapping is going to be read.
enum class MappedUse {
  kWhole,  ///< all of it, again and again: large pages are worth their size
  kParts,  ///< here and there
};

/// The content of a file as it was when it was mapped. For files that are replaced (a new file
/// under the old name), never changed in place: a process that reads
/// what was cut off from a mapped file gets a SIGBUS. Any thread may read.
class MappedFile {
 public:
  /// Maps a regular file for reading. kNotFound, kIo, or kInvalidArgument for what is no file.
  static Result<std::shared_ptr<const MappedFile>> open(const std::filesystem::path& path,
                                                        MappedUse use = MappedUse::kWhole);

  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  /// Begins at a multiple of the page size; empty for an empty file.
  std::string_view bytes() const { return {data_, size_}; }

  /// Gives the pages that were read back to the system, which fetches them again when they are
  /// used. Spans into the file stay valid.
  void forget() const { forget(0, size_); }
  /// The same for the pages that [offset, offset + size) fills.
  void forget(std::size_t offset, std::size_t size) const;

 private:
  MappedFile(const char* data, std::size_t size) : data_(data), size_(size) {}

  const char* data_;
  std::size_t size_;
};

}  // namespace hearth
