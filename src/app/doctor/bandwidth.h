// How fast this machine reads memory: what bounds the speed of generating text.
#pragma once

#include <cstdint>
#include <optional>

#include "app/doctor/machine.h"

namespace hearth::app {

struct Bandwidth {
  double bytes_per_second = 0;  ///< the best round
  int threads = 0;
  std::uint64_t buffer_bytes = 0;
  bool beyond_cache = false;  ///< the buffer is at least four times the last-level cache
};

/// Bytes to read: four times the last-level cache, but 512 MB to 1 GB, and at most a quarter of the
/// free memory. Pure.
std::uint64_t bandwidth_buffer_bytes(const Machine& machine);

/// Streams over a buffer of that size with machine.threads() threads, each over its own part, for
/// about a second and a half after a first round that is not counted. Nothing when memory is too
/// short.
std::optional<Bandwidth> measure_bandwidth(const Machine& machine);

}  // namespace hearth::app
