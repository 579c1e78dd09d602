#include "runtime/ort_session.h"

#include <dlfcn.h>
#include <onnxruntime_session_options_config_keys.h>

#include <cstdlib>
#include <mutex>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/log.h"

namespace hearth::runtime {
namespace {

/// ONNX Runtime's own messages. What matters reaches the user as an exception, so these are for
/// debugging.
void ORT_API_CALL log_message(void*, OrtLoggingLevel, const char*, const char*, const char*,
                              const char* message) {
  log::debug(std::string("onnxruntime: ") + message);
}

/// From 1.30 on the library's builds for Linux, too, keep a device id and what was run in the
/// user's cache folder and send it out. Asked through its interface it stops only after the
/// environment has begun with that; this it reads before.
void refuse_telemetry() {
  ::setenv("ORT_DISABLE_TELEMETRY", "1", 1);  // NOLINT(concurrency-mt-unsafe): see the caller
}

/// One environment per process, made on first use and gone with its last session. The first use is
/// the start of the first model, before threads of ours read variables.
std::shared_ptr<Ort::Env> shared_environment() {
  static std::mutex mutex;
  static std::weak_ptr<Ort::Env> current;
  const std::lock_guard lock(mutex);
  if (auto existing = current.lock()) return existing;
  refuse_telemetry();
  auto made = std::make_shared<Ort::Env>(ORT_LOGGING_LEVEL_WARNING, "hearth", log_message, nullptr);
  made->DisableTelemetryEvents();
  // For sessions that ask for the environment's allocators. 1 is kSameAsRequested: an arena that
  // doubles would keep the largest prompt's memory twice.
  const Ort::ArenaCfg arena(0, 1, -1, -1);
  made->CreateAndRegisterAllocator(Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault),
                                   arena);
  current = made;
  return made;
}

::GraphOptimizationLevel level(GraphOptimization value) {
  switch (value) {
    case GraphOptimization::kDisabled:
      return ORT_DISABLE_ALL;
    case GraphOptimization::kBasic:
      return ORT_ENABLE_BASIC;
    case GraphOptimization::kExtended:
      return ORT_ENABLE_EXTENDED;
    case GraphOptimization::kAll:
      break;
  }
  return ORT_ENABLE_ALL;
}

Ort::SessionOptions base_options(const SessionOptions& options) {
  Ort::SessionOptions made;
  if (!options.enable_mem_pattern) made.DisableMemPattern();
  if (!options.enable_cpu_mem_arena) made.DisableCpuMemArena();
  made.SetGraphOptimizationLevel(level(options.graph_optimization_level));
  if (options.intra_op_num_threads > 0) {
    made.SetIntraOpNumThreads(static_cast<int>(options.intra_op_num_threads));
  }
  if (options.inter_op_num_threads > 0) {
    made.SetInterOpNumThreads(static_cast<int>(options.inter_op_num_threads));
    made.SetExecutionMode(options.inter_op_num_threads > 1 ? ORT_PARALLEL : ORT_SEQUENTIAL);
  }
  // Workers spin inside a step, where they pay, and sleep between steps: no core burns while idle.
  made.AddConfigEntry(kOrtSessionOptionsConfigForceSpinningStop, "1");
  return made;
}

void append_cuda(Ort::SessionOptions& session, const CudaOptions& cuda) {
  const OrtApi& api = Ort::GetApi();
  OrtCUDAProviderOptionsV2* raw = nullptr;
  Ort::ThrowOnError(api.CreateCUDAProviderOptions(&raw));
  const std::unique_ptr<OrtCUDAProviderOptionsV2, decltype(api.ReleaseCUDAProviderOptions)> owned(
      raw, api.ReleaseCUDAProviderOptions);
  const std::string device = std::to_string(cuda.device_id);
  const char* keys[] = {"device_id", "cudnn_conv_algo_search"};
  const char* values[] = {device.c_str(), cuda.cudnn_conv_algo_search.c_str()};
  Ort::ThrowOnError(api.UpdateCUDAProviderOptions(raw, keys, values, 2));
  session.AppendExecutionProvider_CUDA_V2(*raw);
}

void append_tensorrt(Ort::SessionOptions& session, const CudaOptions& cuda) {
  const OrtApi& api = Ort::GetApi();
  OrtTensorRTProviderOptionsV2* raw = nullptr;
  Ort::ThrowOnError(api.CreateTensorRTProviderOptions(&raw));
  const std::unique_ptr<OrtTensorRTProviderOptionsV2, decltype(api.ReleaseTensorRTProviderOptions)>
      owned(raw, api.ReleaseTensorRTProviderOptions);
  const std::string device = std::to_string(cuda.device_id);
  const char* keys[] = {"device_id"};
  const char* values[] = {device.c_str()};
  Ort::ThrowOnError(api.UpdateTensorRTProviderOptions(raw, keys, values, 1));
  session.AppendExecutionProvider_TensorRT_V2(*raw);
}

/// WebGPU stands on Vulkan here; without its loader, ONNX Runtime's library complains on standard
/// error by itself.
void require_vulkan_loader() {
#ifdef __linux__
  void* loader = ::dlopen("libvulkan.so.1", RTLD_LAZY | RTLD_LOCAL);
  if (loader == nullptr) {
    throw Ort::Exception("libvulkan.so.1, Vulkan's loader, is not installed", ORT_FAIL);
  }
  ::dlclose(loader);
#endif
}

void append(Ort::SessionOptions& session, const std::string& name, const CudaOptions& cuda) {
  static const std::unordered_map<std::string, std::string> kGenericNames = {
      {"dml", "DML"}, {"coreml", "CoreML"}, {"webgpu", "WebGPU"}};
  if (name == "cuda") return append_cuda(session, cuda);
  if (name == "tensorrt") return append_tensorrt(session, cuda);
  if (name == "webgpu") require_vulkan_loader();
  session.AppendExecutionProvider(kGenericNames.at(name), {});
}

/// ONNX Runtime's messages begin with a place in its source and run over several lines; the reason
/// is what follows the failed condition or the status, up to the end of the line.
std::string reason(const std::string& text) {
  std::size_t begin = 0;
  for (const std::string_view marker : {"was false. ", " : FAIL : "}) {
    const std::size_t found = text.find(marker, begin);
    if (found != std::string::npos) begin = found + marker.size();
  }
  return text.substr(begin, text.find('\n', begin) - begin);
}

/// y = x, as the bytes of a model file: version 7, one Identity node, two scalars of float32.
std::string identity_model() {
  const auto field = [](int number, const std::string& content) {
    return std::string{static_cast<char>(number << 3 | 2), static_cast<char>(content.size())} +
           content;
  };
  const std::string type = field(2, field(1, std::string("\x08\x01\x12\x00", 4)));
  const std::string node = field(1, "x") + field(2, "y") + field(4, "Identity");
  const std::string graph = field(1, node) + field(2, "g") + field(11, field(1, "x") + type) +
                            field(12, field(1, "y") + type);
  return std::string("\x08\x07", 2) + field(7, graph) + field(8, std::string("\x10\x0e", 2));
}

}  // namespace

