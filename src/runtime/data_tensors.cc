#include "runtime/data_tensors.h"

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include "onnx/external_data.h"

namespace hearth::runtime {
namespace {

using ::onnx::TensorProto;

/// Bytes of an element; 0 for types that ONNX Runtime had better read itself.
std::size_t element_bytes(std::int32_t type) {
  switch (type) {
    case TensorProto::FLOAT:
    case TensorProto::INT32:
      return 4;
    case TensorProto::FLOAT16:
    case TensorProto::BFLOAT16:
      return 2;
    case TensorProto::INT64:
      return 8;
    case TensorProto::INT8:
    case TensorProto::UINT8:
      return 1;
    default:
      return 0;
  }
}

}  // namespace

Result<DataTensors> DataTensors::open(const ::onnx::ModelProto& model,
                                      const std::filesystem::path& folder) {
  DataTensors tensors;
  const auto cpu = Ort::MemoryInfo::CreateCpu(OrtDeviceAllocator, OrtMemTypeDefault);
  for (const TensorProto& tensor : model.graph().initializer()) {
    const std::size_t element = element_bytes(tensor.data_type());
    if (!onnx::is_external(tensor) || element == 0) continue;
    HEARTH_TRY(const onnx::TensorLocation place, onnx::tensor_location(tensor));
    auto& file = tensors.files_[place.file];
    if (!file) {
      HEARTH_TRY(file, MappedFile::open(folder / place.file, MappedUse::kParts));
    }
    const std::string_view bytes = file->bytes();
    if (place.offset > bytes.size() || place.length > bytes.size() - place.offset) {
      return fail(ErrorCode::kCorrupt, (folder / place.file).string() +
                                           " ends inside the tensor '" + tensor.name() + "'");
    }
    if (place.offset % element != 0 || place.length == 0) continue;
    // The pages are read-only, and nothing writes to an initializer.
    auto* data = const_cast<char*>(bytes.data() + place.offset);
    tensors.lent_.push_back(
        {tensor.name(),
         Ort::Value::CreateTensor(cpu, data, place.length, tensor.dims().data(),
                                  static_cast<std::size_t>(tensor.dims_size()),
                                  static_cast<ONNXTensorElementDataType>(tensor.data_type()))});
  }
  return tensors;
}

void DataTensors::lend_to(Ort::SessionOptions& options) const {
  for (const Lent& lent : lent_) options.AddInitializer(lent.name.c_str(), lent.value);
}

void DataTensors::forget() const {
  for (const auto& [name, file] : files_) file->forget();
}

}  // namespace hearth::runtime
