// count_request MODEL_FOLDER [KILOBYTES [THREADS]]: how long counting a whole request takes: its
// JSON read, the template run, the prompt tokenised. Prints medians in milliseconds; fails when a
// count differs between threads.
//
// The request is an agent's: a system prompt, twenty tools, and turns of prose and code.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include "protocol/messages_json.h"
#include "provider/prompt_encoder.h"

namespace hearth {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kRounds = 21;

constexpr const char* kProse =
    "The scheduler keeps one queue for each class of work and looks at all of them once a step. "
    "When a "
    "request has waited longer than its budget allows, it is moved to the front, but never past a "
    "request of the same client. Nothing else changes the order, so two runs with the same input "
    "do "
    "the same things in the same order.\n";

constexpr const char* kCode =
    "```cpp\nfor (std::size_t i = 0; i < rows.size(); ++i) {\n  const auto& row = rows[i];\n  if "
    "(row.length < 16 || !row.valid) continue;\n  total += weights[i] * row.values[row.length - "
    "1];  "
    "// the newest one\n}\n```\n";

OrderedJson message(const char* role, const std::string& content) {
  return {{"role", role}, {"content", content}};
}

std::string request_json(std::size_t bytes) {
  OrderedJson messages = OrderedJson::array();
  messages.push_back(message("system", "You are a careful programmer. Answer briefly."));
  std::size_t written = 0;
  for (int turn = 0; written < bytes; ++turn) {
    std::string content = "Turn " + std::to_string(turn) + ".\n";
    for (int i = 0; i < 8; ++i) content += (turn + i) % 3 == 0 ? kCode : kProse;
    content += std::to_string(turn * 7919);
    written += content.size();
    messages.push_back(message(turn % 2 == 0 ? "user" : "assistant", content));
  }
  OrderedJson tools = OrderedJson::array();
  for (int i = 0; i < 20; ++i) {
    tools.push_back({{"name", "tool_" + std::to_string(i)},
                     {"description", kProse},
                     {"input_schema",
                      {{"type", "object"},
                       {"properties", {{"path", {{"type", "string"}, {"description", "a path"}}}}},
                       {"required", {"path"}}}}});
  }
  return OrderedJson{{"messages", messages}, {"tools", tools}}.dump();
}

/// Median milliseconds of `work`, which returns a Result.
template <class Work>
Result<double> median_ms(const Work& work) {
  std::vector<double> times;
  for (int i = 0; i < kRounds; ++i) {
    const auto start = Clock::now();
    HEARTH_TRY([[maybe_unused]] const auto done, work());
    times.push_back(std::chrono::duration<double, std::milli>(Clock::now() - start).count());
  }
  std::nth_element(times.begin(), times.begin() + kRounds / 2, times.end());
  return times[kRounds / 2];
}

/// Requests a second with several threads counting at once; all must agree.
Result<double> parallel_per_second(const provider::PromptEncoder& prompts,
                                   const protocol::Conversation& request, int threads,
                                   std::int64_t expected) {
  std::atomic<int> wrong{0};
  const auto start = Clock::now();
  {
    std::vector<std::jthread> running;
    for (int i = 0; i < threads; ++i) {
      running.emplace_back([&] {
        for (int round = 0; round < kRounds; ++round) {
          if (prompts.count(request.messages, request.tools).value_or(-1) != expected) ++wrong;
        }
      });
    }
  }
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  if (wrong != 0) return fail(ErrorCode::kInternal, "threads counted differently");
  return threads * kRounds / seconds;
}

Result<void> measure(const char* folder, std::size_t bytes, int threads) {
  const auto opening = Clock::now();
  HEARTH_TRY(const auto prompts, provider::PromptEncoder::open(folder));
  const std::chrono::duration<double, std::milli> opened = Clock::now() - opening;
  const std::string json = request_json(bytes);
  HEARTH_TRY(protocol::Conversation request, protocol::parse_conversation(json, "request"));
  if (!prompts.count(request.messages, request.tools)) request.tools.clear();  // no place for them
  HEARTH_TRY(const std::int64_t tokens, prompts.count(request.messages, request.tools));
  HEARTH_TRY(const double parse, median_ms([&] { return protocol::parse_conversation(json, ""); }));
  HEARTH_TRY(const double render,
             median_ms([&] { return prompts.render(request.messages, request.tools); }));
  HEARTH_TRY(const double count,
             median_ms([&] { return prompts.count(request.messages, request.tools); }));
  HEARTH_TRY(const double per_second, parallel_per_second(prompts, request, threads, tokens));
  std::cout << json.size() << " bytes, " << tokens << " tokens, " << request.tools.size()
            << " tools\n"
            << "open the folder     " << opened.count() << " ms\n"
            << "read the JSON       " << parse << " ms\n"
            << "render              " << render << " ms\n"
            << "count, with render  " << count << " ms\n"
            << threads << " threads at once   " << per_second << " counts/s\n";
  return {};
}

}  // namespace
}  // namespace hearth

int main(int argc, char** argv) {
  if (argc < 2) {
    std::cerr << "usage: count_request MODEL_FOLDER [KILOBYTES [THREADS]]\n";
    return 2;
  }
  const auto bytes = static_cast<std::size_t>(argc > 2 ? std::atoll(argv[2]) : 400) * 1000;
  const auto done = hearth::measure(argv[1], bytes, argc > 3 ? std::atoi(argv[3]) : 2);
  if (!done) std::cerr << "count_request: " << done.error().message << "\n";
  return done ? 0 : 1;
}
