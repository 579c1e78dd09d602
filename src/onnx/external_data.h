// Where a tensor's bytes lie outside the model file, and the check that all of them are really
// there. Made before ONNX Runtime sees a model, because it would map or read whatever the file
// tells it to.
#pragma once

#include <onnx/onnx_pb.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "base/result.h"

namespace hearth::onnx {

/// A range of bytes in a file beside the model.
struct TensorLocation {
  std::string file;  ///< relative to the model's folder, checked to stay inside it by its spelling
  std::uint64_t offset = 0;
  std::uint64_t length = 0;  ///< always the size that type and dimensions demand
};

/// True when the tensor's bytes are in another file.
bool is_external(const ::onnx::TensorProto& tensor);

/// Location of an external tensor. kCorrupt when the location is absolute, climbs with "..", is
/// missing or given twice; when offset or length is no decimal number; or when the length is not
/// what the element type and dimensions demand. kInvalidArgument for a tensor that is not external.
Result<TensorLocation> tensor_location(const ::onnx::TensorProto& tensor);

/// Checks that a tensor stored in the model file itself has exactly the data its type and
/// dimensions demand, in one field only.
Result<void> check_inline_data(const ::onnx::TensorProto& tensor);

/// Calls `visit(tensor)` for every tensor of the model: initializers (sparse ones too) and tensor
/// attributes, in subgraphs and in local functions. Stops at the first error and returns it.
Result<void> for_each_tensor(const ::onnx::ModelProto& model,
                             const std::function<Result<void>(const ::onnx::TensorProto&)>& visit);

/// Checks every tensor of the model: inline data is complete; external data lies in a regular file
/// inside `folder` ("" is the current one) that is long enough. A link may lead out of `folder`
/// only to the folder where the model file itself really is (download caches link both into one
/// store). Errors name the model, the tensor, the data file, and the bytes expected and found.
Result<void> check_external_data(const ::onnx::ModelProto& model,
                                 const std::filesystem::path& folder,
                                 std::string_view model_name = "model.onnx");

/// How many bytes each data file must have, by the name that tensors give it. Errors as of
/// tensor_location().
Result<std::map<std::string, std::uint64_t>> data_file_needs(const ::onnx::ModelProto& model);

/// What check_external_data() asks of the files themselves: each of `needs` lies where it may and
/// is long enough.
Result<void> check_data_files(const std::map<std::string, std::uint64_t>& needs,
                              const std::filesystem::path& folder, std::string_view model_name);

}  // namespace hearth::onnx
