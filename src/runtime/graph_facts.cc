#include "runtime/graph_facts.h"

#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/mapped_file.h"
#include "onnx/external_data.h"
#include "onnx/graph_view.h"
#include "onnx/model_file.h"
#include "runtime/archive.h"
#include "runtime/graph_fields.h"
#include "runtime/kept_file.h"

namespace hearth::runtime {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kFactsKind = 1;

/// What follows from a model file's bytes and the names of its inputs and outputs.
struct KeptFacts {
  onnx::DecoderGraphInfo info;
  std::map<std::string, std::uint64_t> data_bytes;  ///< that each data file must have
};

KeptKey key_of(const Digest& model, std::uint64_t size_bytes, onnx::DecoderIoNames names) {
  Digest digest = model;
  ArchiveWriter source;
  source(digest.low, digest.high, size_bytes);
  fields(source, names);
  return {kFactsKind, onnx::kDecoderGraphVersion, Digest::of(source.bytes())};
}

std::optional<KeptFacts> find_facts(const std::vector<fs::path>& paths, const KeptKey& key) {
  const auto content = find_kept(paths, key);
  if (!content) return std::nullopt;
  KeptFacts facts;
  ArchiveReader reader(*content);
  fields(reader, facts.info);
  reader(facts.data_bytes);
  if (!reader.complete()) return std::nullopt;
  return facts;
}

void keep_facts(const std::vector<fs::path>& paths, const KeptKey& key, KeptFacts& facts) {
  ArchiveWriter writer;
  fields(writer, facts.info);
  writer(facts.data_bytes);
  keep(paths, key, writer.bytes());
}

Result<KeptFacts> work_out(std::string_view bytes, const fs::path& model_file,
                           const onnx::DecoderIoNames& names) {
  HEARTH_TRY(
      const ::onnx::ModelProto proto,
      onnx::parse_model(std::as_bytes(std::span(bytes.data(), bytes.size())), model_file.string()));
  HEARTH_TRY_VOID(
      onnx::check_external_data(proto, model_file.parent_path(), model_file.filename().string()));
  const auto view = onnx::GraphView::build(proto.graph());
  if (!view) return fail_within(model_file.string(), view.error());
  auto info = onnx::read_decoder_graph(*view, names);
  if (!info) return fail_within(model_file.string(), info.error());
  HEARTH_TRY(auto data_bytes, onnx::data_file_needs(proto));
  return KeptFacts{std::move(*info), std::move(data_bytes)};
}

}  // namespace

Result<GraphFacts> read_graph_facts(const fs::path& model_file, const onnx::DecoderIoNames& names,
                                    const fs::path& cache_folder) {
  HEARTH_TRY(const std::uint64_t size, file_size_bytes(model_file));
  if (size > onnx::kModelFileBytesMax) {
    return fail(ErrorCode::kCorrupt, model_file.string() + " is larger than the " +
                                         with_thousands(onnx::kModelFileBytesMax) +
                                         " bytes a model file can have");
  }
  HEARTH_TRY(const auto file, MappedFile::open(model_file));
  const std::string_view bytes = file->bytes();
  GraphFacts facts;
  facts.model = Digest::of(bytes);
  const bool keeps = bytes.size() >= kKeptFromModelBytes;
  const auto paths = kept_paths(model_file, cache_folder, "facts");
  const KeptKey key = key_of(facts.model, bytes.size(), names);
  if (auto kept = keeps ? find_facts(paths, key) : std::nullopt) {
    // Where a data file is not as it was, the whole check says which tensor misses what.
    if (onnx::check_data_files(kept->data_bytes, model_file.parent_path(),
                               model_file.filename().string())) {
      facts.info = std::move(kept->info);
      return facts;
    }
  }
  HEARTH_TRY(KeptFacts worked_out, work_out(bytes, model_file, names));
  if (keeps) keep_facts(paths, key, worked_out);
  facts.info = std::move(worked_out.info);
  return facts;
}

}  // namespace hearth::runtime
