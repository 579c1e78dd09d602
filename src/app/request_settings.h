// From settings to what the provider takes: session options, sampling, and one request.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "app/settings/settings.h"
#include "base/result.h"
#include "provider/local_provider.h"
#include "runtime/model_folder.h"
#include "runtime/stock_executor.h"

namespace hearth::app {

runtime::SessionOptions session_options(const Settings& settings);

/// Adds what the model's makers want, below everything the user or the agent said. Their top_k and
/// top_p count only when they ask for sampling: a model that is greedy by itself says top_k 1,
/// which would silently undo a temperature the user gave.
void put_model_defaults(const runtime::SearchDefaults& search, Settings& settings);

/// Adds the numbers that hold where nobody said anything, for showing them.
void put_built_in_numbers(std::int64_t context_tokens, Settings& settings);

/// Sampling after put_model_defaults(). `random_seed` is used when nobody gave one.
engine::SamplingParams sampling_params(const Settings& settings, std::uint64_t random_seed);

/// Whether tool calls are kept to the definitions.
bool strict_tool_calls(const Settings& settings);

/// Settings the user gave that cannot matter beside others (top-p at temperature 0), as notes.
std::vector<std::string> settings_without_effect(const Settings& settings);

/// Everything of a request but messages and tools.
provider::ChatRequest request_from(const Settings& settings, std::uint64_t random_seed);

/// The conversation of `hearth run`: the system prompt, if any, and the task after its prefix.
std::vector<protocol::Message> conversation(const std::optional<std::string>& system_prompt,
                                            const Settings& settings, const std::string& task);

}  // namespace hearth::app
