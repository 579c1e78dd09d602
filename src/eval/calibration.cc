#include "eval/calibration.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace hearth::eval {
namespace {

std::size_t bin_of(double confidence, std::size_t bin_count) {
  const double place = std::ceil(confidence * static_cast<double>(bin_count));
  return std::clamp<std::size_t>(static_cast<std::size_t>(std::max(place, 1.0)), 1, bin_count) - 1;
}

}  // namespace

Calibration calibrate(const std::vector<Claim>& claims, std::size_t bin_count) {
  HEARTH_CHECK(bin_count >= 1);
  Calibration made;
  made.count = claims.size();
  made.bins.resize(bin_count);
  for (std::size_t i = 0; i < bin_count; ++i) {
    made.bins[i].low = static_cast<double>(i) / static_cast<double>(bin_count);
    made.bins[i].high = static_cast<double>(i + 1) / static_cast<double>(bin_count);
  }
  for (const Claim& claim : claims) {
    const double confidence = std::clamp(claim.confidence, 0.0, 1.0);
    ReliabilityBin& bin = made.bins[bin_of(confidence, bin_count)];
    ++bin.count;  // sums until all are counted
    bin.mean_confidence += confidence;
    bin.accuracy += claim.right ? 1 : 0;
  }
  if (claims.empty()) return made;
  const auto all = static_cast<double>(claims.size());
  for (ReliabilityBin& bin : made.bins) {
    if (bin.count == 0) continue;
    made.mean_confidence += bin.mean_confidence / all;
    made.accuracy += bin.accuracy / all;
    made.expected_error += std::abs(bin.accuracy - bin.mean_confidence) / all;
    bin.mean_confidence /= static_cast<double>(bin.count);
    bin.accuracy /= static_cast<double>(bin.count);
  }
  return made;
}

}  // namespace hearth::eval
