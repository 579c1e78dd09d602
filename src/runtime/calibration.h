// Runs a model on a calibration text and gathers the second moments of its products' inputs.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/token.h"
#include "onnx/quantise_write.h"
#include "runtime/model_folder.h"

namespace hearth::runtime {

/// Tokens of one call at most: each stretch of the text is a sequence of its own, no longer than
/// the model's context, nor than its short rotary table.
inline constexpr std::size_t kCalibrationStretchTokens = 512;

struct CalibrationOptions {
  std::vector<TokenId> tokens;  ///< of the text; not empty
  int threads = 2;
  /// Asked between stretches, told how many tokens of all are done; false cancels.
  std::function<bool(std::size_t done_tokens, std::size_t total_tokens)> progress;
  std::uint64_t moments_bytes = onnx::kMomentsBytesLeast;  ///< memory_bytes() of the source
};

/// A session of the model in which every input of a product can be read. One thread.
class Calibration final : public onnx::MomentsSource {
 public:
  /// `model` is the folder's graph; `inputs` all values that moments() will be asked for. The
  /// weights are mapped, not packed, so a float32 model takes no memory of its own. Errors as of
  /// opening a model.
  static Result<std::unique_ptr<Calibration>> open(const ModelFolder& folder,
                                                   const ::onnx::ModelProto& model,
                                                   const std::vector<std::string>& inputs,
                                                   CalibrationOptions options);
  ~Calibration() override;

  std::uint64_t memory_bytes() const override;

  /// Runs the whole text. kCancelled when progress says so.
  Result<std::vector<std::vector<float>>> moments(
      std::span<const onnx::InputValue> inputs) override;

 private:
  struct State;
  explicit Calibration(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

}  // namespace hearth::runtime
