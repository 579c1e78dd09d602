#include "runtime/open_executor.h"

#include <utility>

#include "runtime/accelerated_executor.h"
#include "runtime/ort_session.h"

namespace hearth::runtime {
namespace {

Result<OpenedExecutor> open_stock(const ModelFolder& model, const SessionOptions& options,
                                  std::string why) {
  HEARTH_TRY(auto executor, StockExecutor::load(model, options));
  ExecutionReport report = executor->report();
  report.why_stock = std::move(why);
  return OpenedExecutor{std::move(executor), std::move(report)};
}

/// The providers that run here; kUnsupported when the first of them is not the CPU.
Result<ExecutionReport> require_cpu(const SessionOptions& options) {
  HEARTH_TRY(ExecutionReport probed, probe_execution_providers(options));
  if (probed.providers.front() == "cpu") return probed;
  return fail(ErrorCode::kUnsupported, "the execution provider " + probed.providers.front() +
                                           " runs the model; the accelerated executor is for the "
                                           "CPU");
}

Result<OpenedExecutor> open_accelerated(const ModelFolder& model, const SessionOptions& options) {
  HEARTH_TRY(ExecutionReport probed, require_cpu(options));
  HEARTH_TRY(auto executor, AcceleratedExecutor::load(model, options));
  ExecutionReport report = executor->report();
  report.messages = std::move(probed.messages);
  return OpenedExecutor{std::move(executor), std::move(report)};
}

}  // namespace

Result<OpenedExecutor> open_executor(const ModelFolder& model, const SessionOptions& options) {
  if (options.executor == ExecutorChoice::kStock) return open_stock(model, options, "");
  auto accelerated = open_accelerated(model, options);
  if (accelerated) return accelerated;
  if (options.executor == ExecutorChoice::kAccelerated) {
    return fail_within("the accelerated executor cannot run " + model.name, accelerated.error());
  }
  // The stock executor would run what is damaged, too.
  if (accelerated.error().code == ErrorCode::kCorrupt) {
    return tl::unexpected<Error>(accelerated.error());
  }
  return open_stock(model, options, accelerated.error().message);
}

Result<ExecutionReport> plan_executor(const ModelFolder& model, const SessionOptions& options) {
  ExecutionReport stock;
  if (options.executor == ExecutorChoice::kStock) return stock;
  auto planned = require_cpu(options).and_then(
      [&](const ExecutionReport&) { return AcceleratedExecutor::plan(model, options); });
  if (planned || options.executor == ExecutorChoice::kAccelerated) return planned;
  stock.why_stock = planned.error().message;
  return stock;
}

}  // namespace hearth::runtime
