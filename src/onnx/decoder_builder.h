// Builds a decoder's ONNX graph in the released layout and writes its weights, streaming.
//
// The layout is that of onnxruntime-genai's builder 0.7 for the CPU (names, attributes, order of
// nodes and of tensors); DecoderConfig::switches gives the variants.
#pragma once

#include <onnx/onnx_pb.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "onnx/decoder_config.h"
#include "onnx/weight_source.h"

namespace hearth::onnx {

struct TensorJob;

/// A finished graph whose external tensors have their places in the data file, and the recipe for
/// their bytes. Nothing is on disk yet.
class DecoderPlan {
 public:
  /// kInvalidArgument when the configuration or the combination with the precision cannot be built.
  static Result<DecoderPlan> make(const DecoderConfig& config, Precision precision);

  DecoderPlan(DecoderPlan&&) noexcept;
  DecoderPlan& operator=(DecoderPlan&&) noexcept;
  DecoderPlan(const DecoderPlan&) = delete;
  DecoderPlan& operator=(const DecoderPlan&) = delete;
  ~DecoderPlan();

  const ::onnx::ModelProto& model() const { return model_; }
  const DecoderConfig& config() const { return config_; }
  Precision precision() const { return precision_; }

  /// Bytes of model.onnx.data and of model.onnx.
  std::uint64_t data_bytes() const { return data_bytes_; }
  std::uint64_t model_bytes() const { return model_.ByteSizeLong(); }

  const std::vector<TensorJob>& jobs() const { return jobs_; }

 private:
  DecoderPlan();

  DecoderConfig config_;
  Precision precision_ = Precision::kInt4;
  ::onnx::ModelProto model_;
  std::vector<TensorJob> jobs_;
  std::uint64_t data_bytes_ = 0;
};

/// Told how many of the data file's bytes are written; called from one thread at a time. Returning
/// false cancels (kCancelled).
using ProgressFn = std::function<bool(std::uint64_t done_bytes, std::uint64_t total_bytes)>;

/// Name of the data file beside model.onnx.
inline constexpr const char* kDataFileName = "model.onnx.data";

/// Writes model.onnx and model.onnx.data into `folder`, which must exist. Memory stays below
/// 100 MB and the model file's size, times `threads`. On failure the files may be half-written:
/// write into a folder that nobody reads yet.
Result<void> write_decoder(const DecoderPlan& plan, WeightSource& weights,
                           const std::filesystem::path& folder, int threads,
                           const ProgressFn& progress);

}  // namespace hearth::onnx
