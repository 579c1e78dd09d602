#include "app/model_variants.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <system_error>

#include "app/cli/model_description.h"
#include "base/ascii.h"
#include "base/shell_word.h"
#include "runtime/model_folder.h"

namespace hearth::app {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 4> kNames = {"int4", "int8", "fp16", "fp32"};
constexpr const char* kMarker = "genai_config.json";
constexpr int kDepthMax = 3;  // such as cpu_and_mobile/cpu-int4-rtn-block-32-acc-level-4

bool is_word_character(char c) {
  const char lower = ascii_lower(c);
  return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9');
}

/// A variant's name where it stands in a folder's name as a word of its own.
struct VariantWord {
  std::size_t at = 0;
  std::string_view name;
};

/// Calls `visit(begin, word)` for each word of a name, in lower case, until it returns true;
/// whether it did.
template <class Visit>
bool visit_words(std::string text, const Visit& visit) {
  std::transform(text.begin(), text.end(), text.begin(), ascii_lower);
  for (std::size_t begin = 0; begin < text.size();) {
    std::size_t end = begin;
    while (end < text.size() && is_word_character(text[end])) ++end;
    if (end > begin && visit(begin, std::string_view(text).substr(begin, end - begin))) return true;
    begin = end + 1;
  }
  return false;
}

std::optional<VariantWord> find_variant_word(const std::string& folder_name) {
  std::optional<VariantWord> result;
  visit_words(folder_name, [&](std::size_t begin, std::string_view word) {
    const auto* found = std::find(kNames.begin(), kNames.end(), word);
    if (found != kNames.end()) result = VariantWord{begin, *found};
    return result.has_value();
  });
  return result;
}

std::optional<std::string> variant_of_precision(std::string_view precision) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kBeginnings = {
      {{"int4", "int4"},
       {"int8", "int8"},
       {"uint8", "int8"},
       {"float16", "fp16"},
       {"float32", "fp32"}}};
  for (const auto& [beginning, name] : kBeginnings) {
    if (precision.starts_with(beginning)) return std::string(name);
  }
  return std::nullopt;
}

void find_variants(const fs::path& folder, int depth, std::vector<fs::path>& found) {
  if (is_model_folder(folder)) {
    found.push_back(folder);
  } else if (depth < kDepthMax) {
    for (const fs::path& inner : sub_folders(folder)) find_variants(inner, depth + 1, found);
  }
}

/// "a/b/" and "a/b/." have no last name; this has.
fs::path tidy(const fs::path& folder) {
  fs::path normal = fs::absolute(folder).lexically_normal();
  return normal.has_filename() ? normal : normal.parent_path();
}

/// Where a variant of the family is or would be.
fs::path place_of(const ModelFamily& family, std::string_view variant) {
  return family.home / (family.before + std::string(variant) + family.after);
}

/// `folder` and those of its family beside it.
std::vector<fs::path> neighbours_by_name(const ModelFamily& family, const fs::path& folder) {
  std::vector<fs::path> found = {folder};
  for (const std::string_view name : kNames) {
    const fs::path neighbour = place_of(family, name);
    if (neighbour != folder && is_model_folder(neighbour)) found.push_back(neighbour);
  }
  std::sort(found.begin(), found.end());
  return found;
}

std::string variants_in_words(const ModelFamily& family) {
  std::vector<std::string> words;
  for (const fs::path& folder : family.folders) {
    words.push_back(variant_of(folder).value_or("one of unknown precision"));
  }
  return words.empty() ? "none" : fmt::format("{}", fmt::join(words, ", "));
}

/// Whether a folder of the family is meant for the CPU by its path.
bool is_for_cpu(const ModelFamily& family, const fs::path& folder) {
  return visit_words(tidy(folder).lexically_relative(tidy(family.home)).string(),
                     [](std::size_t, std::string_view word) { return word == "cpu"; });
}

