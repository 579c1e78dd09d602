// What the machine itself can do, measured beside every kernel: the limits that shares are of.
#pragma once

#include <cstddef>

namespace hearth::bench {

/// Reads `bytes` (a multiple of 256) at `data`, which is 64-byte aligned, and returns something
/// that depends on all of them.
long read_all(const std::byte* data, std::size_t bytes);

/// Multiplies bf16 tiles from registers `count` times (a multiple of 4): 8192 multiply-adds each.
/// Needs AMX, and the process to have asked for it.
void multiply_tiles(long count);

}  // namespace hearth::bench
