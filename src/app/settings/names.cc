#include "app/settings/names.h"

#include <algorithm>
#include <cctype>

namespace hearth::app {
namespace {

constexpr int kEdit = 2;  // so that a difference in case can cost 1

char lower(char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }

int substitution_cost(char a, char b) {
  if (a == b) return 0;
  return lower(a) == lower(b) ? 1 : kEdit;
}

/// Levenshtein's distance with neighbours swapped as one edit (optimal string alignment).
int distance(std::string_view a, std::string_view b) {
  const std::size_t width = b.size() + 1;
  std::vector<int> table((a.size() + 1) * width);
  const auto at = [&](std::size_t i, std::size_t j) -> int& { return table[i * width + j]; };
  for (std::size_t i = 0; i <= a.size(); ++i) at(i, 0) = static_cast<int>(i) * kEdit;
  for (std::size_t j = 0; j <= b.size(); ++j) at(0, j) = static_cast<int>(j) * kEdit;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      at(i, j) = std::min({at(i - 1, j) + kEdit, at(i, j - 1) + kEdit,
                           at(i - 1, j - 1) + substitution_cost(a[i - 1], b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        at(i, j) = std::min(at(i, j), at(i - 2, j - 2) + kEdit);
      }
    }
  }
  return at(a.size(), b.size());
}

}  // namespace

std::string_view nearest_name(std::string_view name, std::span<const std::string_view> candidates) {
  constexpr std::size_t kNameMax = 200;  // the distance takes time in the product of the lengths
  if (name.size() > kNameMax) return {};
  std::string_view best;
  int best_distance = 0;
  for (const std::string_view candidate : candidates) {
    const int cost = distance(name, candidate);
    const int cost_max = kEdit * std::max<int>(1, static_cast<int>(candidate.size()) / 3);
    if (cost > cost_max || (!best.empty() && cost >= best_distance)) continue;
    best = candidate;
    best_distance = cost;
  }
  return best;
}

std::string did_you_mean(std::string_view name, std::span<const std::string_view> candidates) {
  const std::string_view nearest = nearest_name(name, candidates);
  return nearest.empty() ? std::string() : "; did you mean " + std::string(nearest) + "?";
}

}  // namespace hearth::app
