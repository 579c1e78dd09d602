// The agents against the sampling that the specification gives for each kind of work.
#include "app/agents.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>

namespace hearth::app {
namespace {

struct Range {
  double low;
  double high;
  double top_p;
};

TEST(Agents, SampleAsTheirKindOfWorkAsks) {
  const Range code{0.2, 0.4, 0.9};
  const std::map<std::string, Range> expected = {
      {"coder", code},
      {"reviewer", code},
      {"tester", code},
      {"architect", code},
      {"refactorer", {0.3, 0.5, 0.9}},
      {"documenter", {0.5, 0.7, 0.95}},
      {"researcher", {0.5, 0.7, 0.95}},
      {"brainstormer", {0.7, 0.9, 0.95}},
      {"mathematician", {0.1, 0.2, 0.8}},
  };
  for (const auto& [name, range] : expected) {
    const auto agent = find_agent(name);
    ASSERT_TRUE(agent) << name;
    EXPECT_GE((*agent)->temperature, range.low) << name;
    EXPECT_LE((*agent)->temperature, range.high) << name;
    EXPECT_DOUBLE_EQ((*agent)->top_p, range.top_p) << name;
  }
  EXPECT_EQ(agents().size(), expected.size());
}

TEST(Agents, AreSortedAndSaySomething) {
  EXPECT_TRUE(std::is_sorted(agents().begin(), agents().end(),
                             [](const Agent& a, const Agent& b) { return a.name < b.name; }));
  for (const Agent& agent : agents()) {
    EXPECT_GT(agent.system_prompt.size(), 40U) << agent.name;
    EXPECT_FALSE(agent.purpose.empty()) << agent.name;
  }
}

TEST(Agents, AnUnknownOneIsRefusedWithTheList) {
  const auto agent = find_agent("codre");
  ASSERT_FALSE(agent);
  EXPECT_EQ(agent.error().code, ErrorCode::kInvalidArgument);
  for (const char* part : {"codre", "did you mean coder?", "reviewer", "tester"}) {
    EXPECT_NE(agent.error().message.find(part), std::string::npos) << part;
  }
  EXPECT_FALSE(find_agent(""));
}

}  // namespace
}  // namespace hearth::app
