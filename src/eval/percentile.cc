#include "eval/percentile.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/check.h"

namespace hearth::eval {

double percentile(std::vector<double> values, double percent) {
  HEARTH_CHECK(!values.empty() && percent > 0 && percent <= 100);
  const double rank = std::ceil(percent * static_cast<double>(values.size()) / 100);
  const auto place = std::clamp<std::size_t>(static_cast<std::size_t>(rank), 1, values.size()) - 1;
  const auto nth = values.begin() + static_cast<std::ptrdiff_t>(place);
  std::nth_element(values.begin(), nth, values.end());
  return *nth;
}

Distribution distribution_of(const std::vector<double>& values) {
  Distribution made;
  made.count = values.size();
  if (values.empty()) return made;
  made.mean =
      std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
  made.p50 = percentile(values, 50);
  made.p95 = percentile(values, 95);
  made.p99 = percentile(values, 99);
  return made;
}

}  // namespace hearth::eval
