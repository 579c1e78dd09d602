#include "onnx/safetensors_folder.h"

#include <set>
#include <utility>

#include "base/file.h"
#include "base/json_reader.h"

namespace hearth::onnx {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSingleName = "model.safetensors";
constexpr const char* kIndexName = "model.safetensors.index.json";
constexpr std::uint64_t kIndexBytesMax = std::uint64_t{64} << 20;

/// The index: which file each tensor is in.
Result<std::map<std::string, std::string>> read_index(const fs::path& path) {
  HEARTH_TRY(const std::string text, read_file(path, kIndexBytesMax));
  HEARTH_TRY(const Json json, parse_json(text, path.string()));
  if (!json.is_object()) {
    return fail(ErrorCode::kCorrupt, path.string() + " must be a JSON object");
  }
  HEARTH_TRY(const JsonReader weight_map, JsonReader(json, path.string()).object("weight_map"));
  std::map<std::string, std::string> files;
  for (const auto& [name, value] : weight_map.json().items()) {
    const std::string file = value.is_string() ? value.get<std::string>() : "";
    if (file.empty() || file.front() == '.' || file.find('/') != std::string::npos) {
      return fail(ErrorCode::kCorrupt,
                  weight_map.where(name) + " must be the name of a file in the same folder");
    }
    files[name] = file;
  }
  if (files.empty()) return fail(ErrorCode::kCorrupt, weight_map.where() + " names no tensor");
  return files;
}

}  // namespace

Result<SafetensorsFolder> SafetensorsFolder::open(const fs::path& folder) {
  SafetensorsFolder result;
  std::error_code error;
  if (fs::exists(folder / kSingleName, error)) {
    HEARTH_TRY_VOID(result.add(folder / kSingleName));
    return result;
  }
  if (!fs::exists(folder / kIndexName, error)) {
    return fail(ErrorCode::kNotFound, folder.string() + " has neither " + kSingleName + " nor " +
                                          kIndexName +
                                          "; weights in other formats (.bin, .gguf) "
                                          "cannot be read");
  }
  const fs::path index_path = folder / kIndexName;
  HEARTH_TRY(const auto index, read_index(index_path));
  std::set<std::string> files;
  for (const auto& [name, file] : index) files.insert(file);
  for (const std::string& file : files) HEARTH_TRY_VOID(result.add(folder / file));
  for (const auto& [name, file] : index) {
    const auto found = result.tensors_.find(name);
    if (found == result.tensors_.end() || found->second.file->path().filename() != file) {
      return fail(ErrorCode::kCorrupt, index_path.string() + " says that '" + name + "' is in " +
                                           file + ", which does not hold it");
    }
  }
  for (const auto& [name, place] : result.tensors_) {
    if (!index.contains(name)) {
      return fail(ErrorCode::kCorrupt,
                  place.file->path().string() + ": '" + name + "' is not in " + kIndexName);
    }
  }
  return result;
}

Result<void> SafetensorsFolder::add(const fs::path& path) {
  HEARTH_TRY(SafetensorsFile file, SafetensorsFile::open(path));
  files_.push_back(std::make_unique<const SafetensorsFile>(std::move(file)));
  for (const SafeTensor& tensor : files_.back()->header().tensors) {
    const auto [place, is_new] = tensors_.emplace(tensor.name, Place{files_.back().get(), &tensor});
    if (!is_new) {
      return fail(ErrorCode::kCorrupt, path.string() + ": '" + tensor.name + "' is in " +
                                           place->second.file->path().string() + " as well");
    }
  }
  return {};
}

}  // namespace hearth::onnx
