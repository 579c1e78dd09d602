// Calibration: whether a model that is 90% sure is right nine times in ten.
#pragma once

#include <cstddef>
#include <vector>

namespace hearth::eval {

/// One claim: how sure the model was, and whether it was right.
struct Claim {
  double confidence = 0;  ///< 0 to 1
  bool right = false;
};

/// One bar of a reliability diagram: the claims with a confidence in (low, high]; the first bin
/// takes 0 as well.
struct ReliabilityBin {
  double low = 0;
  double high = 0;
  std::size_t count = 0;
  double mean_confidence = 0;  ///< 0 in an empty bin
  double accuracy = 0;         ///< share of right claims; 0 in an empty bin
};

struct Calibration {
  std::size_t count = 0;
  double mean_confidence = 0;
  double accuracy = 0;
  /// Expected calibration error (Naeini, Cooper, Hauskrecht, 2015): the mean over all claims of
  /// |accuracy - mean confidence| of their bin.
  double expected_error = 0;
  std::vector<ReliabilityBin> bins;  ///< always `bin_count` of equal width
};

inline constexpr std::size_t kBinCountDefault = 10;

/// `bin_count` at least 1. Confidences out of 0 to 1, which rounding may give, count as 0 or 1.
Calibration calibrate(const std::vector<Claim>& claims, std::size_t bin_count = kBinCountDefault);

}  // namespace hearth::eval
