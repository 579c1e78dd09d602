#include "runtime/tensor_bytes.h"

#include <bit>

#include "onnx/external_data.h"
#include "onnx/tensor_size.h"

namespace hearth::runtime {

static_assert(std::endian::native == std::endian::little, "ONNX stores numbers little-endian");

Result<std::span<const std::uint8_t>> TensorBytes::bytes(const ::onnx::TensorProto& tensor) {
  using Bytes = std::span<const std::uint8_t>;
  HEARTH_TRY(const std::uint64_t wanted, onnx::tensor_bytes(tensor));
  Bytes found;
  if (onnx::is_external(tensor)) {
    HEARTH_TRY(const onnx::TensorLocation place, onnx::tensor_location(tensor));
    auto& file = files_[place.file];
    if (!file) {
      HEARTH_TRY(file, MappedFile::open(folder_ / place.file));
    }
    const std::string_view all = file->bytes();
    if (place.offset > all.size() || place.length > all.size() - place.offset) {
      return fail(ErrorCode::kCorrupt, (folder_ / place.file).string() +
                                           " ends inside the tensor '" + tensor.name() + "'");
    }
    found = Bytes(reinterpret_cast<const std::uint8_t*>(all.data()) + place.offset, place.length);
  } else if (tensor.has_raw_data()) {
    found = Bytes(reinterpret_cast<const std::uint8_t*>(tensor.raw_data().data()),
                  tensor.raw_data().size());
  } else if (tensor.float_data_size() > 0) {
    found = Bytes(reinterpret_cast<const std::uint8_t*>(tensor.float_data().data()),
                  static_cast<std::size_t>(tensor.float_data_size()) * sizeof(float));
  } else {
    return fail(ErrorCode::kUnsupported,
                "the tensor '" + tensor.name() + "' has its data neither raw nor beside the model");
  }
  if (found.size() != wanted) {
    return fail(ErrorCode::kCorrupt, "the tensor '" + tensor.name() + "' has " +
                                         std::to_string(found.size()) + " bytes, " +
                                         std::to_string(wanted) + " were expected");
  }
  return found;
}

Result<std::span<const float>> TensorBytes::floats(const ::onnx::TensorProto& tensor) {
  HEARTH_TRY(const auto raw, bytes(tensor));
  if (tensor.data_type() != ::onnx::TensorProto::FLOAT ||
      reinterpret_cast<std::uintptr_t>(raw.data()) % alignof(float) != 0) {
    return fail(ErrorCode::kUnsupported,
                "the tensor '" + tensor.name() + "' is not float32 at a multiple of four bytes");
  }
  return std::span<const float>(reinterpret_cast<const float*>(raw.data()),
                                raw.size() / sizeof(float));
}

}  // namespace hearth::runtime
