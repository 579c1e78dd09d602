// Carries a QuantisePlan out: streams weights from the source's data to the new data file and
// measures what each product lost.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "onnx/decoder_builder.h"
#include "onnx/quantise_plan.h"

namespace hearth::onnx {

/// A value of the source graph and the width of its rows.
struct InputValue {
  std::string name;
  std::int64_t width = 0;
};

/// Moments and factors that are held at the same time take twice 4 bytes for each square of a
/// width; less memory than this is not worth more runs over the text.
inline constexpr std::uint64_t kMomentsBytesLeast = std::uint64_t{1} << 30;

/// Runs the source on a calibration text.
class MomentsSource {
 public:
  virtual ~MomentsSource() = default;

  /// What moments and factors may take together: the more, the fewer runs. One input that needs
  /// more gets it.
  virtual std::uint64_t memory_bytes() const { return kMomentsBytesLeast; }

  /// For each input the sum over all tokens' rows x of x^T x, [width, width]; the lower triangle is
  /// enough. Called from one thread, for as many inputs at a time as memory_bytes() allows.
  virtual Result<std::vector<std::vector<float>>> moments(std::span<const InputValue> inputs) = 0;
};

/// What became of one product.
struct LinearReport {
  std::string node;
  int bits = 0;
  std::int64_t k = 0;
  std::int64_t n = 0;
  double weight_error = 0;  ///< root of (sum of squared errors / sum of squares) of the weights
  /// The same of the outputs on the calibration text, from up to kMeasuredRows of the n outputs.
  std::optional<double> output_error;
};

inline constexpr std::int64_t kMeasuredRows = 512;

/// Writes model.onnx and model.onnx.data into `out`, which must exist. `calibration` may be null
/// unless the method is kFeedback. Memory: about 100 MB a thread, and with calibration up to
/// its memory_bytes() more, and 8 bytes for each square of a width and thread. On failure the files
/// may be half-written. Errors name the product.
Result<std::vector<LinearReport>> write_quantised(const QuantisePlan& plan,
                                                  const std::filesystem::path& source,
                                                  const std::filesystem::path& out, int threads,
                                                  const ProgressFn& progress,
                                                  MomentsSource* calibration);

/// How often write_quantised() asks a calibration with this memory_bytes() for moments: runs over
/// the whole text.
std::size_t calibration_runs(const QuantisePlan& plan, std::uint64_t memory_bytes);

}  // namespace hearth::onnx
