// The probes. read_all is compiled for AVX-512 where that exists, else it reads 8 bytes at a time.
#include "probes.h"

#include <immintrin.h>

#include <cstdint>
#include <cstring>

namespace hearth::bench {
namespace {

/// Two lines are fetched 2 KB ahead, then two are read: of the orders and distances tried, the one
/// that brings most. Left to the compiler, the order costs up to a quarter of the bandwidth.
__attribute__((target("avx512f"))) long read_wide(const std::byte* data, std::size_t bytes) {
  constexpr std::size_t kAhead = 2048;
  __m512i sums[2] = {_mm512_setzero_si512(), _mm512_setzero_si512()};
  for (std::size_t at = 0; at < bytes; at += 128) {
    _mm_prefetch(reinterpret_cast<const char*>(data + at + kAhead), _MM_HINT_T1);
    _mm_prefetch(reinterpret_cast<const char*>(data + at + kAhead + 64), _MM_HINT_T1);
    __asm__ volatile("" ::: "memory");
    sums[0] = _mm512_xor_si512(sums[0], _mm512_load_si512(data + at));
    sums[1] = _mm512_xor_si512(sums[1], _mm512_load_si512(data + at + 64));
    __asm__ volatile("" ::: "memory");
  }
  return static_cast<long>(_mm512_reduce_add_epi64(_mm512_xor_si512(sums[0], sums[1])));
}

long read_narrow(const std::byte* data, std::size_t bytes) {
  std::int64_t sum = 0;
  for (std::size_t at = 0; at < bytes; at += 8) {
    std::int64_t value = 0;
    std::memcpy(&value, data + at, 8);
    sum ^= value;
  }
  return sum;
}

}  // namespace

long read_all(const std::byte* data, std::size_t bytes) {
  return __builtin_cpu_supports("avx512f") ? read_wide(data, bytes) : read_narrow(data, bytes);
}

__attribute__((target("amx-tile,amx-bf16"))) void multiply_tiles(long count) {
  struct alignas(64) Config {
    std::uint8_t palette = 1;
    std::uint8_t start_row = 0;
    std::uint8_t reserved[14] = {};
    std::uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
    std::uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
  } config;
  __asm__ volatile("" : : "r"(&config) : "memory");  // GCC's intrinsic reads more than it says
  _tile_loadconfig(&config);
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  _tile_zero(4);
  _tile_zero(5);
  for (long i = 0; i < count; i += 4) {
    _tile_dpbf16ps(0, 4, 5);
    _tile_dpbf16ps(1, 4, 5);
    _tile_dpbf16ps(2, 4, 5);
    _tile_dpbf16ps(3, 4, 5);
  }
  _tile_release();
}

}  // namespace hearth::bench
