// Opening an ONNX Runtime session: options, execution providers with fallback, and the one place
// where its exceptions become Results.
#pragma once

#include <onnxruntime_cxx_api.h>

#include <filesystem>
#include <memory>
#include <new>
#include <string>

#include "base/result.h"
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

}  // namespace hearth::runtime
