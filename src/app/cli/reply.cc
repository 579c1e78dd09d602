#include "app/cli/reply.h"

#include <fmt/format.h>

#include "app/cli/command.h"

namespace hearth::app {
namespace {

OrderedJson tool_call_json(const protocol::ToolCall& call) {
  return {{"name", call.name}, {"arguments", call.arguments}};
}

}  // namespace

std::string dump(const OrderedJson& value, int indent) {
  return value.dump(indent, ' ', false, OrderedJson::error_handler_t::replace);
}

OrderedJson executor_json(const runtime::ExecutionReport& report) {
  OrderedJson made = {{"name", report.executor}};
  if (!report.isa.empty()) made["isa"] = report.isa;
  if (!report.recipe.empty()) made["recipe"] = report.recipe;
  if (!report.kv_cache.empty()) made["kv_cache"] = report.kv_cache;
  if (!report.why_stock.empty()) made["why_stock"] = report.why_stock;
  return made;
}

OrderedJson reply_json(const provider::ChatReply& reply) {
  OrderedJson calls = OrderedJson::array();
  for (const protocol::ToolCall& call : reply.tool_calls) calls.push_back(tool_call_json(call));
  return {
      {"text", reply.text},
      {"tool_calls", std::move(calls)},
      {"stop_reason", protocol::stop_reason_name(reply.stop_reason)},
      {"model", reply.model},
      {"provider", "onnx"},
      {"usage",
       {{"input_tokens", reply.usage.input_tokens},
        {"output_tokens", reply.usage.output_tokens},
        {"cached_tokens", reply.usage.cached_tokens}}},
      {"timings",
       {{"load_ms", reply.timings.load_ms},
        {"ttft_ms", reply.timings.ttft_ms},
        {"prefill_tokens_per_s", reply.timings.prefill_tokens_per_s},
        {"decode_tokens_per_s", reply.timings.decode_tokens_per_s},
        {"ms_per_token", reply.timings.ms_per_token}}},
      {"memory_bytes", reply.memory_bytes},
      {"execution_providers", reply.execution_providers},
      {"executor", executor_json(reply.execution)},
      {"cost_usd", 0},
      {"context",
       {{"dropped_messages", reply.context.messages},
        {"dropped_tokens", reply.context.tokens},
        {"recomputed_tokens", reply.recomputed_tokens}}},
  };
}

std::string tool_call_line(const protocol::ToolCall& call) { return dump(tool_call_json(call)); }

std::string executor_in_words(const runtime::ExecutionReport& report) {
  std::string words = report.executor + " executor";
  if (!report.isa.empty()) {
    words += fmt::format(" ({}, {}, {} cache)", report.isa, report.recipe, report.kv_cache);
  }
  return words;
}

std::string performance_line(const provider::ChatReply& reply) {
  return fmt::format(
      "hearth: {} tokens in, {} out; load {:.0f} ms, first token {:.0f} ms, prompt {:.1f} "
      "tokens/s, "
      "answer {:.1f} tokens/s ({:.1f} ms each); memory {}; {}, {}\n",
      reply.usage.input_tokens, reply.usage.output_tokens, reply.timings.load_ms,
      reply.timings.ttft_ms, reply.timings.prefill_tokens_per_s, reply.timings.decode_tokens_per_s,
      reply.timings.ms_per_token, size_in_words(reply.memory_bytes),
      fmt::join(reply.execution_providers, ", "), executor_in_words(reply.execution));
}

}  // namespace hearth::app
