// The check behind the passes: starting from the embedding rows, every node that a row reaches must
// be known to treat each row alone. One that is not would mix the rows of different users.
#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <utility>

#include "onnx/passes/passes.h"

namespace hearth::onnx::passes {
namespace {

using ::onnx::NodeProto;
using ::onnx::TensorProto;

/// What is known of a tensor whose rows belong to tokens: [1, rows * parts, width].
struct Rows {
  std::int64_t parts = 1;  ///< rows of the tensor for each token: 1, or heads when cut by head
  std::int64_t width = 0;
  bool selected = false;  ///< behind the Gather of wanted rows
  bool operator==(const Rows&) const = default;
};

/// Element by element, one input that is no constant.
constexpr std::array<std::string_view, 14> kUnary = {
    "Sigmoid", "Tanh", "Relu", "Erf", "Neg",        "Abs",      "Sqrt",
    "Exp",     "Log",  "Gelu", "Elu", "Reciprocal", "Identity", "HardSigmoid"};
constexpr std::array<std::string_view, 3> kMicrosoftUnary = {"FastGelu", "Gelu", "QuickGelu"};
constexpr std::array<std::string_view, 7> kBinary = {"Add", "Sub", "Mul", "Div",
                                                     "Pow", "Min", "Max"};

/// The input of NormLinear that is added to its rows.
constexpr int kNormSkip = 3;

template <std::size_t N>
bool is_any(const NodeProto& node, const std::array<std::string_view, N>& ops,
            std::string_view domain = "") {
  return std::any_of(ops.begin(), ops.end(),
                     [&](std::string_view op) { return is_op(node, op, domain); });
}

class RowCheck {
 public:
  RowCheck(RaggedGraph& ragged, const GraphView& view, bool library_products)
      : ragged_(ragged), view_(view), library_products_(library_products) {}

  Result<void> run();

 private:
  Result<std::vector<std::pair<std::string, Rows>>> visit(const NodeProto& node);
  Result<Rows> embedding(const NodeProto& node) const;
  Result<Rows> selection(const NodeProto& node) const;
  Result<Rows> elementwise(const NodeProto& node) const;
  Result<Rows> norm(const NodeProto& node) const;
  Result<Rows> skip_norm(const NodeProto& node) const;
  Result<Rows> reshape(const NodeProto& node) const;
  Result<Rows> attention(const NodeProto& node) const;
  Result<Rows> library_product(const NodeProto& node);
  Result<std::vector<std::pair<std::string, Rows>>> split(const NodeProto& node) const;
  Result<std::vector<std::pair<std::string, Rows>>> linear(const NodeProto& node) const;

  const Rows* rows_of(std::string_view value) const {
    const auto found = rows_.find(value);
    return found != rows_.end() ? &found->second : nullptr;
  }
  bool touches_rows(const NodeProto& node) const;
  bool is_vector_of(std::string_view value, std::int64_t width) const;
  bool broadcasts_over_rows(std::string_view value, const Rows& rows) const;
  Result<Rows> input_rows(const NodeProto& node, int index) const;

