// Pass: quantised matrix products become hearth.QuantLinear.
#include <utility>

#include "onnx/passes/passes.h"

namespace hearth::onnx::passes {
namespace {

using ::onnx::AttributeProto;
using ::onnx::NodeProto;
using ::onnx::TensorProto;

constexpr int kWeights = 1;
constexpr int kScales = 2;
constexpr int kZeroPoints = 3;
constexpr int kGroupIndex = 4;
constexpr int kBias = 5;

bool is_block_size(std::int64_t size) {
  return size == 16 || size == 32 || size == 64 || size == 128 || size == 256;
}

/// The tensors of `node` when all of them are constants of the kinds that can be packed.
Result<std::optional<QuantisedTensors>> read_tensors(const GraphView& view, const NodeProto& node) {
  QuantisedTensors found;
  HEARTH_TRY(found.n, attribute_int(node, "N"));
  HEARTH_TRY(found.k, attribute_int(node, "K"));
  HEARTH_TRY(const std::int64_t bits, attribute_int_or(node, "bits", 4));
  HEARTH_TRY(const std::int64_t block_size, attribute_int(node, "block_size"));
  HEARTH_TRY(const std::int64_t prepacked, attribute_int_or(node, "weight_prepacked", 0));
  constexpr std::int64_t kSizeMax = std::int64_t{1} << 30;
  const bool known = (bits == 4 || bits == 8) && is_block_size(block_size) && prepacked == 0 &&
                     found.n > 0 && found.k > 0 && found.n < kSizeMax && found.k < kSizeMax &&
                     input_name(node, kGroupIndex).empty();
  const TensorProto* weights = view.initializer(input_name(node, kWeights));
  const TensorProto* scales = view.initializer(input_name(node, kScales));
  if (!known || weights == nullptr || scales == nullptr ||
      weights->data_type() != TensorProto::UINT8 || scales->data_type() != TensorProto::FLOAT) {
    return std::nullopt;
  }
  if (const auto name = input_name(node, kZeroPoints); !name.empty()) {
    const TensorProto* zero_points = view.initializer(name);
    if (zero_points == nullptr || zero_points->data_type() != TensorProto::UINT8) {
      return std::nullopt;
    }
    found.zero_points = *zero_points;
  }
  if (const auto name = input_name(node, kBias); !name.empty()) {
    const TensorProto* bias = view.initializer(name);
    if (bias == nullptr || bias->data_type() != TensorProto::FLOAT) return std::nullopt;
    found.bias = *bias;
  }
  found.bits = static_cast<int>(bits);
  found.block_size = static_cast<int>(block_size);
  found.weights = *weights;
  found.scales = *scales;
  found.node = describe(node);
  return found;
}

}  // namespace

Result<void> quant_linear(RaggedGraph& ragged) {
  auto& graph = *ragged.model.mutable_graph();
  std::vector<std::pair<const NodeProto*, std::string>> matched;
  {
    HEARTH_TRY(const GraphView view, GraphView::build(graph));
    for (const NodeProto* node : view.nodes()) {
      if (!is_op(*node, "MatMulNBits", kMicrosoftDomain)) continue;
      HEARTH_TRY(auto tensors, read_tensors(view, *node));
      if (!tensors) continue;
      ragged.linears.push_back(std::move(*tensors));
      matched.emplace_back(node, std::string(input_name(*node, 0)));
    }
  }
  for (std::size_t i = 0; i < matched.size(); ++i) {
    NodeProto& node = editable(graph, matched[i].first);
    become(node, kQuantLinear, {matched[i].second, ragged.names.exact_rows});
    AttributeProto& linears = *node.add_attribute();
    linears.set_name("linears");
    linears.set_type(AttributeProto::INTS);
    linears.add_ints(static_cast<std::int64_t>(i));
  }
  return {};
}

}  // namespace hearth::onnx::passes
