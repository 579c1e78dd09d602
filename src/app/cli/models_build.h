// hearth models build: registered by `hearth models`.
#pragma once

#include <vector>

#include <CLI/App.hpp>

#include "app/cli/command.h"

namespace hearth::app {

/// Adds the subcommand to `models`.
void add_models_build(CLI::App& models, std::vector<Subcommand>& commands);

}  // namespace hearth::app