Result<ExecutionReport> probe_execution_providers(const SessionOptions& options) {
  return guard_ort("trying the execution providers", [&]() -> Result<ExecutionReport> {
    HEARTH_TRY(
        ExecutionProviderPlan plan,
        plan_execution_providers(options.execution_providers, available_execution_providers()));
    ExecutionReport report;
    report.messages = std::move(plan.messages);
    const std::string model = identity_model();
    for (const std::string& name : plan.names) {
      report.providers = {name};
      if (name == "cpu") return report;  // it is always there, and always last
      try {
        // First: the library reads settings and opens its log at its first call.
        const auto environment = shared_environment();
        Ort::SessionOptions session_options = base_options(options);
        append(session_options, name, options.execution_providers.cuda);
        const Ort::Session session(*environment, model.data(), model.size(), session_options);
        return report;
      } catch (const Ort::Exception& error) {
        report.messages.push_back(name + ": " + reason(error.what()));
      }
    }
    return fail(ErrorCode::kInternal, "no execution provider was planned");
  });
}

Result<OrtSession> open_ragged_session(std::string_view model, const std::filesystem::path& folder,
                                       const DataTensors& tensors,
                                       const Ort::CustomOpDomain& operators, int threads,
                                       const SessionOptions& options) {
  return guard_ort("loading the rewritten graph", [&]() -> Result<OrtSession> {
    OrtSession opened;
    opened.environment = shared_environment();
    SessionOptions sequential = options;
    sequential.enable_mem_pattern = false;
    sequential.intra_op_num_threads = threads;
    sequential.inter_op_num_threads = 0;
    Ort::SessionOptions session_options = base_options(sequential);
    session_options.SetExecutionMode(ORT_SEQUENTIAL);
    session_options.AddConfigEntry(kOrtSessionOptionsModelExternalInitializersFileFolderPath,
                                   folder.c_str());
    tensors.lend_to(session_options);
    if (options.enable_cpu_mem_arena) {
      session_options.AddConfigEntry(kOrtSessionOptionsConfigUseEnvAllocators, "1");
    }
    session_options.Add(
        const_cast<OrtCustomOpDomain*>(static_cast<const OrtCustomOpDomain*>(operators)));
    opened.session = Ort::Session(*opened.environment, model.data(), model.size(), session_options);
    opened.report.providers = {"cpu"};
    return opened;
  });
}

