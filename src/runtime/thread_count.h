// How many threads a step gets by default: the cores this process may really use.
#pragma once

#include <filesystem>

namespace hearth::runtime {

/// Physical cores in the process's affinity mask, bounded by the container's CPU quota (rounded
/// up); at least 1. A second thread on one core reads no more memory and has no tiles of its own.
/// `root` stands for "/" in tests.
int default_thread_count(const std::filesystem::path& root = "/");

}  // namespace hearth::runtime
