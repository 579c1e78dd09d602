// Small files that hold what was worked out from a model, so that it need not be worked out again.
// They can be missing, stale or damaged at any time: then nothing is found, and the caller works it
// out. A file is replaced in one step.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/digest.h"

namespace hearth::runtime {

/// Where files made from a model may lie, in the order in which they are looked at: beside it, with
/// `suffix` behind its name, then in the cache folder, if there is one.
std::vector<std::filesystem::path> kept_paths(const std::filesystem::path& model_file,
                                              const std::filesystem::path& cache_folder,
                                              std::string_view suffix);

/// What a kept file must be, to be of use.
struct KeptKey {
  std::uint64_t kind = 0;     ///< what is kept
  std::uint64_t version = 0;  ///< of the code that worked it out
  Digest source;              ///< of all that it was worked out from
};

/// The content of the first file of `paths` that is whole and has this key.
std::optional<std::string> find_kept(const std::vector<std::filesystem::path>& paths,
                                     const KeptKey& key);

/// Writes the last of `paths` that can be written. That none can is told the log only.
void keep(const std::vector<std::filesystem::path>& paths, const KeptKey& key,
          std::string_view content);

}  // namespace hearth::runtime
