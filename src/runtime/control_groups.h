// The control groups that bound this process: a container's, and those it is in.
#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

namespace hearth::runtime {

/// Folders of this process's control group and of all above it, of version 2 and, where it is
/// mounted, of version 1's `controller` ("cpu", "memory"). They need not exist: in a container with
/// names of its own, the path in /proc is another one than in /sys. `root` stands for "/" in tests.
std::vector<std::filesystem::path> control_group_folders(const std::filesystem::path& root,
                                                         std::string_view controller);

}  // namespace hearth::runtime
