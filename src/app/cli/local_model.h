// What `run` and `chat` share: loading the model that the settings ask for, and what to tell about
// it and about its replies.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/agents.h"
#include "app/model_locator.h"
#include "app/settings/settings.h"
#include "base/result.h"
#include "provider/local_provider.h"

namespace hearth::app {

/// Opens and loads the model; a .onnx file that was named must be the folder's own.
Result<std::unique_ptr<provider::LocalProvider>> load_provider(const LocatedModel& located,
                                                               const Settings& settings,
                                                               const Environment& environment);

/// What was asked of the accelerated executor, where the stock one runs the model; for people.
/// `beside_another`: another model runs with the same settings, but for the type of its cache.
std::vector<std::string> unused_executor_settings(const runtime::ExecutionReport& report,
                                                  const Settings& settings,
                                                  bool beside_another = false);

/// After put_model_defaults(): devices that were asked for and are not used, settings that cannot
/// matter, a context that the model does not have.
std::vector<std::string> loading_notes(const provider::LocalProvider& provider,
                                       const Settings& settings, bool offers_tools);

/// What was left out of the context, what was computed twice, why the answer was cut off.
std::vector<std::string> reply_notes(const provider::ChatReply& reply, std::int64_t max_tokens,
                                     const Settings& settings);

/// The one that was given, else the agent's, else none.
std::optional<std::string> system_prompt(const std::optional<std::string>& given,
                                         const Agent* agent);

std::uint64_t random_seed();

}  // namespace hearth::app
