#include "runtime/rewritten_graph.h"

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "base/mapped_file.h"
#include "onnx/model_file.h"
#include "runtime/archive.h"
#include "runtime/graph_facts.h"
#include "runtime/graph_fields.h"
#include "runtime/kept_file.h"

namespace hearth::runtime {
namespace {

namespace fs = std::filesystem;
using ::onnx::TensorProto;

constexpr std::uint64_t kGraphKind = 2;

/// Which tensor it is, without its bytes.
TensorProto described(const TensorProto& tensor) {
  TensorProto described;
  described.set_name(tensor.name());
  described.set_data_type(tensor.data_type());
  *described.mutable_dims() = tensor.dims();
  *described.mutable_external_data() = tensor.external_data();
  described.set_data_location(tensor.data_location());
  return described;
}

/// Calls `visit` with every tensor that left the graph to be packed.
template <class Visit>
void each_tensor(onnx::RaggedGraph& graph, const Visit& visit) {
  for (onnx::QuantisedTensors& linear : graph.linears) {
    visit(linear.weights);
    visit(linear.scales);
    if (linear.zero_points) visit(*linear.zero_points);
    if (linear.bias) visit(*linear.bias);
  }
  for (onnx::RotaryTables& tables : graph.tables) {
    visit(tables.cos.tensor);
    visit(tables.sin.tensor);
    if (tables.long_cos) visit(tables.long_cos->tensor);
    if (tables.long_sin) visit(tables.long_sin->tensor);
  }
}

KeptKey key_of(const ModelFolder& model, onnx::PassSwitches switches) {
  Digest digest = model.model_digest;
  onnx::DecoderIoNames names = model.config.io;
  ArchiveWriter source;
  source(digest.low, digest.high);
  fields(source, names);
  fields(source, switches);
  return {kGraphKind, onnx::kPassesVersion, Digest::of(source.bytes())};
}

std::optional<onnx::RaggedGraph> find_graph(const std::vector<fs::path>& paths,
                                            const KeptKey& key) {
  const auto content = find_kept(paths, key);
  if (!content) return std::nullopt;
  onnx::RaggedGraph graph;
  ArchiveReader reader(*content);
  fields(reader, graph);
  if (!reader.complete()) return std::nullopt;
  return graph;
}

/// Keeps what there is without the tensors' bytes, which are set aside for so long.
void keep_graph(const std::vector<fs::path>& paths, const KeptKey& key, onnx::RaggedGraph& graph) {
  std::vector<TensorProto> whole;
  each_tensor(graph, [&](TensorProto& tensor) {
    whole.push_back(std::move(tensor));
    tensor = described(whole.back());
  });
  ArchiveWriter writer;
  fields(writer, graph);
  keep(paths, key, writer.bytes());
  auto next = whole.begin();
  each_tensor(graph, [&](TensorProto& tensor) { tensor = std::move(*next++); });
}

}  // namespace

void drop_tensors(RewrittenGraph& rewritten) {
  each_tensor(rewritten.graph, [](TensorProto& tensor) { tensor = described(tensor); });
  rewritten.has_tensors = false;
}

Result<onnx::RaggedGraph> rewrite_graph(const ModelFolder& model,
                                        const onnx::PassSwitches& switches) {
  HEARTH_TRY(const auto file, MappedFile::open(model.model_file));
  const std::string_view bytes = file->bytes();
  if (Digest::of(bytes) != model.model_digest) {
    return fail(ErrorCode::kCorrupt,
                model.model_file.string() + " was replaced while it was being opened");
  }
  HEARTH_TRY(auto parsed, onnx::parse_model(std::as_bytes(std::span(bytes.data(), bytes.size())),
                                            model.model_file.string()));
  return onnx::make_ragged(std::move(parsed), model.config.io, switches);
}

Result<RewrittenGraph> rewritten_graph(const ModelFolder& model, const onnx::PassSwitches& switches,
                                       const fs::path& cache_folder) {
  std::error_code ignored;
  const auto model_bytes = fs::file_size(model.model_file, ignored);
  const bool keeps = !ignored && model_bytes >= kKeptFromModelBytes;
  const auto paths = kept_paths(model.model_file, cache_folder, "graph");
  const KeptKey key = key_of(model, switches);
  if (auto kept = keeps ? find_graph(paths, key) : std::nullopt) {
    return RewrittenGraph{std::move(*kept), false};
  }
  HEARTH_TRY(onnx::RaggedGraph graph, rewrite_graph(model, switches));
  if (keeps) keep_graph(paths, key, graph);
  return RewrittenGraph{std::move(graph), true};
}

}  // namespace hearth::runtime
