// Turns a float16 graph into one of float32: every value, tensor and cast.
#pragma once

#include <onnx/onnx_pb.h>

namespace hearth::onnx {

/// All float16 in `model` becomes float32: types of inputs, outputs and values, targets of casts,
/// and tensors stored in the model file. External tensors become float32 in type only; their places
/// must be given anew by whoever copies their bytes. Exact: every float16 is a float32.
void widen_halves(::onnx::ModelProto& model);

}  // namespace hearth::onnx
