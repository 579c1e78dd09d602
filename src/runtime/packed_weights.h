// The packed weight file: a model's quantised matrices in the layout the kernels read, and its
// tables of angles, written once and mapped read-only ever after. Processes that use the same model
// share its pages.
//
// A file is used only when its version, its header, the model it was made from and the checksum of
// every entry are as they should be. Any other file is written anew beside its name and takes the
// name in one step, so a reader never sees half a file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/mapped_file.h"
#include "base/result.h"
#include "kernels/abi.h"
#include "onnx/passes/ragged_graph.h"

namespace hearth::runtime {

/// What a packed file was made from: changes with any byte of the model file and with size or time
/// of its data files.
struct WeightSource {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  bool operator==(const WeightSource&) const = default;
};

/// `model_bytes` is the model file's content; data files are looked up in `folder`.
Result<WeightSource> weight_source(std::string_view model_bytes,
                                   const std::filesystem::path& folder,
                                   const onnx::RaggedGraph& graph);

/// Told how many bytes of how many are packed.
using PackingProgress = std::function<void(std::uint64_t done_bytes, std::uint64_t total_bytes)>;

/// Immutable once open; any thread may read.
class PackedWeights {
 public:
  /// kCorrupt, saying what is wrong, for a file that must be written anew; kNotFound, kIo.
  static Result<PackedWeights> open(const std::filesystem::path& path, const WeightSource& source,
                                    const onnx::RaggedGraph& graph, int threads);

  /// Writes the file, reading the model's tensors from `folder` matrix by matrix.
  static Result<void> write(const std::filesystem::path& path, const WeightSource& source,
                            const onnx::RaggedGraph& graph, const std::filesystem::path& folder,
                            int threads, const PackingProgress& progress);

  /// Views into the mapping, in the order of RaggedGraph::linears.
  const std::vector<kernels::PackedLinear>& linears() const { return linears_; }

  /// Angles in the order of RaggedGraph::tables: cos, sin, long cos, long sin of each.
  const std::vector<std::span<const float>>& tables() const { return tables_; }

  std::uint64_t size_bytes() const { return file_->bytes().size(); }

 private:
  std::shared_ptr<const MappedFile> file_;
  std::vector<kernels::PackedLinear> linears_;
  std::vector<std::span<const float>> tables_;
};

/// Where a model's packed file may lie, in the order in which they are looked at: beside the model,
/// then in the cache folder, if there is one.
std::vector<std::filesystem::path> packed_weight_paths(const std::filesystem::path& model_file,
                                                       const std::filesystem::path& cache_folder);

/// Opens the first file of `paths` that can be used, or writes one to the last of them whose folder
/// can be written to.
Result<PackedWeights> open_or_write(const std::vector<std::filesystem::path>& paths,
                                    const WeightSource& source, const onnx::RaggedGraph& graph,
                                    const std::filesystem::path& folder, int threads,
                                    const PackingProgress& progress);

}  // namespace hearth::runtime
