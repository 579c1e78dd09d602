// Writes nodes, values and tensors into a GraphProto the way onnxruntime-genai's builder does.
// Internal.
#pragma once

#include <onnx/onnx_pb.h>

#include <cstdint>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "onnx/tensor_job.h"

namespace hearth::onnx {

/// A dimension of a value: a number or a symbol.
using Dim = std::variant<std::int64_t, std::string>;
using Shape = std::vector<Dim>;

inline const Dim kBatch = std::string("batch_size");
inline const Dim kSequence = std::string("sequence_length");

/// The domain of ONNX Runtime's own operators.
inline const std::string kMicrosoft = "com.microsoft";

/// "/model/layers.3/attn/o_proj/MatMul" belongs to "model.layers.3.attn.o_proj.MatMul".
std::string tensor_path(const std::string& node_path);

/// Offsets in the data file are multiples of this, so that a tensor can be mapped.
inline constexpr std::uint64_t kTensorAlignment = 4096;

/// Appends to one graph. Not for concurrent use.
class GraphMaker {
 public:
  explicit GraphMaker(::onnx::GraphProto& graph) : graph_(&graph) {}

  /// A node; inputs named /model/constants/... come into being before it, each once.
  ::onnx::NodeProto& node(const std::string& op, const std::string& name,
                          const std::vector<std::string>& inputs,
                          const std::vector<std::string>& outputs, const std::string& domain = {});

  /// A node with the one output "<name>/output_0", declared with `type` and `shape`; returns it.
  std::string simple(const std::string& op, const std::string& name,
                     const std::vector<std::string>& inputs, std::int32_t type, const Shape& shape);

  /// Declares a value in value_info.
  void value(const std::string& name, std::int32_t type, const Shape& shape);
  void value_of_unknown_shape(const std::string& name, std::int32_t type);

  /// Names of int64 constants: a scalar, or a list of one dimension.
  static std::string scalar(std::int64_t value);
  static std::string list(const std::vector<std::int64_t>& values);

  /// Adds an external initializer and the job that fills it. Quantised tensors come after all
  /// others in the file, because the released models were quantised after they were built.
  void external(TensorJob job, std::int32_t type, const std::vector<std::int64_t>& dims);
  /// Shapes of the three tensors of a quantised matrix.
  struct QuantisedDims {
    std::vector<std::int64_t> packed;
    std::vector<std::int64_t> scales;
    std::vector<std::int64_t> zero_points;
  };
  void external_quantised(TensorJob job, std::int32_t scale_type, const QuantisedDims& dims);

  /// Gives every external tensor its place and moves it into the graph. Returns the jobs, whose
  /// places are final, and the size of the data file.
  std::vector<TensorJob> finish(const std::string& data_file, std::uint64_t& data_bytes);

 private:
  void add_constant(const std::string& name);

  ::onnx::GraphProto* graph_;
  std::vector<::onnx::TensorProto> plain_tensors_;
  std::vector<::onnx::TensorProto> quantised_tensors_;
  std::vector<TensorJob> jobs_;
  std::set<std::string> constants_;
};

void set_int(::onnx::NodeProto& node, const std::string& name, std::int64_t value);
void set_float(::onnx::NodeProto& node, const std::string& name, float value);

/// Fills a value's type; a null shape stays unknown.
void declare(::onnx::ValueInfoProto& value, const std::string& name, std::int32_t type,
             const Shape* shape);

}  // namespace hearth::onnx
