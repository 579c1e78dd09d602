// From a graph of float weights to the same graph with quantised ones: which products are
// quantised how, the finished graph, and where every tensor's bytes come from. Works on any graph:
// a product is a MatMul whose second input is a two-dimensional float32 or float16 initializer.
#pragma once

#include <onnx/onnx_pb.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "onnx/quantise.h"
#include "onnx/tensor_job.h"

namespace hearth::onnx {

enum class QuantMethod {
  kNearest,   ///< quantise.h
  kSearched,  ///< kquant.h
  kFeedback,  ///< gptq.h; needs moments of the inputs
};

/// What a product becomes.
enum class QuantLayout {
  kBlocks,   ///< MatMulNBits, as in the released models
  kDynamic,  ///< DynamicQuantizeLinear and MatMulInteger of standard ONNX, 8 bits, a scale a column
};

struct QuantiseOptions {
  QuantFormat format;  ///< of kBlocks; scales are float32
  QuantMethod method = QuantMethod::kNearest;
  QuantLayout layout = QuantLayout::kBlocks;
  bool mixed = false;      ///< sensitive_linears() in eight bits
  int accuracy_level = 4;  ///< of MatMulNBits: 4 allows int8 inputs
};

/// One weight to quantise: [k, n] in the source, as MatMul has it.
struct LinearJob {
  std::string node;        ///< of the first product that uses it, for people
  std::string input;       ///< the value that this product multiplies
  std::size_t source = 0;  ///< index among the source graph's initializers
  std::int64_t k = 0;
  std::int64_t n = 0;
  QuantFormat format;
  QuantLayout layout = QuantLayout::kBlocks;
  TensorPlace data;
  TensorPlace scales;
  TensorPlace zero_points;  ///< when asymmetric
};

/// One tensor that stays, float16 widened to float32.
struct CopyJob {
  std::size_t source = 0;  ///< as above
  TensorPlace data;
};

/// Immutable once made.
class QuantisePlan {
 public:
  /// kInvalidArgument for options that contradict each other and for graphs without a product to
  /// quantise; kUnsupported, naming the tensor, for external data in places that are not moved.
  /// The result computes in float32 where the source computed in float16.
  static Result<QuantisePlan> make(::onnx::ModelProto source, const QuantiseOptions& options);

  const ::onnx::ModelProto& source() const { return *source_; }
  const ::onnx::TensorProto& source_tensor(std::size_t index) const {
    return source_->graph().initializer(static_cast<int>(index));
  }
  const ::onnx::ModelProto& model() const { return *model_; }
  const QuantiseOptions& options() const { return options_; }
  const std::vector<LinearJob>& linears() const { return linears_; }
  const std::vector<CopyJob>& copies() const { return copies_; }
  std::uint64_t data_bytes() const { return data_bytes_; }

 private:
  friend class PlanBuilder;
  QuantisePlan() = default;

  QuantiseOptions options_;
  std::unique_ptr<::onnx::ModelProto> source_;
  std::unique_ptr<::onnx::ModelProto> model_;
  std::vector<LinearJob> linears_;
  std::vector<CopyJob> copies_;
  std::uint64_t data_bytes_ = 0;
};

}  // namespace hearth::onnx
