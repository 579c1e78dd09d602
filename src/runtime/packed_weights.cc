#include "runtime/packed_weights.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <memory>
#include <set>
#include <system_error>
#include <thread>

#include "base/descriptor.h"
#include "base/file.h"
#include "base/log.h"
#include "kernels/pack_linear.h"
#include "onnx/data_file.h"
#include "onnx/external_data.h"
#include "runtime/file_lock.h"
#include "runtime/tensor_bytes.h"

namespace hearth::runtime {
namespace {

namespace fs = std::filesystem;

constexpr std::array<char, 8> kPackedMagic = {'H', 'E', 'A', 'R', 'T', 'H', 'P', 'W'};
constexpr std::uint32_t kByteOrder = 0x01020304;
constexpr std::uint32_t kVersion = 1;
constexpr std::uint64_t kEntryAlignment = 4096;  ///< an entry can be mapped, and kernels want 64

enum class EntryKind : std::uint32_t { kLinear, kFloats };

struct PackedHeader {
  std::array<char, 8> magic = kPackedMagic;
  std::uint32_t byte_order = kByteOrder;
  std::uint32_t version = kVersion;
  std::uint32_t layout_version = kernels::kPackedLayoutVersion;
  std::uint32_t entry_count = 0;
  std::uint64_t file_bytes = 0;
  Digest source;
  std::uint64_t entries_hash = 0;
  std::uint64_t header_hash = 0;  ///< of all above
};

struct Entry {
  EntryKind kind = EntryKind::kLinear;
  std::uint32_t unused = 0;
  kernels::LinearFormat format;
  std::uint64_t offset = 0;
  std::uint64_t size_bytes = 0;
  std::uint64_t hash = 0;
};

std::uint64_t header_hash(const PackedHeader& header) {
  return checksum_of(&header, offsetof(PackedHeader, header_hash));
}

std::uint64_t aligned(std::uint64_t offset) {
  return (offset + kEntryAlignment - 1) / kEntryAlignment * kEntryAlignment;
}

std::uint64_t first_offset(std::size_t entries) {
  return aligned(sizeof(PackedHeader) + entries * sizeof(Entry));
}

/// Memory for a packed matrix, aligned as the kernels want it.
struct FreeBytes {
  void operator()(std::uint8_t* bytes) const { ::free(bytes); }
};
using AlignedBytes = std::unique_ptr<std::uint8_t, FreeBytes>;

Result<AlignedBytes> allocate(std::size_t size) {
  const std::size_t rounded = (size + kEntryAlignment - 1) / kEntryAlignment * kEntryAlignment;
  auto* bytes = static_cast<std::uint8_t*>(std::aligned_alloc(kEntryAlignment, rounded));
  if (bytes == nullptr) {
    return fail(ErrorCode::kResourceExhausted,
                "no memory for packing a matrix of " + with_thousands(size) + " bytes");
  }
  return AlignedBytes(bytes);
}

void in_parallel(int threads, const std::function<void(int)>& body) {
  std::vector<std::thread> others;
  for (int i = 1; i < threads; ++i) others.emplace_back(body, i);
  body(0);
  for (std::thread& other : others) other.join();
}

Result<kernels::QuantisedMatrix> read_matrix(TensorBytes& tensors,
                                             const onnx::QuantisedTensors& linear) {
  kernels::QuantisedMatrix matrix;
  HEARTH_TRY(matrix.weights, tensors.bytes(linear.weights));
  HEARTH_TRY(matrix.scales, tensors.floats(linear.scales));
  if (linear.zero_points) {
    HEARTH_TRY(matrix.zero_points, tensors.bytes(*linear.zero_points));
  }
  if (linear.bias) {
    HEARTH_TRY(matrix.bias, tensors.floats(*linear.bias));
  }
  matrix.n = static_cast<std::int32_t>(linear.n);
  matrix.k = static_cast<std::int32_t>(linear.k);
  matrix.bits = linear.bits;
  matrix.block_size = linear.block_size;
  return matrix;
}

std::vector<const onnx::TableRows*> table_rows(const onnx::RaggedGraph& graph) {
  std::vector<const onnx::TableRows*> rows;
  for (const onnx::RotaryTables& tables : graph.tables) {
    rows.push_back(&tables.cos);
    rows.push_back(&tables.sin);
    if (tables.long_cos) rows.push_back(&*tables.long_cos);
    if (tables.long_sin) rows.push_back(&*tables.long_sin);
  }
  return rows;
}

std::uint64_t table_bytes(const onnx::TableRows& table) {
  return static_cast<std::uint64_t>(table.rows * table.tensor.dims(1)) * sizeof(float);
}

std::size_t entry_count(const onnx::RaggedGraph& graph) {
  return graph.linears.size() + table_rows(graph).size();
}

tl::unexpected<Error> stale(const fs::path& path, const std::string& what) {
  return fail(ErrorCode::kCorrupt, path.string() + " cannot be used: " + what);
}

constexpr std::string_view kTemporarySuffix = ".tmp";

/// Removes what processes that were killed while they packed have left; only for the lock's holder.
void remove_abandoned(const fs::path& path) {
  const std::string prefix = path.filename().string() + ".";
  std::error_code error;
  std::vector<fs::path> abandoned;
  for (fs::directory_iterator entry(path.parent_path(), error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (!name.starts_with(prefix) || !name.ends_with(kTemporarySuffix)) continue;
    const auto middle = std::string_view(name).substr(
        prefix.size(), name.size() - prefix.size() - kTemporarySuffix.size());
    const bool is_pid =
        !middle.empty() && std::ranges::all_of(middle, [](char c) { return c >= '0' && c <= '9'; });
    if (is_pid) abandoned.push_back(entry->path());
  }
  for (const fs::path& file : abandoned) {
    if (fs::remove(file, error)) log::debug("removed " + file.string() + ", which was abandoned");
  }
}

/// A file under another name until it is whole.
class TemporaryFile {
 public:
  explicit TemporaryFile(const fs::path& path)
      : path_(path.string() + "." + std::to_string(::getpid()) + std::string(kTemporarySuffix)) {}
  ~TemporaryFile() {
    std::error_code ignored;
    if (!kept_) fs::remove(path_, ignored);
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  const fs::path& path() const { return path_; }

  Result<void> rename_to(const fs::path& path) {
    if (::rename(path_.c_str(), path.c_str()) != 0) return fail_errno("replace", path, errno);
    kept_ = true;
    return {};
  }

 private:
  fs::path path_;
  bool kept_ = false;
};

/// A file that was made in its full size before its content came ends with zeros, where the last
/// product's scales are, the logits'. Within a model a matrix of zeros has its uses.
Result<void> check_last_scales(const kernels::QuantisedMatrix& matrix,
                               const onnx::QuantisedTensors& linear) {
  if (!std::ranges::all_of(matrix.scales, [](float scale) { return scale == 0; })) return {};
  return fail(ErrorCode::kCorrupt,
              linear.node + ": every scale in " + linear.scales.name() +
                  " is zero, so the model would say nothing: its file is damaged, or its download "
                  "was not complete; get it again");
}

/// Sizes and places of all entries; reads the scales of every matrix, but not the weights.
Result<std::vector<Entry>> plan_entries(TensorBytes& tensors, const onnx::RaggedGraph& graph) {
  std::vector<Entry> entries;
  for (const onnx::QuantisedTensors& linear : graph.linears) {
    HEARTH_TRY(const kernels::QuantisedMatrix matrix, read_matrix(tensors, linear));
    if (&linear == &graph.linears.back()) HEARTH_TRY_VOID(check_last_scales(matrix, linear));
    Entry entry;
    const auto format = kernels::choose_format(matrix);
    if (!format) return fail_within(linear.node, format.error());
    entry.format = *format;
    entry.size_bytes = kernels::packed_bytes(entry.format);
    entries.push_back(entry);
  }
  for (const onnx::TableRows* table : table_rows(graph)) {
    Entry entry;
    entry.kind = EntryKind::kFloats;
    entry.size_bytes = table_bytes(*table);
    entries.push_back(entry);
  }
  std::uint64_t offset = first_offset(entries.size());
  for (Entry& entry : entries) {
    entry.offset = offset;
    offset = aligned(offset + entry.size_bytes);
  }
  return entries;
}

std::span<const std::byte> as_bytes(const void* data, std::size_t size) {
  return {static_cast<const std::byte*>(data), size};
}

/// Checks all that does not need the entries' bytes.
Result<std::vector<Entry>> read_entries(const fs::path& path, std::string_view file,
                                        const Digest& source, const onnx::RaggedGraph& graph) {
  PackedHeader header;
  if (file.size() < sizeof header) return stale(path, "it is too short");
  std::memcpy(&header, file.data(), sizeof header);
  if (header.magic != kPackedMagic) return stale(path, "it is no file of packed weights");
  if (header.byte_order != kByteOrder || header.version != kVersion ||
      header.layout_version != kernels::kPackedLayoutVersion) {
    return stale(path, "it was made by another version or on another kind of machine");
  }
  if (header.header_hash != header_hash(header)) return stale(path, "its header is damaged");
  if (header.source != source) return stale(path, "it was made from another model");
  if (header.file_bytes != file.size()) return stale(path, "it is cut off");
  std::vector<Entry> entries(entry_count(graph));
  if (header.entry_count != entries.size() || file.size() < first_offset(entries.size())) {
    return stale(path, "it holds other matrices");
  }
  const std::size_t bytes = entries.size() * sizeof(Entry);
  if (header.entries_hash != checksum_of(file.data() + sizeof header, bytes)) {
    return stale(path, "its list of matrices is damaged");
  }
  std::memcpy(static_cast<void*>(entries.data()), file.data() + sizeof header, bytes);
  std::uint64_t end = first_offset(entries.size());  // of the last entry
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const Entry& entry = entries[i];
    const bool linear = i < graph.linears.size();
    if (entry.offset % kEntryAlignment != 0 || entry.offset > file.size() ||
        entry.size_bytes > file.size() - entry.offset || entry.offset < end ||
        (entry.kind == EntryKind::kLinear) != linear) {
      return stale(path, "an entry is out of range");
    }
    end = entry.offset + entry.size_bytes;
    if (linear && (!kernels::check_format(entry.format) || entry.format.n != graph.linears[i].n ||
                   entry.format.k != graph.linears[i].k ||
                   kernels::packed_bytes(entry.format) != entry.size_bytes)) {
      return stale(path, "a matrix has another size");
    }
    if (!linear && entry.size_bytes != table_bytes(*table_rows(graph)[i - graph.linears.size()])) {
      return stale(path, "a table has another size");
    }
  }
  return entries;
}

/// The checksums of all entries, by several threads.
bool entries_are_whole(std::string_view file, const std::vector<Entry>& entries, int threads) {
  std::atomic<std::size_t> next = 0;
  std::atomic<bool> whole = true;
  in_parallel(threads, [&](int) {
    for (std::size_t i = next++; i < entries.size() && whole; i = next++) {
      const Entry& entry = entries[i];
      if (checksum_of(file.data() + entry.offset, entry.size_bytes) != entry.hash) whole = false;
    }
  });
  return whole;
}

}  // namespace

Result<Digest> weight_source(const Digest& model, const fs::path& folder,
                             const onnx::RaggedGraph& graph) {
  std::string identity;
  const auto add = [&](const auto& value) { identity += std::to_string(value) + " "; };
  std::set<std::string> files;
  const auto note = [&](const ::onnx::TensorProto& tensor) -> Result<void> {
    identity += tensor.name() + " ";
    if (!onnx::is_external(tensor)) return {};
    HEARTH_TRY(const onnx::TensorLocation place, onnx::tensor_location(tensor));
    files.insert(place.file);
    return {};
  };
  for (const onnx::QuantisedTensors& linear : graph.linears) {
    HEARTH_TRY_VOID(note(linear.weights));
    HEARTH_TRY_VOID(note(linear.scales));
    if (linear.zero_points) HEARTH_TRY_VOID(note(*linear.zero_points));
    if (linear.bias) HEARTH_TRY_VOID(note(*linear.bias));
    add(linear.n);
    add(linear.k);
  }
  for (const onnx::TableRows* table : table_rows(graph)) {
    HEARTH_TRY_VOID(note(table->tensor));
    add(table->first_row);
    add(table->rows);
  }
  for (const std::string& file : files) {
    const fs::path path = folder / file;
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) return fail_errno("examine", path, errno);
    identity += file + " ";
    add(info.st_size);
    add(info.st_mtim.tv_sec);
    add(info.st_mtim.tv_nsec);
  }
  add(model.low);
  add(model.high);
  return Digest::of(identity);
}

Result<PackedWeights> PackedWeights::open(const fs::path& path, const Digest& source,
                                          const onnx::RaggedGraph& graph, int threads) {
  PackedWeights opened;
  HEARTH_TRY(opened.file_, MappedFile::open(path));
  const std::string_view file = opened.file_->bytes();
  HEARTH_TRY(const std::vector<Entry> entries, read_entries(path, file, source, graph));
  if (!entries_are_whole(file, entries, threads)) return stale(path, "it is damaged");
  for (const Entry& entry : entries) {
    const char* data = file.data() + entry.offset;
    if (entry.kind == EntryKind::kLinear) {
      opened.linears_.push_back(
          kernels::view_packed(entry.format, reinterpret_cast<const std::uint8_t*>(data)));
      opened.places_.push_back({entry.format, entry.offset, entry.size_bytes});
    } else {
      opened.tables_.emplace_back(reinterpret_cast<const float*>(data),
                                  entry.size_bytes / sizeof(float));
    }
  }
  return opened;
}

Result<void> PackedWeights::write(const fs::path& path, const Digest& source,
                                  const onnx::RaggedGraph& graph, const fs::path& folder,
                                  int threads, const PackingProgress& progress) {
  TensorBytes tensors(folder);
  HEARTH_TRY(std::vector<Entry> entries, plan_entries(tensors, graph));
  PackedHeader header;
  header.entry_count = static_cast<std::uint32_t>(entries.size());
  header.file_bytes = entries.empty() ? first_offset(0)
                                      : aligned(entries.back().offset + entries.back().size_bytes);
  header.source = source;
  TemporaryFile temporary(path);
  HEARTH_TRY(const onnx::DataFile file,
             onnx::DataFile::create(temporary.path(), header.file_bytes));
  const auto tables = table_rows(graph);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    Entry& entry = entries[i];
    if (progress) progress(entry.offset, header.file_bytes);
    if (entry.kind == EntryKind::kLinear) {
      HEARTH_TRY(const auto matrix, read_matrix(tensors, graph.linears[i]));
      HEARTH_TRY(const AlignedBytes packed, allocate(entry.size_bytes));
      const std::span<std::uint8_t> out(packed.get(), entry.size_bytes);
      in_parallel(threads, [&](int task) {
        kernels::pack_linear(matrix, entry.format, out, task, threads);
      });
      entry.hash = checksum_of(out.data(), out.size());
      HEARTH_TRY_VOID(file.write_at(entry.offset, as_bytes(out.data(), out.size())));
      continue;
    }
    const onnx::TableRows& table = *tables[i - graph.linears.size()];
    HEARTH_TRY(const auto values, tensors.floats(table.tensor));
    const float* first = values.data() + table.first_row * table.tensor.dims(1);
    entry.hash = checksum_of(first, entry.size_bytes);
    HEARTH_TRY_VOID(file.write_at(entry.offset, as_bytes(first, entry.size_bytes)));
  }
  const std::size_t list_bytes = entries.size() * sizeof(Entry);
  header.entries_hash = checksum_of(entries.data(), list_bytes);
  header.header_hash = header_hash(header);
  HEARTH_TRY_VOID(file.write_at(sizeof header, as_bytes(entries.data(), list_bytes)));
  HEARTH_TRY_VOID(file.write_at(0, as_bytes(&header, sizeof header)));
  if (progress) progress(header.file_bytes, header.file_bytes);
  return temporary.rename_to(path);
}