/// The folder that another precision is made from: the most exact one that is there.
std::optional<fs::path> source_for(const ModelFamily& family) {
  for (const char* wanted : {"fp32", "fp16"}) {
    for (const fs::path& folder : family.folders) {
      if (variant_of(folder) == wanted) return folder;
    }
  }
  return std::nullopt;
}

}  // namespace

std::span<const std::string_view> variant_names() { return kNames; }

std::vector<fs::path> sub_folders(const fs::path& folder) {
  std::vector<fs::path> found;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    std::error_code ignored;
    if (it->is_directory(ignored) && !it->path().filename().string().starts_with(".")) {
      found.push_back(it->path());
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

bool is_model_folder(const fs::path& folder) {
  std::error_code ignored;
  return fs::is_regular_file(folder / kMarker, ignored);
}

std::vector<fs::path> variant_folders(const fs::path& folder) {
  std::vector<fs::path> found;
  find_variants(folder, 0, found);
  return found;
}

std::optional<std::string> variant_of(const fs::path& folder) {
  if (const auto word = find_variant_word(tidy(folder).filename().string())) {
    return std::string(word->name);
  }
  const auto model = runtime::open_model_folder(folder);
  return model ? variant_of_precision(precision_in_words(model->graph)) : std::nullopt;
}

ModelFamily family_of_folder(const fs::path& given) {
  const fs::path folder = tidy(given);
  ModelFamily family;
  if (!is_model_folder(folder)) {
    family.name = folder.filename().string();
    family.home = folder;
    family.folders = variant_folders(folder);
    return family;
  }
  const std::string name = folder.filename().string();
  const auto word = find_variant_word(name);
  family.home = folder.parent_path();
  if (word && word->name.size() == name.size()) {
    family.name = family.home.filename().string();
    family.folders = variant_folders(family.home);
    return family;
  }
  family.name = name;
  family.before = word ? name.substr(0, word->at) : name + "-";
  family.after = word ? name.substr(word->at + word->name.size()) : "";
  family.folders = neighbours_by_name(family, folder);
  return family;
}

Result<fs::path> choose_variant(const ModelFamily& family, std::string_view variant,
                                const std::string& origin) {
  std::vector<fs::path> found;
  for (const fs::path& folder : family.folders) {
    if (variant_of(folder) == variant) found.push_back(folder);
  }
  if (found.empty()) {
    return fail(ErrorCode::kNotFound,
                fmt::format("{}: {} has no variant {} (there: {}); {}", origin, family.name,
                            variant, variants_in_words(family), variant_advice(family, variant)));
  }
  if (found.size() == 1) return found.front();
  for (const fs::path& folder : found) {
    if (folder.filename() == variant) return folder;
  }
  const auto for_cpu = [&](const fs::path& folder) { return is_for_cpu(family, folder); };
  if (std::count_if(found.begin(), found.end(), for_cpu) == 1) {
    return *std::find_if(found.begin(), found.end(), for_cpu);
  }
  std::vector<std::string> names;
  for (const fs::path& folder : found) names.push_back(folder.string());
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("{}: {} has several folders of variant {}; give one with --model: {}",
                          origin, family.name, variant, fmt::join(names, ", ")));
}

std::string variant_advice(const ModelFamily& family, std::string_view variant) {
  const std::string out = shell_word(place_of(family, variant).string());
  const bool quantised = variant.starts_with("int");
  if (const auto source = source_for(family); quantised && source) {
    return fmt::format("make it with: hearth quantize --model {} --precision {} --out {}",
                       shell_word(source->string()), variant, out);
  }
  const fs::path weights = place_of(family, "weights");
  std::error_code ignored;
  return fmt::format(
      "make it with: hearth models build --from {} --precision {} --out {}",
      fs::is_directory(weights, ignored) ? shell_word(weights.string()) : "FOLDER_WITH_SAFETENSORS",
      variant, out);
}

}  // namespace hearth::app
