// A digest of bytes, for telling whether something is still what it was.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace hearth::runtime {

/// 128 bits of XXH3: accidents show, forgeries need not.
struct Digest {
  std::uint64_t low = 0;
  std::uint64_t high = 0;

  static Digest of(std::string_view bytes);
  bool operator==(const Digest&) const = default;
};

/// 64 bits of XXH3.
std::uint64_t checksum_of(const void* data, std::size_t size_bytes);

}  // namespace hearth::runtime
