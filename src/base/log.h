// What Hearth says while it works. Everything goes to standard error; standard output belongs to
// answers.
#pragma once

#include <string_view>

namespace hearth::log {

enum class Level { kError, kWarning, kInfo, kDebug };

/// Messages above this level are dropped. Set once at start-up, before threads exist.
void set_level(Level level);

/// One line each, from any thread. Files and models may have chosen the words: control characters
/// are left out, see for_terminal().
void error(std::string_view message);
void warning(std::string_view message);
void info(std::string_view message);
void debug(std::string_view message);

}  // namespace hearth::log
