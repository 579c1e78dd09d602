// Opening an ONNX Runtime session: options, execution providers with fallback, and the one place
// where its exceptions become Results.
#pragma once

#include <onnxruntime_cxx_api.h>

#include <filesystem>
#include <memory>
#include <new>
#include <string>
#include <string_view>

#include "base/result.h"
#include "runtime/data_tensors.h"
#include "runtime/stock_executor.h"

namespace hearth::runtime {

/// Runs `body`, which returns a Result, and turns what ONNX Runtime throws into errors beginning
/// with `doing`.
template <class Body>
auto guard_ort(const std::string& doing, const Body& body) -> decltype(body()) {
  try {
    return body();
  } catch (const Ort::Exception& error) {
    return fail(ErrorCode::kInternal, doing + ": ONNX Runtime: " + error.what());
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::kResourceExhausted, doing + ": out of memory");
  }
}

/// A session and what it runs on. The environment must outlive the session, so both are kept
/// together.
struct OrtSession {
  std::shared_ptr<Ort::Env> environment;
  Ort::Session session{nullptr};
  ExecutionReport report;
};

/// Tries the planned providers; one that cannot start is reported and left out, the CPU is always
/// there.
Result<OrtSession> open_ort_session(const std::filesystem::path& model_file,
                                    const SessionOptions& options);

/// A session of a model in memory on the CPU, with operators of ours. It borrows `tensors`; data
/// files of others are looked up in `folder`. Nodes run one after the other, on `threads` threads;
/// memory patterns are off and the arena grows by what is asked for, because every step has other
/// shapes.
Result<OrtSession> open_ragged_session(std::string_view model, const std::filesystem::path& folder,
                                       const DataTensors& tensors,
                                       const Ort::CustomOpDomain& operators, int threads,
                                       const SessionOptions& options);

/// A session of a float model in memory on the CPU, its data files in `folder`, for reading values
/// inside it: nothing is fused and no weight is packed, so weights stay where they are mapped.
Result<OrtSession> open_observed_session(std::string_view model,
                                         const std::filesystem::path& folder, int threads);

/// The first planned provider that can really run a graph here, tried with a graph of one node;
/// messages say why those before it cannot.
Result<ExecutionReport> probe_execution_providers(const SessionOptions& options);

}  // namespace hearth::runtime
