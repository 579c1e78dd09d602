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
#include "kernels/pack_linear.h"
#include "onnx/passes/ragged_graph.h"
#include "runtime/digest.h"

namespace hearth::runtime {

/// What a packed file is made from: changes with any byte of the model file, of which `model` is
/// the digest, and with size or time of its data files, which are looked up in `folder`. The
/// tensors of `graph` need no bytes.
Result<Digest> weight_source(const Digest& model, const std::filesystem::path& folder,
                             const onnx::RaggedGraph& graph);

/// Told how many bytes of how many are packed.
using PackingProgress = std::function<void(std::uint64_t done_bytes, std::uint64_t total_bytes)>;

/// Immutable once open; any thread may read.
class PackedWeights {
 public:
  /// kCorrupt, saying what is wrong, for a file that must be written anew; kNotFound, kIo. The
  /// tensors of `graph` need no bytes.
  static Result<PackedWeights> open(const std::filesystem::path& path, const Digest& source,
                                    const onnx::RaggedGraph& graph, int threads);

  /// Writes the file, reading the model's tensors from `folder` matrix by matrix.
  static Result<void> write(const std::filesystem::path& path, const Digest& source,
                            const onnx::RaggedGraph& graph, const std::filesystem::path& folder,
                            int threads, const PackingProgress& progress);

  /// Views into the mapping, in the order of RaggedGraph::linears.
  const std::vector<kernels::PackedLinear>& linears() const { return linears_; }

  /// Angles in the order of RaggedGraph::tables: cos, sin, long cos, long sin of each.
  const std::vector<std::span<const float>>& tables() const { return tables_; }

  std::uint64_t size_bytes() const { return file_->bytes().size(); }

  /// Where a matrix lies in bytes().
  struct Place {
    kernels::LinearFormat format;
    std::uint64_t offset = 0;
    std::uint64_t size_bytes = 0;
  };

  /// Of linears(), in their order, which is that of their offsets.
  const std::vector<Place>& places() const { return places_; }
  std::string_view bytes() const { return file_->bytes(); }

  /// Gives the pages of a matrix that will not be read again back to the system.
  void forget(const Place& place) const { file_->forget(place.offset, place.size_bytes); }

 private:
  std::shared_ptr<const MappedFile> file_;
  std::vector<kernels::PackedLinear> linears_;
  std::vector<Place> places_;
  std::vector<std::span<const float>> tables_;
};

/// Opens the first file of `paths` (kept_file.h) that can be used; kNotFound when there is none.
Result<PackedWeights> open_packed(const std::vector<std::filesystem::path>& paths,
                                  const Digest& source, const onnx::RaggedGraph& graph,
                                  int threads);

/// Writes the last of `paths` whose folder can be written to, and opens it. A process at a time:
/// one that waited for another opens what that has written. Where locks are impossible, each writes
/// its own, and the last to finish gives the file its name.
Result<PackedWeights> write_packed(const std::vector<std::filesystem::path>& paths,
                                   const Digest& source, const onnx::RaggedGraph& graph,
                                   const std::filesystem::path& folder, int threads,
                                   const PackingProgress& progress);

}  // namespace hearth::runtime
