// Which executor runs a model: the accelerated one where graph, devices and options allow it, the
// stock one otherwise, with the reason.
#pragma once

#include <memory>

#include "base/result.h"
#include "engine/executor.h"
#include "runtime/model_folder.h"
#include "runtime/stock_executor.h"

namespace hearth::runtime {

struct OpenedExecutor {
  std::unique_ptr<engine::Executor> executor;
  ExecutionReport report;
};

/// Loads the model as options.executor says. With kAuto, whatever keeps the accelerated executor
/// from loading becomes report.why_stock, and the stock one runs; with kAccelerated it is the
/// error.
Result<OpenedExecutor> open_executor(const ModelFolder& model, const SessionOptions& options);

/// What open_executor() would say, found out without reading weights or making a session of them.
Result<ExecutionReport> plan_executor(const ModelFolder& model, const SessionOptions& options);

}  // namespace hearth::runtime
