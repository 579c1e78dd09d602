// Layout: one header, then the sections in the order of `Section`, each at a multiple of 64 bytes.
#include "text/compiled_tokenizer.h"

#include <array>
#include <cstring>
#include <span>
#include <type_traits>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/file.h"
#include "base/mapped_file.h"

namespace hearth::text {
namespace {

// Changes with the layout of the file, of the tables, and with the hashes that place their entries.
constexpr std::uint32_t kVersion = 1;
constexpr std::array<char, 8> kMagic = {'H', 'R', 'T', 'H', 'T', 'O', 'K', '\n'};
constexpr std::uint32_t kByteOrder = 0x01020304;
constexpr std::size_t kAlignment = 64;

enum Section : std::size_t { kBegins, kBlob, kExists, kSlots, kByteIds, kMerges, kRest, kSections };

struct Range {
  std::uint64_t offset = 0;
  std::uint64_t size_bytes = 0;
};

struct Header {
  std::array<char, 8> magic = kMagic;
  std::uint32_t byte_order = kByteOrder;
  std::uint32_t version = kVersion;
  SourceDigest source;
  std::array<Range, kSections> sections{};
  std::uint64_t body_hash = 0;    ///< XXH3 of all behind the header
  std::uint64_t header_hash = 0;  ///< XXH3 of the header before this
};
static_assert(std::is_trivially_copyable_v<Header> && sizeof(Header) % 8 == 0);
constexpr std::size_t kHeaderBytes = (sizeof(Header) + kAlignment - 1) / kAlignment * kAlignment;

std::uint64_t hash_of(std::string_view bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

std::uint64_t header_hash(const Header& header) {
  return XXH3_64bits(&header, offsetof(Header, header_hash));
}

template <class T>
std::string_view as_bytes(std::span<const T> items) {
  return {reinterpret_cast<const char*>(items.data()), items.size_bytes()};
}

/// The items of a section of a mapped file; nothing of a size that is no whole number of them.
template <class T>
std::span<const T> items_of(std::string_view file, const Range& range) {
  static_assert(std::is_trivially_copyable_v<T> && alignof(T) <= kAlignment);
  if (range.size_bytes % sizeof(T) != 0) return {};
  return {reinterpret_cast<const T*>(file.data() + range.offset),
          static_cast<std::size_t>(range.size_bytes) / sizeof(T)};
}

tl::unexpected<Error> stale(const std::filesystem::path& path, const std::string& what) {
  return fail(ErrorCode::kCorrupt, path.string() + " cannot be used: " + what);
}

/// The header of a file whose bytes are all as they were written.
Result<Header> checked_header(const std::filesystem::path& path, std::string_view file,
                              const SourceDigest& source) {
  Header header;
  if (file.size() < kHeaderBytes) return stale(path, "it is too short");
  std::memcpy(&header, file.data(), sizeof header);
  if (header.magic != kMagic) return stale(path, "it is no compiled tokenizer");
  if (header.byte_order != kByteOrder || header.version != kVersion) {
    return stale(path, "it was made by another version or on another kind of machine");
  }
  if (header.header_hash != header_hash(header)) return stale(path, "its header is damaged");
  if (header.source != source) return stale(path, "it was made from another tokenizer.json");
  if (header.body_hash != hash_of(file.substr(sizeof header))) return stale(path, "it is damaged");
  for (const Range& range : header.sections) {
    if (range.offset % kAlignment != 0 || range.offset > file.size() ||
        range.size_bytes > file.size() - range.offset) {
      return stale(path, "a section is out of range");
    }
  }
  return header;
}

}  // namespace

SourceDigest SourceDigest::of(std::string_view tokenizer_json) {
  const XXH128_hash_t hash = XXH3_128bits(tokenizer_json.data(), tokenizer_json.size());
  return {tokenizer_json.size(), hash.low64, hash.high64};
}

Result<void> write_compiled_tokenizer(const std::filesystem::path& path, const SourceDigest& source,
                                      const BpeModel& model, std::string_view rest) {
  const Vocabulary::Arrays& arrays = model.vocabulary.arrays();
  std::array<std::string_view, kSections> contents;
  contents[kBegins] = as_bytes(arrays.begins);
  contents[kBlob] = as_bytes(arrays.blob);
  contents[kExists] = as_bytes(arrays.exists);
  contents[kSlots] = as_bytes(arrays.slots);
  contents[kByteIds] = as_bytes(std::span<const TokenId>(model.byte_ids));
  contents[kMerges] = as_bytes(model.merges.slots());
  contents[kRest] = rest;
  std::string file(kHeaderBytes, '\0');
  Header header;
  header.source = source;
  for (std::size_t i = 0; i < kSections; ++i) {
    header.sections[i] = {file.size(), contents[i].size()};
    file += contents[i];
    file.resize((file.size() + kAlignment - 1) / kAlignment * kAlignment);
  }
  header.body_hash = hash_of(std::string_view(file).substr(sizeof header));
  header.header_hash = header_hash(header);
  std::memcpy(file.data(), &header, sizeof header);
  return write_file_atomically(path, file);
}

Result<CompiledTokenizer> map_compiled_tokenizer(const std::filesystem::path& path,
                                                 const SourceDigest& source) {
  HEARTH_TRY(const std::shared_ptr<const MappedFile> mapped, MappedFile::open(path));
  const std::string_view file = mapped->bytes();
  HEARTH_TRY(const Header header, checked_header(path, file, source));
  const auto& sections = header.sections;
  CompiledTokenizer compiled;
  auto vocabulary = Vocabulary::create(
      {items_of<std::uint32_t>(file, sections[kBegins]), items_of<char>(file, sections[kBlob]),
       items_of<std::uint8_t>(file, sections[kExists]),
       items_of<Vocabulary::Slot>(file, sections[kSlots])},
      mapped);
  if (!vocabulary) return stale(path, vocabulary.error().message);
  compiled.model.vocabulary = std::move(*vocabulary);
  auto merges = MergeTable::create(items_of<MergeTable::Slot>(file, sections[kMerges]),
                                   compiled.model.vocabulary.size(), mapped);
  if (!merges) return stale(path, merges.error().message);
  compiled.model.merges = std::move(*merges);
  const auto byte_ids = items_of<TokenId>(file, sections[kByteIds]);
  if (byte_ids.size() != compiled.model.byte_ids.size()) return stale(path, "bytes are missing");
  for (std::size_t byte = 0; byte < byte_ids.size(); ++byte) {
    if (byte_ids[byte] >= 0 && !compiled.model.vocabulary.has(byte_ids[byte])) {
      return stale(path, "a byte of no entry");
    }
    compiled.model.byte_ids[byte] = byte_ids[byte];
  }
  compiled.rest = file.substr(sections[kRest].offset, sections[kRest].size_bytes);
  return compiled;
}

}  // namespace hearth::text
