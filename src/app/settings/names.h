// "Did you mean": the known name nearest to what someone wrote.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::app {

/// The candidate with the fewest edits (case counts half as much as a letter), or nothing when even
/// that one is more than a third of its length away. The first among equals.
std::string_view nearest_name(std::string_view name, std::span<const std::string_view> candidates);

/// "; did you mean X?" or nothing.
std::string did_you_mean(std::string_view name, std::span<const std::string_view> candidates);

}  // namespace hearth::app
