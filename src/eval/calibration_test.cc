#include "eval/calibration.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace hearth::eval {
namespace {

/// The definition with a loop over bins and claims.
double expected_error_by_definition(const std::vector<Claim>& claims, std::size_t bins) {
  double error = 0;
  for (std::size_t b = 0; b < bins; ++b) {
    double count = 0;
    double right = 0;
    double sure = 0;
    for (const Claim& claim : claims) {
      const double scaled = claim.confidence * static_cast<double>(bins);
      const bool first = b == 0 && claim.confidence == 0;
      if (!first && !(scaled > static_cast<double>(b) && scaled <= static_cast<double>(b + 1))) {
        continue;
      }
      count += 1;
      right += claim.right ? 1 : 0;
      sure += claim.confidence;
    }
    if (count == 0) continue;
    error += count / static_cast<double>(claims.size()) * std::abs(right / count - sure / count);
  }
  return error;
}

TEST(Calibration, IsTheDefinitionOnRandomClaims) {
  std::mt19937 random(5);
  std::uniform_real_distribution<double> share(0, 1);
  for (int round = 0; round < 200; ++round) {
    std::vector<Claim> claims(1 + random() % 60);
    for (Claim& claim : claims) {
      claim = {random() % 8 == 0 ? static_cast<double>(random() % 11) / 10 : share(random),
               random() % 3 != 0};
    }
    const Calibration made = calibrate(claims);
    EXPECT_NEAR(made.expected_error, expected_error_by_definition(claims, 10), 1e-12);
    std::size_t counted = 0;
    for (const ReliabilityBin& bin : made.bins) counted += bin.count;
    EXPECT_EQ(counted, claims.size());
  }
}

TEST(Calibration, SureAndRightIsPerfectSureAndWrongIsTheWorst) {
  EXPECT_EQ(calibrate({{1, true}, {1, true}}).expected_error, 0);
  EXPECT_EQ(calibrate({{1, false}, {1, false}}).expected_error, 1);
  EXPECT_NEAR(calibrate({{0.75, true}, {0.75, true}, {0.75, true}, {0.75, false}}).expected_error,
              0, 1e-15);
}

TEST(Calibration, EdgesBelongToTheLowerBin) {
  const Calibration made = calibrate({{0, false}, {0.5, true}, {0.50001, true}, {1, true}}, 2);
  ASSERT_EQ(made.bins.size(), 2u);
  EXPECT_EQ(made.bins[0].count, 2u);
  EXPECT_EQ(made.bins[1].count, 2u);
  EXPECT_EQ(made.bins[0].high, 0.5);
  EXPECT_EQ(made.bins[0].accuracy, 0.5);
}

TEST(Calibration, RoundingBeyondOneIsOne) {
  const Calibration made = calibrate({{1 + 1e-12, true}, {-1e-12, false}});
  EXPECT_EQ(made.bins.back().count, 1u);
  EXPECT_EQ(made.bins.front().count, 1u);
  EXPECT_EQ(made.expected_error, 0);
}

TEST(Calibration, OfNothingHasEmptyBins) {
  const Calibration made = calibrate({});
  EXPECT_EQ(made.count, 0u);
  EXPECT_EQ(made.expected_error, 0);
  EXPECT_EQ(made.bins.size(), kBinCountDefault);
}

}  // namespace
}  // namespace hearth::eval
