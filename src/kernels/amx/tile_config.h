// The 64 bytes that ldtilecfg reads. For the AMX translation units only.
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace hearth::kernels::amx {
namespace {

struct alignas(64) TileConfig {
  std::uint8_t palette;
  std::uint8_t start_row;
  std::uint8_t reserved[14];
  std::uint16_t row_bytes[16];
  std::uint8_t rows[16];

  void set(int tile, std::uint8_t tile_rows, std::uint16_t tile_row_bytes) {
    rows[tile] = tile_rows;
    row_bytes[tile] = tile_row_bytes;
  }
};
static_assert(sizeof(TileConfig) == 64);

/// Loads it, once all 64 bytes are in memory: GCC's intrinsic owns up to reading 8 of them.
inline void load_tile_config(const TileConfig& config) {
  __asm__ volatile("" : : "r"(&config) : "memory");
  _tile_loadconfig(&config);
}

}  // namespace
}  // namespace hearth::kernels::amx
