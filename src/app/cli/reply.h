// How a reply is written: the object of --json, the lines of tool calls, the summary line.
#pragma once

#include <string>

#include "base/json_reader.h"
#include "protocol/chat.h"
#include "provider/local_provider.h"

namespace hearth::app {

/// {text, tool_calls, stop_reason, model, provider, usage, timings, memory_bytes,
/// execution_providers, executor, cost_usd, context}, in this order; docs/cli.md describes each.
OrderedJson reply_json(const provider::ChatReply& reply);

/// {"name": ..., "arguments": {...}} on one line, without a line break.
std::string tool_call_line(const protocol::ToolCall& call);

/// Executor, instruction set, recipe, and why not the accelerated one.
OrderedJson executor_json(const runtime::ExecutionReport& report);

/// "accelerated executor (amx, exact, bf16 cache)", "stock executor".
std::string executor_in_words(const runtime::ExecutionReport& report);

/// What logPerformance shows: tokens, times, speed, memory.
std::string performance_line(const provider::ChatReply& reply);

/// JSON text in UTF-8; bytes that are not UTF-8 become U+FFFD.
std::string dump(const OrderedJson& value, int indent = -1);

}  // namespace hearth::app
