// The bytes of a model's tensors, wherever they lie: in the model file or in mapped files beside
// it.
#pragma once

#include <onnx/onnx_pb.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>

#include "base/mapped_file.h"
#include "base/result.h"

namespace hearth::runtime {

/// Maps each data file once. The spans live as long as this and the tensors. One thread.
class TensorBytes {
 public:
  explicit TensorBytes(std::filesystem::path folder) : folder_(std::move(folder)) {}

  /// kCorrupt when the bytes are not as many as type and dimensions demand; kUnsupported for
  /// spellings of inline data that no released model has.
  Result<std::span<const std::uint8_t>> bytes(const ::onnx::TensorProto& tensor);

  /// The same of a float32 tensor, which must be aligned.
  Result<std::span<const float>> floats(const ::onnx::TensorProto& tensor);

 private:
  std::filesystem::path folder_;
  std::map<std::string, std::shared_ptr<const MappedFile>> files_;
};

}  // namespace hearth::runtime
