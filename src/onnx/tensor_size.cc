// Element sizes of ONNX types and overflow-checked tensor sizes.
#include "onnx/tensor_size.h"

namespace hearth::onnx {

using ::onnx::TensorProto;

std::optional<int> element_bits(std::int32_t data_type) {
  switch (data_type) {
    case TensorProto::FLOAT:
    case TensorProto::INT32:
    case TensorProto::UINT32:
      return 32;
    case TensorProto::UINT8:
    case TensorProto::INT8:
    case TensorProto::BOOL:
    case kFloat8E4M3Fn:
    case kFloat8E4M3Fnuz:
    case kFloat8E5M2:
    case kFloat8E5M2Fnuz:
    case kFloat8E8M0:
      return 8;
    case TensorProto::UINT16:
    case TensorProto::INT16:
    case TensorProto::FLOAT16:
    case TensorProto::BFLOAT16:
      return 16;
    case TensorProto::INT64:
    case TensorProto::UINT64:
    case TensorProto::DOUBLE:
    case TensorProto::COMPLEX64:
      return 64;
    case TensorProto::COMPLEX128:
      return 128;
    case kUint4:
    case kInt4:
    case kFloat4E2M1:
      return 4;
    case kUint2:
    case kInt2:
      return 2;
    default:
      return std::nullopt;
  }
}

std::string element_type_name(std::int32_t data_type) {
  switch (data_type) {
    case TensorProto::FLOAT:
      return "float32";
    case TensorProto::UINT8:
      return "uint8";
    case TensorProto::INT8:
      return "int8";
    case TensorProto::UINT16:
      return "uint16";
    case TensorProto::INT16:
      return "int16";
    case TensorProto::INT32:
      return "int32";
    case TensorProto::INT64:
      return "int64";
    case TensorProto::STRING:
      return "string";
    case TensorProto::BOOL:
      return "bool";
    case TensorProto::FLOAT16:
      return "float16";
    case TensorProto::DOUBLE:
      return "float64";
    case TensorProto::UINT32:
      return "uint32";
    case TensorProto::UINT64:
      return "uint64";
    case TensorProto::COMPLEX64:
      return "complex64";
    case TensorProto::COMPLEX128:
      return "complex128";
    case TensorProto::BFLOAT16:
      return "bfloat16";
    case kFloat8E4M3Fn:
      return "float8e4m3fn";
    case kFloat8E4M3Fnuz:
      return "float8e4m3fnuz";
    case kFloat8E5M2:
      return "float8e5m2";
    case kFloat8E5M2Fnuz:
      return "float8e5m2fnuz";
    case kFloat8E8M0:
      return "float8e8m0";
    case kUint4:
      return "uint4";
    case kInt4:
      return "int4";
    case kFloat4E2M1:
      return "float4e2m1";
    case kUint2:
      return "uint2";
    case kInt2:
      return "int2";
    default:
      return "type " + std::to_string(data_type);
  }
}

Result<std::uint64_t> element_count(const TensorProto& tensor) {
  constexpr std::uint64_t kCountMax = std::uint64_t{1} << 63;
  std::uint64_t count = 1;
  bool empty = false;
  for (const std::int64_t dim : tensor.dims()) {
    if (dim < 0) {
      return fail(ErrorCode::kCorrupt, "tensor '" + tensor.name() +
                                           "' has the negative dimension " + std::to_string(dim));
    }
    if (dim == 0) {
      empty = true;
      continue;
    }
    if (count > kCountMax / static_cast<std::uint64_t>(dim)) {
      return fail(ErrorCode::kCorrupt,
                  "tensor '" + tensor.name() + "' has dimensions whose product exceeds 2^63");
    }
    count *= static_cast<std::uint64_t>(dim);
  }
  return empty ? 0 : count;
}

Result<std::uint64_t> tensor_bytes(const TensorProto& tensor) {
  const auto bits = element_bits(tensor.data_type());
  if (!bits) {
    return fail(ErrorCode::kCorrupt, "tensor '" + tensor.name() + "' has element " +
                                         element_type_name(tensor.data_type()) +
                                         ", whose size is not known");
  }
  HEARTH_TRY(const std::uint64_t count, element_count(tensor));
  if (count > (std::uint64_t{1} << 63) / static_cast<std::uint64_t>(*bits)) {
    return fail(ErrorCode::kCorrupt, "tensor '" + tensor.name() + "' is larger than 2^60 bytes");
  }
  return (count * static_cast<std::uint64_t>(*bits) + 7) / 8;
}

}  // namespace hearth::onnx
