// A file that the user named, which may be anything.
#pragma once

#include <filesystem>
#include <string_view>

#include "base/result.h"

namespace hearth {

/// What write_output_file() would fail with, as far as that is known beforehand: a folder, a link
/// or a path that leads nowhere, no permission.
Result<void> check_output_file(const std::filesystem::path& path);

/// Writes `content` to what `path` leads to, through links. A regular file is replaced in one step
/// as write_file_atomically() does and keeps its permissions; a new one gets `mode`. A device or a
/// pipe is written to and stays what it is. kInvalidArgument where check_output_file() fails.
Result<void> write_output_file(const std::filesystem::path& path, std::string_view content,
                               unsigned mode = 0644);

}  // namespace hearth
