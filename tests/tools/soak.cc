// soak MODEL_FOLDER REQUESTS: answers many different requests in one process and fails when memory
// grows.
//
// Resident memory is compared between the end of a warm-up of 100 requests (arenas and caches have
// their size by then) and the end of the run; more than 4 MB of growth fails.
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <string>

#include "provider/local_provider.h"

namespace hearth {
namespace {

constexpr int kWarmUpRequests = 100;
constexpr std::int64_t kGrowthBytesMax = 4 << 20;

provider::ChatRequest numbered_request(int number) {
  provider::ChatRequest request;
  protocol::Message message;
  message.content = "What is " + std::to_string(number % 90 + 10) + " + " +
                    std::to_string(number * 7 % 90 + 10) + "?" +
                    std::string(static_cast<std::size_t>(number % 40), ' ');
  request.messages.push_back(std::move(message));
  request.max_tokens = 4 + number % 13;
  request.stop = {"stop " + std::to_string(number)};
  request.sampling.temperature = number % 3 == 0 ? 0.8 : 0.0;
  request.sampling.seed = static_cast<std::uint64_t>(number);
  return request;
}

Result<int> soak(const std::string& folder, int requests) {
  provider::LocalProviderOptions options{folder, {}};
  options.session.accelerated.cache_folder = std::filesystem::temp_directory_path() / "hearth-soak";
  HEARTH_TRY(const auto model, provider::LocalProvider::load(options));
  const std::atomic<bool> never{false};
  std::uint64_t after_warm_up = 0;
  std::uint64_t at_end = 0;
  for (int i = 0; i < requests; ++i) {
    HEARTH_TRY(const auto reply, model->chat(
                                     numbered_request(i), [](std::string_view) {}, never));
    at_end = reply.memory_bytes;
    if (i < kWarmUpRequests) after_warm_up = std::max(after_warm_up, at_end);
  }
  const auto growth = static_cast<std::int64_t>(at_end) - static_cast<std::int64_t>(after_warm_up);
  std::cout << requests << " requests: resident memory " << after_warm_up
            << " bytes after the first " << kWarmUpRequests << ", " << at_end
            << " at the end, growth " << growth << " (at most " << kGrowthBytesMax << ")\n";
  return growth > kGrowthBytesMax ? 1 : 0;
}

}  // namespace
}  // namespace hearth

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: soak MODEL_FOLDER REQUESTS\n";
    return 2;
  }
  const auto result = hearth::soak(argv[1], std::atoi(argv[2]));
  if (!result) std::cerr << "soak: " << result.error().message << "\n";
  return result ? *result : 1;
}
