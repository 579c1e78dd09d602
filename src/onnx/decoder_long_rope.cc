// Recognises the two ways in which builders switch between short and long rotary tables.
#include <algorithm>
#include <array>

#include "onnx/decoder_parts.h"
#include "onnx/tensor_size.h"

namespace hearth::onnx {
namespace {

using ::onnx::GraphProto;
using ::onnx::NodeProto;
using ::onnx::TensorProto;

/// Steps from a length to the mask or the positions it came from; released graphs need three.
constexpr int kTraceStepsMax = 16;

/// Larger constants are no lengths; the bound keeps sums of them from overflowing.
constexpr std::int64_t kLengthMax = std::int64_t{1} << 40;

std::optional<std::int64_t> length_constant(const GraphView& view, std::string_view value) {
  const auto constant = view.constant_integer(value);
  if (!constant || *constant < -kLengthMax || *constant > kLengthMax) return std::nullopt;
  return constant;
}

/// A scalar that equals the sequence's total length plus `offset`.
struct Length {
  std::int64_t offset;
};

bool is_one_of(const NodeProto& node, std::initializer_list<std::string_view> ops) {
  return std::any_of(ops.begin(), ops.end(), [&](std::string_view op) { return is_op(node, op); });
}

/// Follows `value` back to Shape(attention_mask), ReduceSum(attention_mask) or
/// ReduceMax(position_ids).
std::optional<Length> trace_length(const GraphView& view, const DecoderIoNames& names,
                                   std::string_view value) {
  Length length{0};
  for (int step = 0; step < kTraceStepsMax; ++step) {
    const NodeProto* node = view.producer(value);
    if (node == nullptr) return std::nullopt;
    const std::string_view data = input_name(*node, 0);
    if (is_one_of(*node, {"Shape", "ReduceSum"}) && data == names.attention_mask) return length;
    if (is_op(*node, "ReduceMax") && !names.position_ids.empty() && data == names.position_ids) {
      return Length{length.offset - 1};
    }
    if (is_one_of(*node, {"Add", "Sub"})) {
      const auto right = length_constant(view, input_name(*node, 1));
      if (!right) return std::nullopt;
      length.offset += node->op_type() == "Add" ? *right : -*right;
    } else if (is_op(*node, "Gather")) {
      const auto axis = view.constant_integer(input_name(*node, 1));
      if (!axis || (*axis != 1 && *axis != -1)) return std::nullopt;
    } else if (!is_one_of(*node, {"Cast", "Squeeze", "Unsqueeze", "Reshape", "Identity"})) {
      return std::nullopt;
    }
    value = data;
  }
  return std::nullopt;
}

/// "The total length exceeds `tokens`", or its opposite.
struct LengthTest {
  std::int64_t tokens;
  bool true_when_longer;
};

/// Reads a comparison of the length with a constant, whichever side the constant is on.
std::optional<LengthTest> read_test(const GraphView& view, const DecoderIoNames& names,
                                    std::string_view condition) {
  const NodeProto* node = view.producer(condition);
  while (node != nullptr && is_one_of(*node, {"Cast", "Identity"})) {
    node = view.producer(input_name(*node, 0));
  }
  if (node == nullptr) return std::nullopt;
  const bool less = is_one_of(*node, {"Less", "LessOrEqual"});
  if (!less && !is_one_of(*node, {"Greater", "GreaterOrEqual"})) return std::nullopt;
  const bool or_equal = is_one_of(*node, {"LessOrEqual", "GreaterOrEqual"});
  auto bound = length_constant(view, input_name(*node, 1));
  const bool swapped = !bound;
  if (swapped) bound = length_constant(view, input_name(*node, 0));
  if (!bound) return std::nullopt;
  const auto length = trace_length(view, names, input_name(*node, swapped ? 1 : 0));
  if (!length) return std::nullopt;
  // length > b as it stands; length >= b is length > b - 1; length < b is not (length > b - 1).
  const bool greater = less == swapped;
  const bool inclusive_shift = greater ? or_equal : !or_equal;
  return LengthTest{*bound - length->offset - (inclusive_shift ? 1 : 0), greater};
}

/// Rows of the table that a branch returns as its output `index`; nothing when it is no constant.
std::optional<std::int64_t> table_rows(const GraphProto& branch, int index) {
  if (index >= branch.output_size()) return std::nullopt;
  const std::string& name = branch.output(index).name();
  for (const TensorProto& tensor : branch.initializer()) {
    if (tensor.name() == name && tensor.dims_size() == 2) return tensor.dims(0);
  }
  for (const NodeProto& node : branch.node()) {
    if (!is_op(node, "Constant") || output_name(node, 0) != name) continue;
    const auto* value = attribute(node, "value");
    if (value != nullptr && value->has_t() && value->t().dims_size() == 2) {
      return value->t().dims(0);
    }
  }
  return std::nullopt;
}

tl::unexpected<Error> unsupported_switch(const NodeProto& node) {
  return fail(ErrorCode::kUnsupported, describe(node) +
                                           " chooses the rotary tables in a way that is not known: "
                                           "a comparison of the sequence's length with a constant "
                                           "and two constant tables were expected");
}

/// An If that outputs the table `table`.
Result<std::optional<LongRope>> read_if(const GraphView& view, const DecoderIoNames& names,
                                        const NodeProto& node, std::string_view table) {
  HEARTH_TRY(const GraphProto* then_branch, attribute_graph(node, "then_branch"));
  HEARTH_TRY(const GraphProto* else_branch, attribute_graph(node, "else_branch"));
  const auto output = std::find(node.output().begin(), node.output().end(), table);
  const int index = static_cast<int>(output - node.output().begin());
  const auto then_rows = table_rows(*then_branch, index);
  const auto else_rows = table_rows(*else_branch, index);
  const auto test = read_test(view, names, input_name(node, 0));
  if (!then_rows || !else_rows || !test || *then_rows == *else_rows) {
    return unsupported_switch(node);
  }
  if (test->true_when_longer != (*then_rows > *else_rows)) return unsupported_switch(node);
  return LongRope{test->tokens};
}

/// Positions shifted into the long part of a joined table: position_ids + Cast(length test) *
/// shift.
std::optional<LongRope> read_shift(const GraphView& view, const DecoderIoNames& names,
                                   std::string_view positions) {
  const NodeProto* add = view.producer(positions);
  if (add == nullptr || !is_op(*add, "Add")) return std::nullopt;
  for (const int side : {0, 1}) {
    if (input_name(*add, 1 - side) != names.position_ids) continue;
    const NodeProto* mul = view.producer(input_name(*add, side));
    if (mul == nullptr || !is_op(*mul, "Mul")) continue;
    for (const int factor : {0, 1}) {
      if (!view.constant_integer(input_name(*mul, 1 - factor))) continue;
      const auto test = read_test(view, names, input_name(*mul, factor));
      if (test && test->true_when_longer) return LongRope{test->tokens};
    }
  }
  return std::nullopt;
}

}  // namespace

Result<std::optional<LongRope>> find_long_rope(const GraphView& view, const DecoderIoNames& names) {
  std::optional<LongRope> found;
  for (const NodeProto* node : view.nodes()) {
    const bool attention = is_op(*node, "GroupQueryAttention", kMicrosoftDomain);
    const bool rotary = is_op(*node, "RotaryEmbedding", kMicrosoftDomain);
    if (!attention && !rotary) continue;
    const std::string_view table = input_name(*node, attention ? 7 : 2);
    const NodeProto* source = view.producer(table);
    std::optional<LongRope> here;
    if (source != nullptr && is_op(*source, "If")) {
      HEARTH_TRY(here, read_if(view, names, *source, table));
    } else if (rotary) {
      here = read_shift(view, names, input_name(*node, 1));
    }
    if (!here) continue;
    if (found && found->threshold_tokens != here->threshold_tokens) {
      return fail(ErrorCode::kUnsupported, describe(*node) + " changes its rotary table at " +
                                               std::to_string(here->threshold_tokens) +
                                               " tokens, other nodes at " +
                                               std::to_string(found->threshold_tokens));
    }
    found = here;
  }
  return found;
}

}  // namespace hearth::onnx
