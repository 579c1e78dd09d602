// Small files: read whole, write atomically. Errors name the path, and the free space where a disk
// is full.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"

namespace hearth {

/// Reads a whole file. Fails with kNotFound, kIo, or kCorrupt when it is larger than
/// `size_max_bytes`.
Result<std::string> read_file(const std::filesystem::path& path,
                              std::uint64_t size_max_bytes = std::uint64_t{1} << 30);

/// Replaces `path` in one step: writes a temporary file beside it, syncs, renames. After a failure
/// the old content is intact and the temporary file is gone. A full disk is kResourceExhausted.
/// `mode` are the new file's permissions.
Result<void> write_file_atomically(const std::filesystem::path& path, std::string_view content,
                                   unsigned mode = 0644);

/// Bytes an unprivileged process may still write to the file system that holds `path`, which need
/// not exist yet (its nearest existing parent is asked).
Result<std::uint64_t> free_disk_bytes(const std::filesystem::path& path);

/// Size of a regular file; kNotFound when there is none.
Result<std::uint64_t> file_size_bytes(const std::filesystem::path& path);

/// "expected 4,856,573,952 bytes" reads better than ten bare digits.
std::string with_thousands(std::uint64_t value);

}  // namespace hearth
