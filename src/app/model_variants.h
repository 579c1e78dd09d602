// The variants of one model: folders with the same weights in int4, int8, fp16 or fp32.
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace hearth::app {

/// int4, int8, fp16, fp32: what `--variant` can ask for, the smallest first.
std::span<const std::string_view> variant_names();

/// Folders in `folder`, sorted by name, hidden ones left out; none when it cannot be read.
std::vector<std::filesystem::path> sub_folders(const std::filesystem::path& folder);

/// Whether the folder holds a model (a genai_config.json).
bool is_model_folder(const std::filesystem::path& folder);

/// `folder` when it is a model's, else the model folders inside it, at most three levels down as in
/// cpu_and_mobile/cpu-int4-rtn-block-32-acc-level-4; sorted. What cannot be read is passed over.
std::vector<std::filesystem::path> variant_folders(const std::filesystem::path& folder);

/// Which variant a model folder is: by a word of its name ("int4", "cpu-INT4-rtn"), where that says
/// nothing by the precision of most of its matrices, where that cannot be read nothing.
std::optional<std::string> variant_of(const std::filesystem::path& folder);

/// One model and the folders of it that are there.
struct ModelFamily {
  std::string name;                            ///< "ember"; for a path, that of the folder
  std::filesystem::path home;                  ///< where the variants' folders are or would be
  std::string before, after;                   ///< around the variant's word in a folder's name
  std::vector<std::filesystem::path> folders;  ///< each a model folder
};

/// The family of a folder that was given as a path. Variants are folders inside it when it is no
/// model folder itself. Else they are beside it, and only under names that say so: all, when the
/// folder is called like a variant ("mine/int4", "mine/int8"), or those that differ from its name
/// in that word alone ("mine-int4", "mine-int8"; "mine", "mine-int8"). Other neighbours may be
/// other models.
ModelFamily family_of_folder(const std::filesystem::path& folder);

/// The family's folder of that variant. Of several it is the one that is called just like it, else
/// the only one whose path inside the family has the word "cpu", as in releases that have
/// cpu_and_mobile/... and gpu/... `origin` says in errors who asked: kNotFound with
/// variant_advice(), kInvalidArgument when several remain.
Result<std::filesystem::path> choose_variant(const ModelFamily& family, std::string_view variant,
                                             const std::string& origin);

/// The command that makes a variant that is not there, with the paths of this family.
std::string variant_advice(const ModelFamily& family, std::string_view variant);

}  // namespace hearth::app
