// The agents: a system prompt and sampling defaults for one kind of work.
#pragma once

#include <span>
#include <string_view>

#include "base/result.h"

namespace hearth::app {

struct Agent {
  std::string_view name;
  std::string_view purpose;  ///< a few words for lists
  std::string_view system_prompt;
  double temperature;
  double top_p;
};

/// In alphabetical order.
std::span<const Agent> agents();

/// kInvalidArgument listing the names for an unknown one.
Result<const Agent*> find_agent(std::string_view name);

}  // namespace hearth::app
