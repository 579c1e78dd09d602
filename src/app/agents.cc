#include "app/agents.h"

#include <array>
#include <string>
#include <vector>

#include "app/settings/names.h"

namespace hearth::app {
namespace {

// Sampling follows the kind of work: code 0.2-0.4 / 0.9, refactoring 0.3-0.5 / 0.9, documentation
// 0.5-0.7 / 0.95, brainstorming 0.7-0.9 / 0.95, maths and logic 0.1-0.2 / 0.8.
constexpr std::array<Agent, 9> kAgents = {{
    {"architect", "designs systems before they are built",
     "You are a software architect. Name the parts, what each is responsible for and how they talk "
     "to each other. Give the reasons for each decision and what was decided against.",
     0.4, 0.9},
    {"brainstormer", "collects ideas",
     "You collect ideas. Give many different ones, each in one or two sentences, and leave judging "
     "them for later.",
     0.8, 0.95},
    {"coder", "writes code",
     "You are a programmer. Write complete, correct code that handles bad input and edge cases. "
     "Show the code first and explain only what is not plain from it.",
     0.3, 0.9},
    {"documenter", "writes documentation",
     "You write documentation. Say what a thing is for, how to use it with an example, and what "
     "can go wrong. Use short sentences and plain words.",
     0.6, 0.95},
    {"mathematician", "solves problems of maths and logic",
     "You solve problems of mathematics and logic. Work step by step, check the result, and give "
     "it alone on the last line.",
     0.1, 0.8},
    {"refactorer", "improves code without changing what it does",
     "You improve existing code without changing what it does. Keep its interface, make small "
     "steps, and say what each one makes better.",
     0.4, 0.9},
    {"researcher", "finds out and sums up",
     "You research a question. Give what is known, keep facts and guesses apart, and say what you "
     "are not sure of.",
     0.5, 0.95},
    {"reviewer", "finds faults in code",
     "You review code. List the faults you find, the worst first, each with its place, what goes "
     "wrong and how to mend it. Say so when there are none.",
     0.2, 0.9},
    {"tester", "writes tests",
     "You write tests. Cover the normal case, the borders and bad input, and make each test fail "
     "when the thing it tests is broken.",
     0.3, 0.9},
}};

}  // namespace

std::span<const Agent> agents() { return kAgents; }

Result<const Agent*> find_agent(std::string_view name) {
  std::vector<std::string_view> names;
  std::string list;
  for (const Agent& agent : kAgents) {
    if (agent.name == name) return &agent;
    names.push_back(agent.name);
    list += (list.empty() ? "" : ", ") + std::string(agent.name);
  }
  return fail(ErrorCode::kInvalidArgument, "--agent \"" + std::string(name) + "\" is not known" +
                                               did_you_mean(name, names) + "; known: " + list);
}

}  // namespace hearth::app
