// Percentiles of measured times.
#pragma once

#include <cstddef>
#include <vector>

namespace hearth::eval {

/// The smallest value that at least `percent` of all values do not exceed (nearest rank): always a
/// value that was measured. `values` in any order, at least one; `percent` in (0, 100].
double percentile(std::vector<double> values, double percent);

/// What is reported of a list of times, in their unit. All 0 where there are none.
struct Distribution {
  std::size_t count = 0;
  double mean = 0;
  double p50 = 0;
  double p95 = 0;
  double p99 = 0;
};

Distribution distribution_of(const std::vector<double>& values);

}  // namespace hearth::eval
