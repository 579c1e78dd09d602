// Pass: attention over the cache becomes hearth.PagedAttention over the block pool. Rotary nodes
// before it move inside, and the tables of angles leave the graph, because which one a row uses
// depends on its sequence.
#include <algorithm>
#include <map>
#include <utility>

#include "onnx/decoder_parts.h"
#include "onnx/passes/passes.h"
#include "onnx/tensor_size.h"

namespace hearth::onnx::passes {
namespace {

using ::onnx::AttributeProto;
using ::onnx::GraphProto;
using ::onnx::NodeProto;
using ::onnx::TensorProto;

/// Inputs of com.microsoft.GroupQueryAttention.
enum GroupQueryInput {
  kQuery,
  kKey,
  kValue,
  kPastKey,
  kPastValue,
  kSequenceLengths,
  kTotalLength,
  kCos,
  kSin,
  kPositions,
  kAttentionBias,
  kHeadSink,
  kKeyScale,
  kValueScale,
  kQueryNorm,
  kKeyNorm,
};

/// The graph as it is, and what the released names mean in it.
struct Source {
  const GraphView& view;
  const DecoderIoNames& names;
  std::optional<LongRope> long_rope;
};

/// TableRows without a copy of the table: each layer has its own, and tables are large.
struct TableView {
  const TensorProto* tensor = nullptr;
  std::int64_t first_row = 0;
  std::int64_t rows = 0;