Result<PackedWeights> open_packed(const std::vector<fs::path>& paths, const Digest& source,
                                  const onnx::RaggedGraph& graph, int threads) {
  for (const fs::path& path : paths) {
    auto opened = PackedWeights::open(path, source, graph, threads);
    if (opened) return opened;
    if (opened.error().code != ErrorCode::kNotFound) log::debug(opened.error().message);
  }
  return fail(ErrorCode::kNotFound, "there are no packed weights of this model");
}

Result<PackedWeights> write_packed(const std::vector<fs::path>& paths, const Digest& source,
                                   const onnx::RaggedGraph& graph, const fs::path& folder,
                                   int threads, const PackingProgress& progress) {
  Result<void> written = fail(ErrorCode::kIo, "there is no folder for the packed weights");
  for (auto path = paths.rbegin(); path != paths.rend(); ++path) {
    std::error_code ignored;
    fs::create_directories(path->parent_path(), ignored);
    const FileLock lock = FileLock::wait_for(path->string() + ".lock", [&] {
      log::warning("waiting for another process that packs the weights into " + path->string());
    });
    // What somebody else has written meanwhile need not be written again.
    if (auto opened = PackedWeights::open(*path, source, graph, threads)) return opened;
    if (lock.held()) remove_abandoned(*path);
    written = PackedWeights::write(*path, source, graph, folder, threads, progress);
    if (written) {
      auto opened = PackedWeights::open(*path, source, graph, threads);
      // The model is fine, what the disk gives back is not.
      if (!opened) opened.error().code = ErrorCode::kIo;
      return opened;
    }
    log::debug(written.error().message);
  }
  return fail_within("packing the weights", written.error());
}

}  // namespace hearth::runtime
