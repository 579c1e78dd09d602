// The weights of a published model: model.safetensors, or shards with an index.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "onnx/safetensors.h"

namespace hearth::onnx {

/// All tensors of a folder by name. A name stands in one file only; with an index, files and index
/// name the same tensors. Any thread may read.
class SafetensorsFolder {
 public:
  struct Place {
    const SafetensorsFile* file;
    const SafeTensor* tensor;
  };

  /// Opens `folder`/model.safetensors, or where there is none, the shards that
  /// model.safetensors.index.json names. kNotFound when there is neither, kCorrupt when a file or
  /// the index cannot be trusted.
  static Result<SafetensorsFolder> open(const std::filesystem::path& folder);

  const std::map<std::string, Place>& tensors() const { return tensors_; }
  const std::vector<std::unique_ptr<const SafetensorsFile>>& files() const { return files_; }

 private:
  Result<void> add(const std::filesystem::path& path);

  std::vector<std::unique_ptr<const SafetensorsFile>> files_;  // tensors_ points into them
  std::map<std::string, Place> tensors_;
};

}  // namespace hearth::onnx
