// How many bytes a tensor takes, from its element type and dimensions.
#pragma once

#include <onnx/onnx_pb.h>

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"

namespace hearth::onnx {

/// Element types newer than the installed onnx headers know; the numbers are those of onnx.proto.
enum NewerDataType : std::int32_t {
  kFloat8E4M3Fn = 17,
  kFloat8E4M3Fnuz = 18,
  kFloat8E5M2 = 19,
  kFloat8E5M2Fnuz = 20,
  kUint4 = 21,
  kInt4 = 22,
  kFloat4E2M1 = 23,
  kFloat8E8M0 = 24,
  kUint2 = 25,
  kInt2 = 26,
};

/// Bits of one element (4-bit types are packed two to a byte); nothing for strings and for numbers
/// that name no type.
std::optional<int> element_bits(std::int32_t data_type);

/// "float32", "uint8", ...; "type 99" for a number that names none.
std::string element_type_name(std::int32_t data_type);

/// Product of the dimensions; kCorrupt when one is negative or the product exceeds 2^63.
Result<std::uint64_t> element_count(const ::onnx::TensorProto& tensor);

/// Bytes of the tensor's data, the last byte of packed types rounded up. kCorrupt for unknown
/// types and for sizes beyond 2^60.
Result<std::uint64_t> tensor_bytes(const ::onnx::TensorProto& tensor);

}  // namespace hearth::onnx
