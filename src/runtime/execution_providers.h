// Which execution providers run a session: the user's list, or what the library really offers, each
// tried in order, with a message for every one that could not be used.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace hearth::runtime {

struct CudaOptions {
  std::int64_t device_id = 0;
  std::string cudnn_conv_algo_search = "EXHAUSTIVE";  ///< EXHAUSTIVE, HEURISTIC or DEFAULT
};

struct ExecutionProviderChoice {
  std::vector<std::string> names;  ///< such as {"cuda", "cpu"}; empty: detect
  bool gpu_acceleration = true;    ///< false drops every provider that is not the CPU
  CudaOptions cuda;
};

/// The names users write, in the order of detection: cuda, dml, coreml, webgpu, cpu; then tensorrt,
/// which is used only when asked for.
const std::vector<std::string>& known_execution_providers();

/// Names from known_execution_providers() that the loaded ONNX Runtime was built with.
std::vector<std::string> available_execution_providers();

/// Version of the loaded ONNX Runtime, such as "1.30.0".
std::string onnx_runtime_version();

/// The providers to try, in order, "cpu" always last and always there; unknown names are
/// kInvalidArgument, ones that the library lacks become lines of `messages`. Pure.
struct ExecutionProviderPlan {
  std::vector<std::string> names;
  std::vector<std::string> messages;
};
Result<ExecutionProviderPlan> plan_execution_providers(const ExecutionProviderChoice& choice,
                                                       const std::vector<std::string>& available);

}  // namespace hearth::runtime
