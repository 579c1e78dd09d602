#include "runtime/control_groups.h"

#include <algorithm>
#include <fstream>
#include <string>

namespace hearth::runtime {
namespace {

namespace fs = std::filesystem;

/// Whether "cpu" is one of "cpu,cpuacct".
bool lists(std::string_view names, std::string_view wanted) {
  while (!names.empty()) {
    const std::size_t end = std::min(names.find(','), names.size());
    if (names.substr(0, end) == wanted) return true;
    names.remove_prefix(std::min(end + 1, names.size()));
  }
  return false;
}

}  // namespace

std::vector<fs::path> control_group_folders(const fs::path& root, std::string_view controller) {
  const fs::path unified = root / "sys/fs/cgroup";
  const fs::path first_version = unified / controller;
  std::vector<fs::path> folders = {unified, first_version};
  std::ifstream mine(root / "proc/self/cgroup");
  // "0::/a/b" is version 2, "4:cpu,cpuacct:/a/b" version 1.
  for (std::string line; std::getline(mine, line);) {
    const auto names_begin = line.find(':');
    const auto path_begin =
        names_begin == std::string::npos ? names_begin : line.find(':', names_begin + 1);
    if (path_begin == std::string::npos) continue;
    const auto names = std::string_view(line).substr(names_begin + 1, path_begin - names_begin - 1);
    if (!names.empty() && !lists(names, controller)) continue;
    const fs::path& top = names.empty() ? unified : first_version;
    fs::path group = top / fs::path(line.substr(path_begin + 1)).relative_path();
    for (; group.string().size() > top.string().size(); group = group.parent_path()) {
      folders.push_back(group);
    }
  }
  return folders;
}

}  // namespace hearth::runtime
