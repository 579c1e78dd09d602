// From a released decoder graph to a ragged one: the tokens of all sequences of a step in one row
// dimension, quantised matrices and attention as Hearth's own operators, logits only for rows that
// are asked for. Pure: a model goes in, a model and the tensors that left it come out.
//
// The passes match by structure. No node and no tensor is known by its name; only the inputs and
// outputs that genai_config.json names are.
//
// The rewritten graph:
//   inputs   ids         int64 [1, rows]      token ids, rows of all sequences
//            segments    int32 [segments, 6]  kSegmentFields of each segment of rows
//            blocks      int32 [segments, *]  block tables, one row per segment
//            exact_rows  int32 [1]            rows [0, exact_rows) take the exact recipe
//            logit_rows  int64 [wanted]       rows whose logits are wanted, none is allowed
//   output   logits      float [1, wanted, vocab]
//   hearth.QuantLinear(x, exact_rows) -> y...
//            attribute `linears`: indices of RaggedGraph::linears
//   hearth.NormLinear(x, exact_rows, weight, skip?) -> y..., sum?
//            the same of RMSNorm(x + skip) * weight; attribute `epsilon`; sum is x + skip
//   hearth.PagedAttention(q, k?, v?, segments, blocks) -> y
//            attribute `layer`: index of ::layers
#pragma once

#include <onnx/onnx_pb.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "onnx/decoder_graph.h"

namespace hearth::onnx {

/// What is kept of a rewritten graph is used as long as this is the same: a change of what the
/// passes make, or of what they refuse, gives the next number.
inline constexpr std::uint64_t kPassesVersion = 2;

inline constexpr std::string_view kHearthDomain = "hearth";
inline constexpr std::string_view kQuantLinear = "QuantLinear";
inline constexpr std::string_view kNormLinear = "NormLinear";
inline constexpr std::string_view kPagedAttention = "PagedAttention";
inline constexpr std::string_view kGatedSilu = "GatedSilu";

/// Columns of the `segments` input.
enum SegmentField : int {
  kSegmentFirstRow,
  kSegmentRows,
  kSegmentPast,      ///< tokens of the sequence that the pool holds already
  kSegmentBlocks,    ///< how many entries of its row of `blocks` count
  kSegmentLongRope,  ///< 1: the long rotary table
  kSegmentFast,      ///< 1: rows of a prompt, which may take the fast recipe
  kSegmentFields,
};

/// The tensors of one MatMulNBits node, taken out of the graph.
struct QuantisedTensors {
  ::onnx::TensorProto weights;
  ::onnx::TensorProto scales;
  std::optional<::onnx::TensorProto> zero_points;
  std::optional<::onnx::TensorProto> bias;
  std::int64_t n = 0;
  std::int64_t k = 0;
  int bits = 4;
  int block_size = 32;
  std::string node;  ///< "node '...' (MatMulNBits)", for errors
};

/// Some rows of a table of angles, [rows, rotary_dim / 2].
struct TableRows {
  ::onnx::TensorProto tensor;
  std::int64_t first_row = 0;
  std::int64_t rows = 0;
};

/// The angles of one rotary embedding; `long_cos` and `long_sin` only where LongRoPE has them.
struct RotaryTables {
  TableRows cos;
  TableRows sin;
  std::optional<TableRows> long_cos;
  std::optional<TableRows> long_sin;
  std::string key;  ///< equal for layers that share their tables
};

/// One attention node, and how its cache was called in the released graph.
struct AttentionLayer {
  std::int64_t query_heads = 0;
  std::int64_t kv_heads = 0;
  std::int64_t head_dim = 0;
  float scale = 0;          ///< 0: 1 / sqrt(head_dim)
  float softcap = 0;        ///< 0: none
  std::int64_t window = 0;  ///< keys a row sees, itself included; 0: all
  bool rotary_interleaved = false;
  std::int64_t rotary_dim = 0;        ///< 0: no rotary
  std::optional<std::size_t> tables;  ///< index of RaggedGraph::tables
  std::optional<::onnx::TensorProto> sinks;
  std::optional<::onnx::TensorProto> q_norm;
  std::optional<::onnx::TensorProto> k_norm;
  float norm_epsilon = 0;
  std::string node;
};

struct RaggedNames {
  std::string ids;
  std::string segments;
  std::string blocks;
  std::string exact_rows;
  std::string logit_rows;
  std::string logits;
};

struct RaggedGraph {
  ::onnx::ModelProto model;
  RaggedNames names;
  std::vector<QuantisedTensors> linears;
  std::vector<AttentionLayer> layers;
  std::vector<RotaryTables> tables;
  std::int64_t vocab_size = 0;
  std::optional<LongRope> long_rope;
  /// Positions the tables reach; no sequence can be longer. 0: no table.
  std::int64_t rotary_positions = 0;
  /// Nodes whose rounding of a row may depend on the number of rows (float products of the
  /// library); empty unless PassSwitches::allow_library_products.
  std::vector<std::string> library_products;
};

/// Each pass can be left out, to find the one at fault. Without the attention pass no graph is
/// ragged, so leaving it out shows as a refusal.
struct PassSwitches {
  bool quant_linear = true;
  bool join_linears = true;
  bool gated_silu = true;
  bool norm_linear = true;
  bool paged_attention = true;
  bool fold_reshape = true;
  bool select_rows = true;
  /// Accepts products of the library (MatMul, MatMulNBits) with constant matrices. They treat each
  /// row alone, but round it differently for one row and for many.
  bool allow_library_products = false;
};

/// Rewrites `model`, which must have passed read_decoder_graph() with `names`. kUnsupported, naming
/// the node, when something in it would mix the rows of different sequences or is not known here.
Result<RaggedGraph> make_ragged(::onnx::ModelProto model, const DecoderIoNames& names,
                                const PassSwitches& switches = {});

}  // namespace hearth::onnx
