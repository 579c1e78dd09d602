// The two questions about a decoder graph that need graph walking of their own. Internal to this
// room.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "base/result.h"
#include "onnx/decoder_graph.h"
#include "onnx/graph_view.h"

namespace hearth::onnx {

/// Finds the switch between two tables of rotary angles: an If whose branches are constant tables
/// that feed an attention or rotary node, or a shift of the position ids into a joined table.
/// Nothing when the graph has one table; kUnsupported when it has a switch that depends on
/// something else than the length of the sequence.
Result<std::optional<LongRope>> find_long_rope(const GraphView& view, const DecoderIoNames& names);

struct WeightSummary {
  std::map<std::string, std::int64_t> matmul_precisions;
  std::uint64_t bytes_read_per_token = 0;
  std::uint64_t weight_bytes = 0;
  std::int64_t hidden_size = 0;  ///< 0 when no embedding lookup of a known kind reads input_ids
};

/// Adds up the initializers by how much of each a token reads.
Result<WeightSummary> summarise_weights(const GraphView& view, const DecoderIoNames& names);

}  // namespace hearth::onnx
