#include "runtime/digest.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace hearth::runtime {

Digest Digest::of(std::string_view bytes) {
  const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  return {hash.low64, hash.high64};
}

std::uint64_t checksum_of(const void* data, std::size_t size_bytes) {
  return XXH3_64bits(data, size_bytes);
}

}  // namespace hearth::runtime
