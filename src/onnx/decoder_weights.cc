// Adds up a decoder's weights: what is stored, and what one token reads.
#include <algorithm>

#include "onnx/decoder_parts.h"
#include "onnx/tensor_size.h"

namespace hearth::onnx {
namespace {

using ::onnx::NodeProto;
using ::onnx::TensorProto;

/// Reads a few rows of its constant input rather than all of it.
bool reads_rows(const GraphView& view, const NodeProto& node, std::string_view value) {
  if (is_op(node, "Gather") || is_op(node, "GatherBlockQuantized", kMicrosoftDomain)) return true;
  if (is_op(node, "GroupQueryAttention", kMicrosoftDomain)) {
    return value == input_name(node, 7) || value == input_name(node, 8);
  }
  if (is_op(node, "RotaryEmbedding", kMicrosoftDomain)) return true;
  return !view.captures(node).empty();
}

/// True when some consumer reads the whole of `value`; a change of shape is looked through.
bool is_read_whole(const GraphView& view, std::string_view value, int depth = 0) {
  constexpr int kReshapesMax = 4;
  const auto consumers = view.consumers(value);
  return std::any_of(consumers.begin(), consumers.end(), [&](const NodeProto* node) {
    const bool same_data = is_op(*node, "Reshape") || is_op(*node, "Transpose");
    if (same_data && depth < kReshapesMax) {
      return is_read_whole(view, output_name(*node, 0), depth + 1);
    }
    return !reads_rows(view, *node, value);
  });
}

/// A product whose inputs are quantised as they come.
bool takes_integers(const NodeProto& node) {
  return is_op(node, "MatMulInteger") || is_op(node, "MatMulIntegerToFloat", kMicrosoftDomain) ||
         is_op(node, "DynamicQuantizeMatMul", kMicrosoftDomain);
}

/// Name of a matrix product's weight format, or "" when the node is none or has no constant weight.
Result<std::string> matmul_precision(const GraphView& view, const NodeProto& node) {
  if (is_op(node, "MatMulNBits", kMicrosoftDomain)) {
    HEARTH_TRY(const std::int64_t bits, attribute_int_or(node, "bits", 4));
    HEARTH_TRY(const std::int64_t block_size, attribute_int(node, "block_size"));
    std::string name = "int" + std::to_string(bits) + " block " + std::to_string(block_size);
    return input_name(node, 3).empty() ? name : name + " with zero points";
  }
  const std::string_view weight = input_name(node, 1);
  if (takes_integers(node)) {
    const TensorProto* tensor = view.initializer(weight);
    return tensor == nullptr ? std::string() : element_type_name(tensor->data_type()) + " dynamic";
  }
  if (!is_op(node, "MatMul") && !is_op(node, "Gemm")) return std::string();
  if (const TensorProto* tensor = view.initializer(weight)) {
    return element_type_name(tensor->data_type());
  }
  const NodeProto* source = view.producer(weight);
  while (source != nullptr && is_op(*source, "Transpose")) {
    source = view.producer(input_name(*source, 0));
  }
  if (source == nullptr || !is_op(*source, "DequantizeLinear")) return std::string();
  const TensorProto* quantised = view.initializer(input_name(*source, 0));
  return quantised == nullptr ? std::string() : element_type_name(quantised->data_type());
}

/// Width of the rows that the embedding lookup `node` returns, 0 when it cannot be told.
Result<std::int64_t> embedding_width(const GraphView& view, const NodeProto& node) {
  const bool quantised = is_op(node, "GatherBlockQuantized", kMicrosoftDomain);
  if (!quantised && !is_op(node, "Gather")) return 0;
  const std::string_view data = input_name(node, 0);
  const NodeProto* source = view.producer(data);
  std::int64_t columns = 0;
  std::int32_t type = TensorProto::UINT8;
  if (const TensorProto* table = view.initializer(data); table != nullptr) {
    if (table->dims_size() == 2) columns = table->dims(1);
    type = table->data_type();
  } else if (source != nullptr && is_op(*source, "Reshape")) {
    const auto shape = view.constant_integers(input_name(*source, 1));
    if (shape && shape->size() == 2) columns = shape->at(1);
  } else if (source != nullptr && is_op(*source, "Transpose")) {
    const TensorProto* transposed = view.initializer(input_name(*source, 0));
    if (transposed != nullptr && transposed->dims_size() == 2) columns = transposed->dims(0);
  }
  if (!quantised || type != TensorProto::UINT8) return std::max<std::int64_t>(columns, 0);
  HEARTH_TRY(const std::int64_t bits, attribute_int_or(node, "bits", 4));
  if (bits != 2 && bits != 4 && bits != 8) {
    return fail(ErrorCode::kUnsupported,
                describe(node) + " has " + std::to_string(bits) + " bits, expected 2, 4 or 8");
  }
  constexpr std::int64_t kColumnsMax = std::int64_t{1} << 40;
  return std::clamp<std::int64_t>(columns, 0, kColumnsMax) * (8 / bits);
}

}  // namespace

Result<WeightSummary> summarise_weights(const GraphView& view, const DecoderIoNames& names) {
  WeightSummary summary;
  for (const TensorProto& tensor : view.graph().initializer()) {
    HEARTH_TRY(const std::uint64_t bytes, tensor_bytes(tensor));
    summary.weight_bytes += bytes;
    if (is_read_whole(view, tensor.name())) {
      summary.bytes_read_per_token += bytes;
    } else if (tensor.dims_size() > 0 && tensor.dims(0) > 0) {
      summary.bytes_read_per_token += bytes / static_cast<std::uint64_t>(tensor.dims(0));
    }
  }
  for (const NodeProto* node : view.nodes()) {
    HEARTH_TRY(const std::string precision, matmul_precision(view, *node));
    if (!precision.empty()) ++summary.matmul_precisions[precision];
  }
  for (const NodeProto* node : view.consumers(names.input_ids)) {
    HEARTH_TRY(const std::int64_t width, embedding_width(view, *node));
    summary.hidden_size = std::max(summary.hidden_size, width);
  }
  return summary;
}

}  // namespace hearth::onnx
