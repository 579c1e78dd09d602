// The object of --json: its keys and their order are a promise to scripts.
#include "app/cli/reply.h"

#include <gtest/gtest.h>

namespace hearth::app {
namespace {

std::vector<std::string> keys(const OrderedJson& object) {
  std::vector<std::string> names;
  for (const auto& [name, value] : object.items()) names.push_back(name);
  return names;
}

provider::ChatReply reply_with_call() {
  provider::ChatReply reply;
  reply.text = "Let me look.";
  reply.tool_calls.push_back({"", "weather", {{"city", "Oslo"}, {"days", 2}}});
  reply.stop_reason = protocol::StopReason::kToolCalls;
  reply.model = "ember/int4";
  reply.usage = {11, 7, 0};
  reply.context = {2, 30};
  reply.execution_providers = {"cpu"};
  return reply;
}

TEST(ReplyJson, HasTheDocumentedKeysInOrder) {
  using Keys = std::vector<std::string>;
  const OrderedJson json = reply_json(reply_with_call());
  EXPECT_EQ(keys(json),
            (Keys{"text", "tool_calls", "stop_reason", "model", "provider", "usage", "timings",
                  "memory_bytes", "execution_providers", "executor", "cost_usd", "context"}));
  EXPECT_EQ(keys(json["usage"]), (Keys{"input_tokens", "output_tokens", "cached_tokens"}));
  EXPECT_EQ(keys(json["timings"]), (Keys{"load_ms", "ttft_ms", "prefill_tokens_per_s",
                                         "decode_tokens_per_s", "ms_per_token"}));
  EXPECT_EQ(keys(json["context"]),
            (Keys{"dropped_messages", "dropped_tokens", "recomputed_tokens"}));
  EXPECT_EQ(keys(json["tool_calls"][0]), (Keys{"name", "arguments"}));
}

TEST(ReplyJson, HasTheValues) {
  const OrderedJson json = reply_json(reply_with_call());
  EXPECT_EQ(json["text"], "Let me look.");
  EXPECT_EQ(json["stop_reason"], "tool_calls");
  EXPECT_EQ(json["provider"], "onnx");
  EXPECT_EQ(json["cost_usd"], 0);
  EXPECT_EQ(json["usage"]["input_tokens"], 11);
  EXPECT_EQ(json["context"]["dropped_messages"], 2);
  EXPECT_EQ(json["context"]["dropped_tokens"], 30);
  EXPECT_EQ(json["execution_providers"], OrderedJson::array({"cpu"}));
  EXPECT_EQ(json["tool_calls"][0]["arguments"]["city"], "Oslo");
  EXPECT_EQ(json["executor"], (OrderedJson{{"name", "stock"}}));
  EXPECT_TRUE(reply_json({})["tool_calls"].is_array());
  EXPECT_TRUE(reply_json({})["execution_providers"].is_array());
}

TEST(ReplyJson, TellsWhatTheAcceleratedExecutorUsedOrWhyItDidNotRun) {
  provider::ChatReply reply = reply_with_call();
  reply.execution.executor = "accelerated";
  reply.execution.isa = "avx2";
  reply.execution.recipe = "exact";
  reply.execution.kv_cache = "int8";
  EXPECT_EQ(
      reply_json(reply)["executor"],
      (OrderedJson{
          {"name", "accelerated"}, {"isa", "avx2"}, {"recipe", "exact"}, {"kv_cache", "int8"}}));
  EXPECT_EQ(executor_in_words(reply.execution), "accelerated executor (avx2, exact, int8 cache)");
  reply.execution = {};
  reply.execution.why_stock = "node 'x' (Conv) is not known";
  EXPECT_EQ(reply_json(reply)["executor"]["why_stock"], "node 'x' (Conv) is not known");
}

TEST(ToolCallLine, IsOneLineAndKeepsTheOrderOfArguments) {
  const protocol::ToolCall call{"", "f", {{"z", "a\nb"}, {"a", 1}}};
  EXPECT_EQ(tool_call_line(call), R"({"name":"f","arguments":{"z":"a\nb","a":1}})");
}

TEST(Dump, NeverThrowsOnBytesThatAreNotUtf8) {
  EXPECT_EQ(dump(OrderedJson("a\xff")), "\"a\xEF\xBF\xBD\"");
}

}  // namespace
}  // namespace hearth::app
