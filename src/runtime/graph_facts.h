// What a model's graph says about itself and what it needs of its data files, kept so that the
// graph need not be parsed at every start.
#pragma once

#include <filesystem>

#include "base/result.h"
#include "onnx/decoder_graph.h"
#include "runtime/digest.h"

namespace hearth::runtime {

/// Files made from smaller models are not kept: reading those anew takes no time.
inline constexpr std::uintmax_t kKeptFromModelBytes = std::uintmax_t{1} << 20;

struct GraphFacts {
  Digest model;  ///< of every byte of the model file
  onnx::DecoderGraphInfo info;
};

/// Reads and checks a model file and measures its data files. Only what follows from the model
/// file's bytes and `names` alone is taken from a kept copy, and only when the bytes are the same;
/// data files are looked at every time. Errors name the file: kNotFound, kCorrupt, kUnsupported,
/// kIo.
Result<GraphFacts> read_graph_facts(const std::filesystem::path& model_file,
                                    const onnx::DecoderIoNames& names,
                                    const std::filesystem::path& cache_folder);

}  // namespace hearth::runtime
