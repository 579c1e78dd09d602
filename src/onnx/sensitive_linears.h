// Which matrix products of a decoder suffer most from four bits, by where they stand in the graph.
#pragma once

#include <onnx/onnx_pb.h>

#include <span>
#include <vector>

#include "onnx/graph_view.h"

namespace hearth::onnx {

/// Those of `linears` (products with a constant weight) that a mixed model keeps in eight bits:
///   - the head: its output is an output of the graph, perhaps through a Cast;
///   - in the first and the last eighth of the layers and in every third layer between them, the
///     product that makes the attention's values (with queries and keys where they are one) and the
///     last product of the layer, which adds to the residual.
/// The choice of layers is that of llama.cpp's mixed recipes (use_more_bits), which onnxruntime's
/// builder took over as k_quant_mixed. A layer is what follows an attention operator; a graph
/// without any has only its head.
std::vector<const ::onnx::NodeProto*> sensitive_linears(
    const GraphView& view, std::span<const ::onnx::NodeProto* const> linears);

}  // namespace hearth::onnx
