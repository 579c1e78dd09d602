#include "base/log.h"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>

#include "base/terminal_text.h"

namespace hearth::log {
namespace {

spdlog::logger& logger() {
  static const std::shared_ptr<spdlog::logger> instance = [] {
    auto created = std::make_shared<spdlog::logger>(
        "hearth", std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
    created->set_pattern("hearth: %^%l%$: %v");
    created->set_level(spdlog::level::warn);
    return created;
  }();
  return *instance;
}

}  // namespace

void set_level(Level level) {
  switch (level) {
    case Level::kError:
      logger().set_level(spdlog::level::err);
      break;
    case Level::kWarning:
      logger().set_level(spdlog::level::warn);
      break;
    case Level::kInfo:
      logger().set_level(spdlog::level::info);
      break;
    case Level::kDebug:
      logger().set_level(spdlog::level::debug);
      break;
  }
}

void error(std::string_view message) { logger().error(for_terminal(message)); }
void warning(std::string_view message) { logger().warn(for_terminal(message)); }
void info(std::string_view message) { logger().info(for_terminal(message)); }
void debug(std::string_view message) { logger().debug(for_terminal(message)); }

}  // namespace hearth::log
