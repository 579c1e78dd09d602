#include "runtime/kept_file.h"

#include <array>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <system_error>
#include <type_traits>

#include "base/file.h"
#include "base/log.h"

namespace hearth::runtime {
namespace {

namespace fs = std::filesystem;

constexpr std::array<char, 8> kKeptMagic = {'H', 'E', 'A', 'R', 'T', 'H', 'K', 'F'};
constexpr std::uint64_t kByteOrderAndLayout = 0x0102030400000001;

/// More than any description of a graph without its weights.
constexpr std::uint64_t kKeptBytesMax = std::uint64_t{256} << 20;

struct KeptHeader {
  std::array<char, 8> magic = kKeptMagic;
  std::uint64_t byte_order_and_layout = kByteOrderAndLayout;
  KeptKey key;
  std::uint64_t content_bytes = 0;
  std::uint64_t content_checksum = 0;
  std::uint64_t header_checksum = 0;  ///< of all above
};
static_assert(std::has_unique_object_representations_v<KeptHeader>);

std::uint64_t header_checksum(const KeptHeader& header) {
  return checksum_of(&header, offsetof(KeptHeader, header_checksum));
}

Result<std::string> read_kept(const fs::path& path, const KeptKey& key) {
  HEARTH_TRY_VOID(file_size_bytes(path));
  HEARTH_TRY(std::string file, read_file(path, kKeptBytesMax));
  const auto useless = [&](const char* why) {
    return fail(ErrorCode::kCorrupt, path.string() + " cannot be used: " + why);
  };
  KeptHeader header;
  if (file.size() < sizeof header) return useless("it is too short");
  std::memcpy(&header, file.data(), sizeof header);
  if (header.magic != kKeptMagic || header.byte_order_and_layout != kByteOrderAndLayout) {
    return useless("it was made by another version or on another kind of machine");
  }
  if (header.header_checksum != header_checksum(header)) return useless("its header is damaged");
  if (header.key.kind != key.kind || header.key.version != key.version ||
      header.key.source != key.source) {
    return useless("it was made from something else");
  }
  file.erase(0, sizeof header);
  if (header.content_bytes != file.size() ||
      header.content_checksum != checksum_of(file.data(), file.size())) {
    return useless("it is damaged");
  }
  return file;
}

}  // namespace

std::vector<fs::path> kept_paths(const fs::path& model_file, const fs::path& cache_folder,
                                 std::string_view suffix) {
  std::vector<fs::path> paths{model_file.string() + "." + std::string(suffix)};
  if (cache_folder.empty()) return paths;
  // One file per model and place: a newer model takes the place of the older one's.
  std::error_code ignored;
  const std::string where = fs::weakly_canonical(model_file, ignored).string();
  char name[32];
  std::snprintf(name, sizeof name, "%016llx.",
                static_cast<unsigned long long>(checksum_of(where.data(), where.size())));
  paths.push_back(cache_folder / "packed" / (name + std::string(suffix)));
  return paths;
}

std::optional<std::string> find_kept(const std::vector<fs::path>& paths, const KeptKey& key) {
  for (const fs::path& path : paths) {
    auto content = read_kept(path, key);
    if (content) return std::move(*content);
    if (content.error().code != ErrorCode::kNotFound) log::debug(content.error().message);
  }
  return std::nullopt;
}

void keep(const std::vector<fs::path>& paths, const KeptKey& key, std::string_view content) {
  KeptHeader header;
  header.key = key;
  header.content_bytes = content.size();
  header.content_checksum = checksum_of(content.data(), content.size());
  header.header_checksum = header_checksum(header);
  std::string file(reinterpret_cast<const char*>(&header), sizeof header);
  file += content;
  for (auto path = paths.rbegin(); path != paths.rend(); ++path) {
    std::error_code ignored;
    fs::create_directories(path->parent_path(), ignored);
    const auto written = write_file_atomically(*path, file);
    if (written) return;
    log::debug(written.error().message);
  }
}

}  // namespace hearth::runtime
