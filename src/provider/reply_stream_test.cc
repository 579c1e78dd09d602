#include "provider/reply_stream.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace hearth::provider {
namespace {

struct Gated {
  std::string shown;
  std::string held;
};

Gated pass(const std::string& reply, std::size_t piece_bytes) {
  ToolCallGate gate;
  Gated result;
  for (std::size_t i = 0; i < reply.size(); i += piece_bytes) {
    result.shown += gate.push(std::string_view(reply).substr(i, piece_bytes));
  }
  result.held = gate.take_held();
  return result;
}

TEST(ToolCallGate, HoldsEveryWayACallBegins) {
  for (const std::string call :
       {"<|tool_call|>[{\"name\": \"read\"}]<|/tool_call|>", "[{\"name\": \"read\"}]",
        "{\"name\": \"read\"}", "[ {\n \"arguments\": {}}]", "functools[{\"name\": \"x\"}]",
        "{\"type\": \"function\"}", "<tool_call>{}", "{\"parameters\": {}}"}) {
    for (const std::size_t piece : {std::size_t{1}, std::size_t{3}, std::size_t{1000}}) {
      const Gated gated = pass("Let me look. " + call, piece);
      EXPECT_EQ(gated.shown, "Let me look. ") << call;
      EXPECT_EQ(gated.held, call);
    }
  }
}

TEST(ToolCallGate, LetsEverythingElseThrough) {
  for (const std::string text :
       {"plain words of fun, for free", "int main() { return 0; }", "a[0] < b[1]", "[1, 2, 3]",
        "{\"city\": \"Paris\"}", "[{\"names\": 1}]", "if (a<b) {}", "<|end", "f(x) {\"nam"}) {
    for (const std::size_t piece : {std::size_t{1}, std::size_t{4}, std::size_t{1000}}) {
      const Gated gated = pass(text + " ...", piece);
      EXPECT_EQ(gated.shown + gated.held, text + " ...");
      EXPECT_EQ(gated.held, "") << text;
    }
  }
}

TEST(ToolCallGate, AnUnfinishedBeginningWaits) {
  EXPECT_EQ(pass("see <|tool", 1).held, "<|tool");
  EXPECT_EQ(pass("see [", 1).held, "[");
  EXPECT_EQ(pass("see {\"na", 1).held, "{\"na");
  EXPECT_EQ(pass("of", 1).held, "f");
}

}  // namespace
}  // namespace hearth::provider