Result<OrtSession> open_observed_session(std::string_view model,
                                         const std::filesystem::path& folder, int threads) {
  return guard_ort("loading the graph for calibration", [&]() -> Result<OrtSession> {
    OrtSession opened;
    opened.environment = shared_environment();
    SessionOptions options;
    options.intra_op_num_threads = threads;
    options.graph_optimization_level = GraphOptimization::kDisabled;
    Ort::SessionOptions session_options = base_options(options);
    session_options.AddConfigEntry(kOrtSessionOptionsModelExternalInitializersFileFolderPath,
                                   folder.c_str());
    session_options.AddConfigEntry(kOrtSessionOptionsConfigDisablePrepacking, "1");
    opened.session = Ort::Session(*opened.environment, model.data(), model.size(), session_options);
    opened.report.providers = {"cpu"};
    return opened;
  });
}

Result<OrtSession> open_ort_session(const std::filesystem::path& model_file,
                                    const SessionOptions& options) {
  return guard_ort("loading " + model_file.string(), [&]() -> Result<OrtSession> {
    HEARTH_TRY(
        ExecutionProviderPlan plan,
        plan_execution_providers(options.execution_providers, available_execution_providers()));
    OrtSession opened;
    opened.environment = shared_environment();
    opened.report.messages = std::move(plan.messages);
    // Each accelerator is tried alone with the CPU behind it, so that one that fails only when the
    // session is made costs no other its chance.
    for (const std::string& name : plan.names) {
      try {
        Ort::SessionOptions session_options = base_options(options);
        if (name != "cpu") append(session_options, name, options.execution_providers.cuda);
        opened.session = Ort::Session(*opened.environment, model_file.c_str(), session_options);
        opened.report.providers = {name};
        if (name != "cpu") opened.report.providers.emplace_back("cpu");
        return opened;
      } catch (const Ort::Exception& error) {
        if (name == "cpu") throw;
        opened.report.messages.push_back(name + ": " + reason(error.what()));
      }
    }
    return fail(ErrorCode::kInternal, "no execution provider was planned");
  });
}

}  // namespace hearth::runtime