  std::int64_t width() const { return tensor->dims(1); }
  TableRows copy() const { return {*tensor, first_row, rows}; }
};

/// Row ranges of one table of angles.
struct AngleRows {
  TableView plain;
  std::optional<TableView> extended;
  std::string key;
};

Result<TableView> whole_table(const NodeProto& node, const TensorProto& tensor) {
  if (tensor.dims_size() != 2 || tensor.data_type() != TensorProto::FLOAT || tensor.dims(0) < 1) {
    return refuse(node, "has a table of angles that is not float32 of two dimensions");
  }
  return TableView{&tensor, 0, tensor.dims(0)};
}

/// The constant that a branch of an If returns as output `index`.
const TensorProto* branch_constant(const GraphProto& branch, int index) {
  if (index >= branch.output_size()) return nullptr;
  const std::string& name = branch.output(index).name();
  for (const TensorProto& tensor : branch.initializer()) {
    if (tensor.name() == name) return &tensor;
  }
  for (const NodeProto& node : branch.node()) {
    if (!is_op(node, "Constant") || output_name(node, 0) != name) continue;
    const AttributeProto* value = attribute(node, "value");
    return value != nullptr && value->has_t() ? &value->t() : nullptr;
  }
  return nullptr;
}

/// Both tables of a switch; find_long_rope() has checked that the longer one serves the longer
/// sequences.
Result<AngleRows> read_switch(const NodeProto& node, const NodeProto& source,
                              std::string_view table) {
  HEARTH_TRY(const GraphProto* then_branch, attribute_graph(source, "then_branch"));
  HEARTH_TRY(const GraphProto* else_branch, attribute_graph(source, "else_branch"));
  const auto at = std::find(source.output().begin(), source.output().end(), table);
  const int index = static_cast<int>(at - source.output().begin());
  const TensorProto* first = branch_constant(*then_branch, index);
  const TensorProto* second = branch_constant(*else_branch, index);
  if (first == nullptr || second == nullptr) {
    return refuse(node, "takes its angles from a switch whose branches are not constants");
  }
  AngleRows angles;
  HEARTH_TRY(TableView one, whole_table(node, *first));
  HEARTH_TRY(TableView other, whole_table(node, *second));
  if (one.rows > other.rows) std::swap(one, other);
  if (one.width() != other.width()) {
    return refuse(node, "has tables of angles of different widths");
  }
  angles.plain = one;
  angles.extended = other;
  angles.key = std::string(table);
  return angles;
}

Result<AngleRows> read_angles(const Source& source, const NodeProto& node, std::string_view table,
                              std::optional<std::int64_t> shift) {
  const NodeProto* producer = source.view.producer(table);
  if (producer != nullptr && is_op(*producer, "If")) return read_switch(node, *producer, table);
  const TensorProto* tensor = source.view.constant(table);
  if (tensor == nullptr) return refuse(node, "takes its angles from something that is no constant");
  AngleRows angles;
  HEARTH_TRY(angles.plain, whole_table(node, *tensor));
  angles.key = std::string(table);
  if (!shift) return angles;
  if (*shift < 1 || *shift >= angles.plain.rows) {
    return refuse(node, "shifts its positions beyond its table of angles");
  }
  angles.extended = angles.plain;
  angles.extended->first_row = *shift;
  angles.extended->rows -= *shift;
  angles.plain.rows = *shift;
  return angles;
}

/// How positions reach a rotary node: as they are, or shifted for long sequences.
struct Positions {
  std::optional<std::int64_t> shift;
};

Result<Positions> read_positions(const Source& source, const NodeProto& node,
                                 std::string_view value) {
  constexpr int kStepsMax = 8;
  Positions positions;
  for (int step = 0; step < kStepsMax; ++step) {
    if (!source.names.position_ids.empty() && value == source.names.position_ids) return positions;
    const NodeProto* from = source.view.producer(value);
    if (from == nullptr) break;
    if (is_op(*from, "Reshape") || is_op(*from, "Identity")) {
      value = input_name(*from, 0);
      continue;
    }
    // position_ids + Cast(length test) * shift: find_long_rope() knows what the test is.
    if (!is_op(*from, "Add") || !source.long_rope || positions.shift) break;
    const int plain = input_name(*from, 0) == source.names.position_ids ? 0 : 1;
    const NodeProto* product = source.view.producer(input_name(*from, 1 - plain));
    if (product == nullptr || !is_op(*product, "Mul")) break;
    for (const int side : {0, 1}) {
      const auto shift = source.view.constant_integer(input_name(*product, side));
      if (shift) positions.shift = *shift;
    }
    if (!positions.shift) break;
    value = input_name(*from, plain);
  }
  return refuse(node, "takes positions that are not the rows' own");
}

/// Angles that an attention layer uses.
struct Rotary {
  std::int64_t dim = 0;
  bool interleaved = false;
  AngleRows cosines;
  AngleRows sines;
  std::string key;  ///< RotaryTables::key
};

Result<Rotary> read_tables(const Source& source, const NodeProto& node, std::string_view cos,
                           std::string_view sin, std::optional<std::int64_t> shift) {
  Rotary rotary;
  HEARTH_TRY(AngleRows cosines, read_angles(source, node, cos, shift));
  HEARTH_TRY(AngleRows sines, read_angles(source, node, sin, shift));
  if (cosines.plain.width() != sines.plain.width() || cosines.plain.rows != sines.plain.rows ||
      cosines.extended.has_value() != sines.extended.has_value() ||
      (cosines.extended && (cosines.extended->rows != sines.extended->rows ||
                            cosines.extended->width() != sines.extended->width()))) {
    return refuse(node, "has tables of cosines and sines of different sizes");
  }
  if (source.long_rope && !cosines.extended) {
    return refuse(node, "has one table of angles where other nodes of the graph have two");
  }
  if (cosines.extended &&
      (!source.long_rope || source.long_rope->threshold_tokens > cosines.plain.rows)) {
    return refuse(node, "has a short table of angles that ends before the long one begins");
  }
  rotary.dim = 2 * cosines.plain.width();
  rotary.key = cosines.key + "\n" + sines.key;
  rotary.cosines = std::move(cosines);
  rotary.sines = std::move(sines);
  return rotary;
}

/// A RotaryEmbedding node that feeds a query or a key, and the value it rotates.
struct RotaryNode {
  Rotary rotary;
  std::string input;
};

Result<RotaryNode> read_rotary_node(const Source& source, const NodeProto& node,
                                    const AttentionLayer& layer, std::int64_t heads) {
  HEARTH_TRY(const Positions positions, read_positions(source, node, input_name(node, 1)));
  HEARTH_TRY(Rotary rotary,
             read_tables(source, node, input_name(node, 2), input_name(node, 3), positions.shift));
  HEARTH_TRY(const std::int64_t interleaved, attribute_int_or(node, "interleaved", 0));
  HEARTH_TRY(const std::int64_t dim, attribute_int_or(node, "rotary_embedding_dim", 0));
  HEARTH_TRY(const std::int64_t node_heads, attribute_int_or(node, "num_heads", 0));
  HEARTH_TRY(const float scale, attribute_float_or(node, "scale", 1.0F));
  HEARTH_TRY(const std::int64_t packed, attribute_int_or(node, "is_packed_batching", 0));
  rotary.interleaved = interleaved != 0;
  const bool sizes = (dim == 0 && rotary.dim == layer.head_dim) || dim == rotary.dim;
  if (!sizes || (node_heads != 0 && node_heads != heads) || scale != 1.0F || packed != 0) {
    return refuse(node, "rotates in a way that is not known here");
  }
  return RotaryNode{std::move(rotary), std::string(input_name(node, 0))};
}

Result<std::optional<TensorProto>> optional_vector(const Source& source, const NodeProto& node,
                                                   int input, std::int64_t length) {
  const auto name = input_name(node, input);
  if (name.empty()) return std::nullopt;
  const TensorProto* tensor = source.view.constant(name);
  const auto count = tensor != nullptr ? element_count(*tensor) : Result<std::uint64_t>(0);
  if (tensor == nullptr || tensor->data_type() != TensorProto::FLOAT || !count ||
      *count != static_cast<std::uint64_t>(length)) {
    return refuse(node, "has an input '" + std::string(name) + "' that is not a constant of " +
                            std::to_string(length) + " float32");
  }
  return *tensor;
}

/// Options of the operator that Hearth's attention does not compute.
Result<void> check_options(const NodeProto& node) {
  struct Option {
    const char* name;
    std::int64_t fallback;
  };
  for (const Option& option : {Option{"smooth_softmax", 0}, Option{"qk_output", 0},
                               Option{"sliding_window_cache", 0}, Option{"causal", 1}}) {
    HEARTH_TRY(const std::int64_t value, attribute_int_or(node, option.name, option.fallback));
    const bool unset = std::string_view(option.name) == "smooth_softmax" && value == -1;
    if (value != option.fallback && !unset) {
      return refuse(node, std::string("has ") + option.name + " " + std::to_string(value));
    }
  }
  for (const char* name : {"k_quant_type", "v_quant_type"}) {
    HEARTH_TRY(const std::string type, attribute_string_or(node, name, "NONE"));
    if (type != "NONE") return refuse(node, std::string("has ") + name + " " + type);
  }
  for (const int input : {kAttentionBias, kKeyScale, kValueScale}) {
    if (const auto name = input_name(node, input); !name.empty()) {
      return refuse(node, "has the input '" + std::string(name) +
                              "', which the accelerated attention does not take");
    }
  }
  return {};
}

/// The cache must be the graph's own input and output, read and written by this node alone.
Result<void> check_cache(const Source& source, const NodeProto& node) {
  for (const int input : {kPastKey, kPastValue}) {
    const auto name = input_name(node, input);
    if (source.view.input(name) == nullptr || uses(source.view, name) != 1) {
      return refuse(node, "has a cache that is not an input of the graph for it alone");
    }
  }
  for (const int output : {1, 2}) {
    const auto name = output_name(node, output);
    if (!source.view.is_output(name) || !source.view.consumers(name).empty()) {
      return refuse(node, "has a cache that other nodes read");
    }
  }
  if (!output_name(node, 3).empty()) return refuse(node, "gives its scores to other nodes");
  return {};
}

/// The dimensions of a head, from the shape the graph declares for the cache.
Result<std::int64_t> head_dim_of(const Source& source, const NodeProto& node) {
  const GraphValue* past = source.view.input(input_name(node, kPastKey));
  if (past == nullptr || past->dims.size() != 4 || !past->dims[3].value) {
    return refuse(node, "has a cache of unknown size");
  }
  return *past->dims[3].value;
}

struct AttentionMatch {
  const NodeProto* node = nullptr;
  AttentionLayer layer;
  std::optional<Rotary> rotary;
  std::string query;
  std::string key;
  std::string value;
};

/// Rotary inside the operator, or as nodes before it.
Result<void> read_rotary(const Source& source, AttentionMatch& match) {
  const NodeProto& node = *match.node;
  HEARTH_TRY(const std::int64_t inside, attribute_int_or(node, "do_rotary", 0));
  if (inside != 0) {
    HEARTH_TRY(const std::int64_t interleaved, attribute_int_or(node, "rotary_interleaved", 0));
    Positions positions;
    if (const auto ids = input_name(node, kPositions); !ids.empty()) {
      HEARTH_TRY(positions, read_positions(source, node, ids));
    }
    HEARTH_TRY(match.rotary, read_tables(source, node, input_name(node, kCos),
                                         input_name(node, kSin), positions.shift));
    match.rotary->interleaved = interleaved != 0;
    return {};
  }
  const NodeProto* q_rotary = source.view.producer(match.query);
  const NodeProto* k_rotary = source.view.producer(match.key);
  const auto rotates = [](const NodeProto* from) {
    return from != nullptr && is_op(*from, "RotaryEmbedding", kMicrosoftDomain);
  };
  if (!rotates(q_rotary) && !rotates(k_rotary)) return {};
  if (!rotates(q_rotary) || !rotates(k_rotary)) {
    return refuse(node, "has rotated queries and keys that are not, or the other way round");
  }
  HEARTH_TRY(RotaryNode q,
             read_rotary_node(source, *q_rotary, match.layer, match.layer.query_heads));
  HEARTH_TRY(RotaryNode k, read_rotary_node(source, *k_rotary, match.layer, match.layer.kv_heads));
  if (q.rotary.key != k.rotary.key || q.rotary.interleaved != k.rotary.interleaved) {
    return refuse(node, "rotates queries and keys by different angles");
  }
  match.query = std::move(q.input);
  match.key = std::move(k.input);
  match.rotary = std::move(q.rotary);
  return {};
}

Result<AttentionMatch> read_attention(const Source& source, const NodeProto& node) {
  AttentionMatch match;
  match.node = &node;
  AttentionLayer& layer = match.layer;
  layer.node = describe(node);
  HEARTH_TRY_VOID(check_options(node));
  HEARTH_TRY_VOID(check_cache(source, node));
  HEARTH_TRY(layer.query_heads, attribute_int(node, "num_heads"));
  HEARTH_TRY(layer.kv_heads, attribute_int(node, "kv_num_heads"));
  HEARTH_TRY(layer.head_dim, head_dim_of(source, node));
  HEARTH_TRY(layer.scale, attribute_float_or(node, "scale", 0.0F));
  HEARTH_TRY(layer.softcap, attribute_float_or(node, "softcap", 0.0F));
  HEARTH_TRY(const std::int64_t window, attribute_int_or(node, "local_window_size", -1));
  layer.window = window > 0 ? window : 0;
  HEARTH_TRY(layer.sinks, optional_vector(source, node, kHeadSink, layer.query_heads));
  HEARTH_TRY(layer.q_norm, optional_vector(source, node, kQueryNorm, layer.head_dim));
  HEARTH_TRY(layer.k_norm, optional_vector(source, node, kKeyNorm, layer.head_dim));
  HEARTH_TRY(layer.norm_epsilon, attribute_float_or(node, "qk_norm_epsilon", 1e-6F));
  if (layer.head_dim % 8 != 0 || layer.head_dim > 256 || layer.kv_heads < 1 ||
      layer.query_heads % layer.kv_heads != 0) {
    return refuse(node, "has heads of " + std::to_string(layer.head_dim) +
                            " dimensions; multiples of 8 up to 256 can be computed");
  }
  match.query = std::string(input_name(node, kQuery));
  match.key = std::string(input_name(node, kKey));
  match.value = std::string(input_name(node, kValue));
  if (match.key.empty() != match.value.empty()) return refuse(node, "has keys without values");
  HEARTH_TRY_VOID(read_rotary(source, match));
  if (match.rotary && (match.rotary->dim > layer.head_dim || match.rotary->dim % 2 != 0)) {
    return refuse(node, "rotates more dimensions than a head has");
  }
  return match;
}

/// The place of the layer's tables among those known, which they join if they are new.
std::size_t place_of(RaggedGraph& ragged, const Rotary& rotary) {
  for (std::size_t i = 0; i < ragged.tables.size(); ++i) {
    if (ragged.tables[i].key == rotary.key) return i;
  }
  RotaryTables tables;
  tables.key = rotary.key;
  tables.cos = rotary.cosines.plain.copy();
  tables.sin = rotary.sines.plain.copy();
  if (rotary.cosines.extended) tables.long_cos = rotary.cosines.extended->copy();
  if (rotary.sines.extended) tables.long_sin = rotary.sines.extended->copy();
  const std::int64_t rows = tables.long_cos ? tables.long_cos->rows : tables.cos.rows;
  ragged.rotary_positions =
      ragged.rotary_positions == 0 ? rows : std::min(ragged.rotary_positions, rows);
  ragged.tables.push_back(std::move(tables));
  return ragged.tables.size() - 1;
}

void rewrite(RaggedGraph& ragged, AttentionMatch& match) {
  NodeProto& node = editable(*ragged.model.mutable_graph(), match.node);
  AttentionLayer& layer = match.layer;
  if (match.rotary) {
    layer.rotary_dim = match.rotary->dim;
    layer.rotary_interleaved = match.rotary->interleaved;
    layer.tables = place_of(ragged, *match.rotary);
  }
  const std::string output = node.output(0);
  become(node, kPagedAttention,
         {match.query, match.key, match.value, ragged.names.segments, ragged.names.blocks});
  node.clear_output();
  node.add_output(output);
  AttributeProto& index = *node.add_attribute();
  index.set_name("layer");
  index.set_type(AttributeProto::INT);
  index.set_i(static_cast<std::int64_t>(ragged.layers.size()));
  ragged.layers.push_back(std::move(layer));
}

}  // namespace

Result<void> paged_attention(RaggedGraph& ragged, const DecoderIoNames& names) {
  GraphProto& graph = *ragged.model.mutable_graph();
  std::vector<AttentionMatch> matches;
  {
    HEARTH_TRY(const GraphView view, GraphView::build(graph));
    const Source source{view, names, ragged.long_rope};
    for (const NodeProto* node : view.nodes()) {
      if (!is_op(*node, "GroupQueryAttention", kMicrosoftDomain)) continue;
      HEARTH_TRY(AttentionMatch match, read_attention(source, *node));
      matches.push_back(std::move(match));
    }
  }
  // The outputs of the cache must go before the nodes that made them.
  auto* outputs = graph.mutable_output();
  for (int i = outputs->size() - 1; i >= 0; --i) {
    if (outputs->Get(i).name() != names.logits) outputs->DeleteSubrange(i, 1);
  }
  for (AttentionMatch& match : matches) rewrite(ragged, match);
  return {};
}

}  // namespace hearth::onnx::passes
