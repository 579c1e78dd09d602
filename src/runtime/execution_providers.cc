#include "runtime/execution_providers.h"

#include <onnxruntime_cxx_api.h>

#include <algorithm>
#include <string_view>

namespace hearth::runtime {
namespace {

struct KnownProvider {
  std::string_view name;       // as users write it
  std::string_view onnx_name;  // as ONNX Runtime lists it
};

// In the order of detection. TensorRT compiles engines for minutes on first use, so it is never
// chosen unasked: it stands after the CPU.
constexpr KnownProvider kKnown[] = {
    {"cuda", "CUDAExecutionProvider"},     {"dml", "DmlExecutionProvider"},
    {"coreml", "CoreMLExecutionProvider"}, {"webgpu", "WebGpuExecutionProvider"},
    {"cpu", "CPUExecutionProvider"},       {"tensorrt", "TensorrtExecutionProvider"},
};

bool contains(const std::vector<std::string>& list, std::string_view name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

std::vector<std::string> detected(const std::vector<std::string>& available) {
  std::vector<std::string> names;
  for (const KnownProvider& known : kKnown) {
    if (known.name == "cpu") break;
    if (contains(available, known.name)) names.emplace_back(known.name);
  }
  return names;
}

}  // namespace

const std::vector<std::string>& known_execution_providers() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> made;
    for (const KnownProvider& known : kKnown) made.emplace_back(known.name);
    return made;
  }();
  return names;
}

std::vector<std::string> available_execution_providers() {
  const std::vector<std::string> offered = Ort::GetAvailableProviders();
  std::vector<std::string> names;
  for (const KnownProvider& known : kKnown) {
    if (contains(offered, known.onnx_name)) names.emplace_back(known.name);
  }
  return names;
}

std::string onnx_runtime_version() { return OrtGetApiBase()->GetVersionString(); }

Result<ExecutionProviderPlan> plan_execution_providers(const ExecutionProviderChoice& choice,
                                                       const std::vector<std::string>& available) {
  for (const std::string& name : choice.names) {
    if (!contains(known_execution_providers(), name)) {
      return fail(ErrorCode::kInvalidArgument, "execution provider \"" + name +
                                                   "\" is not known; expected some of " +
                                                   joined(known_execution_providers()));
    }
  }
  ExecutionProviderPlan plan;
  const bool asked = !choice.names.empty();
  for (const std::string& name : asked ? choice.names : detected(available)) {
    if (name == "cpu") break;  // ONNX Runtime's CPU provider takes every node: nothing comes after
    if (!choice.gpu_acceleration) {
      if (asked) plan.messages.push_back(name + ": left out because gpuAcceleration is false");
    } else if (!contains(available, name)) {
      plan.messages.push_back(name + ": this ONNX Runtime (" + onnx_runtime_version() +
                              ") was built without it; it offers " + joined(available));
    } else if (!contains(plan.names, name)) {
      plan.names.push_back(name);
    }
  }
  plan.names.emplace_back("cpu");
  return plan;
}

}  // namespace hearth::runtime
