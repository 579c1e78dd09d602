#include "runtime/digest.h"

#ifdef HEARTH_XXHASH_DISPATCH
#include <xxh_x86dispatch.h>  // takes the place of the functions in xxhash.h
#else
#define XXH_INLINE_ALL
#include <xxhash.h>
#endif

namespace hearth::runtime {

Digest Digest::of(std::string_view bytes) {
  const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  return {hash.low64, hash.high64};
}

std::uint64_t checksum_of(const void* data, std::size_t size_bytes) {
  return XXH3_64bits(data, size_bytes);
}

}  // namespace hearth::runtime
