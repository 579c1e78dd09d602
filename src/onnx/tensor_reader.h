// Float tensors of a model, read piece by piece: no tensor is in memory whole, and no file mapped,
// so that what is used is what was asked for.
#pragma once

#include <onnx/onnx_pb.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>

#include "base/result.h"

namespace hearth::onnx {

/// Keeps the model's data files open. Reading is safe from several threads.
class TensorReader {
 public:
  /// Opens every data file that `model`'s tensors name; check_external_data() must have passed.
  static Result<TensorReader> open(const ::onnx::ModelProto& model,
                                   const std::filesystem::path& folder);

  TensorReader(TensorReader&&) noexcept = default;
  TensorReader& operator=(TensorReader&&) = delete;
  TensorReader(const TensorReader&) = delete;
  TensorReader& operator=(const TensorReader&) = delete;
  ~TensorReader();

  /// Bytes [first, first + out.size()) of the tensor's data, external or raw. kCorrupt when the
  /// file has become shorter; kUnsupported for typed inline data.
  Result<void> read_bytes(const ::onnx::TensorProto& tensor, std::uint64_t first,
                          std::span<std::byte> out) const;

  /// Elements [first, first + out.size()) of a float32 or float16 tensor, as floats.
  Result<void> read_floats(const ::onnx::TensorProto& tensor, std::int64_t first,
                           std::span<float> out) const;

  /// Columns [first, first + count) of a [rows, columns] float tensor, to `out` [rows, count].
  Result<void> read_columns(const ::onnx::TensorProto& tensor, std::int64_t first,
                            std::int64_t count, std::span<float> out) const;

 private:
  struct File {
    int descriptor = -1;
    std::string path;
  };

  TensorReader() = default;

  std::map<std::string, File> files_;
};

}  // namespace hearth::onnx