  RaggedGraph& ragged_;
  const GraphView& view_;
  bool library_products_;
  std::map<std::string, Rows, std::less<>> rows_;
};

bool RowCheck::touches_rows(const NodeProto& node) const {
  const auto is_row = [&](const std::string& value) {
    return value == ragged_.names.ids || rows_of(value) != nullptr;
  };
  const auto captures = view_.captures(node);
  return std::any_of(node.input().begin(), node.input().end(), is_row) ||
         std::any_of(captures.begin(), captures.end(), is_row);
}

/// A constant with `width` elements in its last dimension and nothing else.
bool RowCheck::is_vector_of(std::string_view value, std::int64_t width) const {
  const TensorProto* tensor = view_.constant(value);
  return tensor != nullptr && tensor->dims_size() == 1 && tensor->dims(0) == width;
}

/// A constant that is the same for every row.
bool RowCheck::broadcasts_over_rows(std::string_view value, const Rows& rows) const {
  const TensorProto* tensor = view_.constant(value);
  if (tensor == nullptr || tensor->dims_size() > 3) return false;
  for (int i = 0; i < tensor->dims_size(); ++i) {
    const bool last = i + 1 == tensor->dims_size();
    if (tensor->dims(i) != 1 && !(last && tensor->dims(i) == rows.width)) return false;
  }
  return true;
}

Result<Rows> RowCheck::input_rows(const NodeProto& node, int index) const {
  const Rows* rows = rows_of(input_name(node, index));
  if (rows == nullptr) {
    return refuse(node,
                  "takes its input " + std::to_string(index) + " from something that has no rows");
  }
  return *rows;
}

/// Gather of whole rows of a constant by token id.
Result<Rows> RowCheck::embedding(const NodeProto& node) const {
  const bool plain = is_op(node, "Gather");
  const TensorProto* table = view_.constant(input_name(node, 0));
  HEARTH_TRY(const std::int64_t axis, attribute_int_or(node, plain ? "axis" : "gather_axis", 0));
  if (table == nullptr || table->dims_size() != 2 || axis != 0 ||
      input_name(node, 1) != ragged_.names.ids) {
    return refuse(node, "looks token ids up in something that is no constant table");
  }
  if (plain) {
    if (table->data_type() != TensorProto::FLOAT) {
      return refuse(node, "looks up rows that are not float32");
    }
    return Rows{1, table->dims(1), false};
  }
  HEARTH_TRY(const std::int64_t bits, attribute_int_or(node, "bits", 4));
  const TensorProto* scales = view_.constant(input_name(node, 2));
  if (scales == nullptr || scales->data_type() != TensorProto::FLOAT) {
    return refuse(node, "has scales that are not constants of float32");
  }
  const bool bytes = table->data_type() == TensorProto::UINT8;
  if (bits != 4 && bits != 8) return refuse(node, "has rows of neither 4 nor 8 bits");
  return Rows{1, bytes ? table->dims(1) * 8 / bits : table->dims(1), false};
}

/// The Gather that select_rows() made.
Result<Rows> RowCheck::selection(const NodeProto& node) const {
  HEARTH_TRY(Rows rows, input_rows(node, 0));
  HEARTH_TRY(const std::int64_t axis, attribute_int_or(node, "axis", 0));
  if (input_name(node, 1) != ragged_.names.logit_rows || axis != 1 || rows.parts != 1 ||
      rows.selected) {
    return refuse(node, "picks parts of rows, or rows in an order of its own");
  }
  rows.selected = true;
  return rows;
}

Result<Rows> RowCheck::elementwise(const NodeProto& node) const {
  std::optional<Rows> rows;
  for (const std::string& input : node.input()) {
    const Rows* mine = rows_of(input);
    if (mine == nullptr) continue;
    if (rows && !(*rows == *mine)) return refuse(node, "joins rows of different kinds");
    rows = *mine;
  }
  if (!rows) return refuse(node, "reads token ids as numbers");
  for (const std::string& input : node.input()) {
    if (input.empty() || rows_of(input) != nullptr) continue;
    if (!broadcasts_over_rows(input, *rows)) {
      return refuse(node, "joins rows with '" + input + "', which is not the same for every row");
    }
  }
  return *rows;
}

/// Norms over the last axis of rows cut by head or not.
Result<Rows> RowCheck::norm(const NodeProto& node) const {
  HEARTH_TRY(const Rows rows, input_rows(node, 0));
  HEARTH_TRY(const std::int64_t axis, attribute_int_or(node, "axis", -1));
  if (axis != -1 && axis != 2) return refuse(node, "normalises over more than a row");
  for (int i = 1; i < node.input_size(); ++i) {
    if (!input_name(node, i).empty() && !is_vector_of(input_name(node, i), rows.width)) {
      return refuse(node, "has a weight that is not a constant of " + std::to_string(rows.width));
    }
  }
  for (int i = 1; i < node.output_size(); ++i) {
    if (!output_name(node, i).empty()) return refuse(node, "gives statistics to other nodes");
  }
  return rows;
}

Result<Rows> RowCheck::skip_norm(const NodeProto& node) const {
  HEARTH_TRY(const Rows rows, input_rows(node, 0));
  HEARTH_TRY(const Rows skip, input_rows(node, 1));
  if (!(rows == skip)) return refuse(node, "adds rows of different kinds");
  for (int i = 2; i < node.input_size(); ++i) {
    if (!input_name(node, i).empty() && !is_vector_of(input_name(node, i), rows.width)) {
      return refuse(node, "has a weight that is not a constant of " + std::to_string(rows.width));
    }
  }
  for (const int statistics : {1, 2}) {
    if (!output_name(node, statistics).empty()) {
      return refuse(node, "gives statistics to other nodes");
    }
  }
  return rows;
}

/// [0, -1, width]: rows cut into equal parts, or put together again.
Result<Rows> RowCheck::reshape(const NodeProto& node) const {
  HEARTH_TRY(const Rows rows, input_rows(node, 0));
  const auto shape = view_.constant_integers(input_name(node, 1));
  HEARTH_TRY(const std::int64_t zero_is_zero, attribute_int_or(node, "allowzero", 0));
  const bool keeps_axis = shape && shape->size() == 3 && zero_is_zero == 0 &&
                          ((*shape)[0] == 0 || (*shape)[0] == 1) && (*shape)[1] == -1 &&
                          (*shape)[2] > 0;
  if (keeps_axis) {
    const std::int64_t token_width = rows.parts * rows.width;
    const std::int64_t width = (*shape)[2];
    if (token_width % width == 0) return Rows{token_width / width, width, rows.selected};
  }
  return refuse(node, "does not keep the rows of a token together");
}

Result<Rows> RowCheck::attention(const NodeProto& node) const {
  HEARTH_TRY(const std::int64_t index, attribute_int(node, "layer"));
  const AttentionLayer& layer = ragged_.layers.at(static_cast<std::size_t>(index));
  const bool packed = input_name(node, 1).empty();
  const std::int64_t q_width = layer.query_heads * layer.head_dim;
  const std::int64_t kv_width = layer.kv_heads * layer.head_dim;
  const std::int64_t widths[] = {packed ? q_width + 2 * kv_width : q_width, kv_width, kv_width};
  for (int i = 0; i < (packed ? 1 : 3); ++i) {
    HEARTH_TRY(const Rows rows, input_rows(node, i));
    if (!(rows == Rows{1, widths[i], false})) {
      return fail(ErrorCode::kUnsupported,
                  layer.node + " has rows of " + std::to_string(rows.width) +
                      " where its heads need " + std::to_string(widths[i]));
    }
  }
  return Rows{1, q_width, false};
}

Result<std::vector<std::pair<std::string, Rows>>> RowCheck::linear(const NodeProto& node) const {
  HEARTH_TRY(const Rows rows, input_rows(node, 0));
  std::vector<std::pair<std::string, Rows>> made;
  const int linears = node.attribute(0).ints_size();
  for (int i = 0; i < linears; ++i) {
    const auto index = static_cast<std::size_t>(node.attribute(0).ints(i));
    const QuantisedTensors& linear = ragged_.linears.at(index);
    if (rows.parts != 1 || rows.width != linear.k) {
      return fail(ErrorCode::kUnsupported, linear.node + " has rows of " +
                                               std::to_string(rows.width) + " where K is " +
                                               std::to_string(linear.k));
    }
    made.emplace_back(node.output(i), Rows{1, linear.n, rows.selected});
  }
  if (is_hearth(node, kNormLinear) && node.input_size() > kNormSkip) {
    HEARTH_TRY(const Rows skip, input_rows(node, kNormSkip));
    if (!(rows == skip)) return refuse(node, "adds rows of different kinds");
    if (node.output_size() > linears) made.emplace_back(node.output(linears), rows);
  }
  return made;
}

/// Sound for isolation, but one row and many are rounded differently.
Result<Rows> RowCheck::library_product(const NodeProto& node) {
  HEARTH_TRY(Rows rows, input_rows(node, 0));
  if (!library_products_) {
    return refuse(node,
                  "is computed by ONNX Runtime, which rounds a row differently when it is alone "
                  "and when others stand beside it");
  }
  const TensorProto* matrix = view_.constant(input_name(node, 1));
  if (matrix == nullptr || rows.parts != 1) return refuse(node, "has no constant matrix");
  if (is_op(node, "MatMul")) {
    if (matrix->dims_size() != 2 || matrix->dims(0) != rows.width) {
      return refuse(node, "has a matrix of another height than its rows' width");
    }
    rows.width = matrix->dims(1);
  } else {
    HEARTH_TRY(rows.width, attribute_int(node, "N"));
  }
  ragged_.library_products.push_back(describe(node));
  return rows;
}

/// Parts of every row, by constant widths or equal ones.
Result<std::vector<std::pair<std::string, Rows>>> RowCheck::split(const NodeProto& node) const {
  HEARTH_TRY(const Rows rows, input_rows(node, 0));
  HEARTH_TRY(const std::int64_t axis, attribute_int_or(node, "axis", 0));
  if (axis != -1 && axis != 2) return refuse(node, "splits the rows apart");
  std::vector<std::int64_t> widths(static_cast<std::size_t>(node.output_size()),
                                   rows.width / std::max(1, node.output_size()));
  if (const auto name = input_name(node, 1); !name.empty()) {
    const auto given = view_.constant_integers(name);
    if (!given || given->size() != widths.size()) return refuse(node, "splits by unknown widths");
    widths = *given;
  } else if (rows.width % std::max(1, node.output_size()) != 0) {
    return refuse(node, "splits rows into unequal parts");
  }
  std::vector<std::pair<std::string, Rows>> made;
  std::int64_t total = 0;
  for (int i = 0; i < node.output_size(); ++i) {
    const std::int64_t width = widths[static_cast<std::size_t>(i)];
    if (width < 1 || width > rows.width) return refuse(node, "splits by unknown widths");
    total += width;
    made.emplace_back(node.output(i), Rows{rows.parts, width, rows.selected});
  }
  if (total != rows.width) return refuse(node, "splits by widths that do not add up");
  return made;
}

Result<std::vector<std::pair<std::string, Rows>>> RowCheck::visit(const NodeProto& node) {
  const auto only = [&](const Rows& rows) {
    return std::vector<std::pair<std::string, Rows>>{{node.output(0), rows}};
  };
  if (is_hearth(node, kQuantLinear) || is_hearth(node, kNormLinear)) return linear(node);
  if (is_op(node, "Split")) return split(node);
  Result<Rows> rows = refuse(node, "is not known to treat every row alone");
  if (is_op(node, "GatherBlockQuantized", kMicrosoftDomain) ||
      (is_op(node, "Gather") && input_name(node, 1) == ragged_.names.ids)) {
    rows = embedding(node);
  } else if (is_op(node, "Gather")) {
    rows = selection(node);
  } else if (is_hearth(node, kPagedAttention)) {
    rows = attention(node);
  } else if (is_hearth(node, kGatedSilu) || is_any(node, kUnary) || is_any(node, kBinary) ||
             is_any(node, kMicrosoftUnary, kMicrosoftDomain)) {
    rows = elementwise(node);
  } else if (is_op(node, "SimplifiedLayerNormalization") || is_op(node, "LayerNormalization") ||
             is_op(node, "RMSNormalization")) {
    rows = norm(node);
  } else if (is_op(node, "SkipSimplifiedLayerNormalization", kMicrosoftDomain) ||
             is_op(node, "SkipLayerNormalization", kMicrosoftDomain)) {
    HEARTH_TRY(const Rows sum, skip_norm(node));
    auto made = only(sum);
    if (const auto name = output_name(node, 3); !name.empty()) {
      made.emplace_back(std::string(name), sum);
    }
    return made;
  } else if (is_op(node, "Reshape")) {
    rows = reshape(node);
  } else if (is_op(node, "MatMul") || is_op(node, "MatMulNBits", kMicrosoftDomain)) {
    rows = library_product(node);
  }
  if (!rows) return tl::unexpected<Error>(rows.error());
  return only(*rows);
}

Result<void> RowCheck::run() {
  const std::set<std::string> fed{ragged_.names.ids, ragged_.names.segments, ragged_.names.blocks,
                                  ragged_.names.exact_rows, ragged_.names.logit_rows};
  for (const GraphValue& input : view_.inputs()) {
    if (fed.contains(input.name)) continue;
    const auto readers = view_.consumers(input.name);
    return fail(ErrorCode::kUnsupported,
                (readers.empty() ? std::string("the graph") : describe(*readers.front())) +
                    " reads the input '" + input.name +
                    "', which is different for each sequence of a step");
  }
  for (const NodeProto* node : view_.nodes()) {
    if (!touches_rows(*node)) continue;
    HEARTH_TRY(auto made, visit(*node));
    for (auto& [name, rows] : made) rows_.emplace(std::move(name), rows);
  }
  const Rows* logits = rows_of(ragged_.names.logits);
  if (logits == nullptr || !(*logits == Rows{1, ragged_.vocab_size, true})) {
    return fail(ErrorCode::kUnsupported, "the logits are not one row for each wanted token");
  }
  return {};
}

}  // namespace

Result<void> check_rows(RaggedGraph& ragged, bool allow_library_products) {
  ragged.library_products.clear();
  HEARTH_TRY(const GraphView view, GraphView::build(ragged.model.graph()));
  return RowCheck(ragged, view, allow_library_products).run();
}

}  // namespace hearth::onnx::passes
