// What a decoder graph says about itself, read by structure: sizes, attention, the LongRoPE switch,
// and the bytes of weights one generated token reads.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "onnx/graph_view.h"

namespace hearth::onnx {

/// What is kept of a checked graph is used as long as this is the same: a change of what
/// read_decoder_graph(), parse_model() or check_external_data() accept or tell gives the next
/// number.
inline constexpr std::uint64_t kDecoderGraphVersion = 1;

/// Names of the graph's inputs and outputs, as genai_config.json gives them. Patterns hold one %d
/// for the layer. An empty position_ids says that the configuration names none.
struct DecoderIoNames {
  std::string input_ids = "input_ids";
  std::string attention_mask = "attention_mask";
  std::string position_ids;
  std::string past_key = "past_key_values.%d.key";
  std::string past_value = "past_key_values.%d.value";
  std::string logits = "logits";
  std::string present_key = "present.%d.key";
  std::string present_value = "present.%d.value";
};

/// The pattern with its one %d replaced; kInvalidArgument for a pattern without exactly one %d.
Result<std::string> layer_name(const std::string& pattern, std::int64_t layer);

/// A graph that holds two tables of rotary angles and chooses by the length of the sequence.
struct LongRope {
  std::int64_t threshold_tokens = 0;  ///< sequences longer than this use the long table
};

/// All that the runtime needs to size buffers and to report. Dimensions the graph leaves symbolic
/// are 0 where that is said, and errors elsewhere.
struct DecoderGraphInfo {
  std::int64_t layers = 0;
  std::int64_t kv_heads = 0;
  std::int64_t head_dim = 0;
  std::optional<std::int64_t> query_heads;  ///< from the attention operator, where it tells
  std::int64_t vocab_size = 0;
  std::int64_t hidden_size = 0;          ///< width of the embedding rows; 0 when not recognised
  std::int32_t logits_element_type = 0;  ///< onnx DataType of the logits
  std::int32_t cache_element_type = 0;   ///< onnx DataType of past and present
  bool has_attention_mask = false;
  bool has_position_ids = false;
  bool uses_group_query_attention = false;  ///< every layer's cache goes through that operator
  std::optional<LongRope> long_rope;
  /// Rows of the one table of rotary angles: positions beyond them cannot be computed. Not told for
  /// graphs with a switch, without a table of their own, or with another attention.
  std::optional<std::int64_t> rotary_positions;
  /// Matrices by kind, for display: {"int4 block 32", 161}, {"float32", 2}.
  std::map<std::string, std::int64_t> matmul_precisions;
  /// Weight bytes that generating one token reads: all matrices with their scales and zero points,
  /// norms and biases, and one row of the embedding.
  std::uint64_t bytes_read_per_token = 0;
  /// Bytes of all initializers.
  std::uint64_t weight_bytes = 0;
};

/// Reads the graph. kCorrupt or kUnsupported, naming the input, output or node, when something
/// `names` refers to is missing, has another shape or type than a decoder's, or differs between
/// layers.
Result<DecoderGraphInfo> read_decoder_graph(const GraphView& view, const DecoderIoNames& names);

}  // namespace hearth::onnx
