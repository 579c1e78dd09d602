// A model's graph as the accelerated executor runs it, kept beside the model so that the passes and
// the parsing before them run once and not at every start.
#pragma once

#include <filesystem>

#include "base/result.h"
#include "onnx/passes/ragged_graph.h"
#include "runtime/model_folder.h"

namespace hearth::runtime {

struct RewrittenGraph {
  onnx::RaggedGraph graph;
  /// False for a kept copy: the weights and tables that left the graph have names, dimensions and
  /// places in data files, but no bytes of their own. Enough to open packed weights, not to pack
  /// them.
  bool has_tensors = false;
};

/// A kept copy made from this very model file, with these switches and this version of the passes,
/// or the graph rewritten now and kept for the next time. Errors as of make_ragged(), and of
/// reading the model file.
Result<RewrittenGraph> rewritten_graph(const ModelFolder& model, const onnx::PassSwitches& switches,
                                       const std::filesystem::path& cache_folder);

/// The same, always rewritten now and with all tensors. kCorrupt when the model file is no longer
/// the one that the folder was opened with.
Result<onnx::RaggedGraph> rewrite_graph(const ModelFolder& model,
                                        const onnx::PassSwitches& switches);

/// Frees the bytes of the tensors that left the graph; has_tensors is then false.
void drop_tensors(RewrittenGraph& rewritten);

}  // namespace hearth::runtime
