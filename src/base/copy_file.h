// Copying large files in pieces.
#pragma once

#include <atomic>
#include <filesystem>

#include "base/result.h"

namespace hearth {

/// Copies a file's bytes, whatever its size, through a buffer of 1 MiB, and syncs them. `to` is
/// made or overwritten; after a failure it is incomplete. Errors name the path; a full disk is
/// kResourceExhausted, and kCancelled is that `cancelled` was raised.
Result<void> copy_file_bytes(const std::filesystem::path& from, const std::filesystem::path& to,
                             const std::atomic<bool>& cancelled);

}  // namespace hearth
