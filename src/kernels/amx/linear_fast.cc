// AMX bf16, fast recipe: y = x W^T with both rounded to bf16, summed in float32.
//
// Panels of weights, 2 tile columns x 8 groups, become bf16 with their scale folded in, so that
// the sums never leave the tiles for scaling; each panel then meets all rows, 32 at a time (2 x 2
// tiles). Loops, outside in:
//   16 tile columns   their sums stay in memory that the L2 cache holds
//     chunk of k      as long as its rows of x fit the L2 cache with them
//       2 columns, 8 groups: dequantise
//         32 rows: 32 tile products
//
// Dequantisation, 32 weights an operation: vpermw looks nibbles up as float16 (q - 8), one multiply
// applies the scale, and float16 becomes bf16 by moving its bits: shifted right by 3 they are the
// bf16 of value * 2^-112, zero included. x is therefore stored times 2^64, and sums are multiplied
// by 2^48 at the end; all of it exact. kernels/pack_linear.cc chooses the scales' exponent so that
// float16 neither overflows nor is denormal.
#include <immintrin.h>

#include "kernels/amx/linear.h"
#include "kernels/amx/tile_config.h"
#include "kernels/linear_units.h"

namespace hearth::kernels::amx {
namespace {

constexpr int kTile = 1024;                    // bytes
constexpr std::int64_t kChunkBytes = 1 << 20;  // of x
constexpr int kPanelTiles = kFastColumns / kTileColumns;

inline __m512h load_lut() {
  // float16 of -8 ... 7, twice: vpermw reads five bits of an index.
  const __m512i values = _mm512_sub_epi16(
      _mm512_and_si512(_mm512_set_epi16(31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17,
                                        16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0),
                       _mm512_set1_epi16(15)),
      _mm512_set1_epi16(8));
  return _mm512_cvtepi16_ph(values);
}

/// Each of 16 float16 twice: once for each k of a pair.
inline __m512h load_scales(const std::uint8_t* p) {
  const __m512i wide =
      _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
  return _mm512_castsi512_ph(_mm512_or_si512(wide, _mm512_slli_epi32(wide, 16)));
}

inline __m512h load_zeros(const std::int8_t* p) {
  const __m512i wide =
      _mm512_and_si512(_mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))),
                       _mm512_set1_epi32(0xffff));
  return _mm512_cvtepi16_ph(_mm512_or_si512(wide, _mm512_slli_epi32(wide, 16)));
}

/// Rounds to the nearest bf16, halves away from zero.
inline __m512i to_bf16(__m512h value) {
  const __m512i rounded = _mm512_add_epi16(_mm512_castph_si512(value), _mm512_set1_epi16(4));
  return _mm512_and_si512(_mm512_srai_epi16(rounded, 3), _mm512_set1_epi16(-0x7001));
}

template <bool Zeros>
inline void put(std::uint8_t* out, __m512h q, __m512h scale, __m512h zero) {
  if constexpr (Zeros) q = _mm512_sub_ph(q, zero);
  _mm512_store_si512(out, to_bf16(_mm512_mul_ph(q, scale)));
}

/// One group as a bf16 tile [16 pairs of k][16 outputs][2].
template <int Bits, bool Zeros>
inline void dequantise(const std::uint8_t* p, const std::uint8_t* scales, std::int32_t scale_step,
                       const std::int8_t* zeros, std::int32_t zero_step, __m512h lut,
                       std::uint8_t* out) {
  for (int half = 0; half < 2; ++half) {
    const __m512h s = load_scales(scales + half * scale_step);
    const __m512h z = Zeros ? load_zeros(zeros + half * zero_step) : lut;
    if constexpr (Bits == 4) {
      for (int j = half * 2; j < half * 2 + 2; ++j) {
        const __m512i v = _mm512_loadu_si512(p + j * 64);
        std::uint8_t* to = out + j * 256;
        put<Zeros>(to, _mm512_permutexvar_ph(v, lut), s, z);
        put<Zeros>(to + 64, _mm512_permutexvar_ph(_mm512_srli_epi16(v, 8), lut), s, z);
        put<Zeros>(to + 128, _mm512_permutexvar_ph(_mm512_srli_epi16(v, 4), lut), s, z);
        put<Zeros>(to + 192, _mm512_permutexvar_ph(_mm512_srli_epi16(v, 12), lut), s, z);
      }
    } else {
      for (int j = half * 4; j < half * 4 + 4; ++j) {
        const __m512i v = _mm512_loadu_si512(p + j * 64);
        const __m512i even = _mm512_srai_epi16(_mm512_slli_epi16(v, 8), 8);
        put<Zeros>(out + j * 128, _mm512_cvtepi16_ph(even), s, z);
        put<Zeros>(out + j * 128 + 64, _mm512_cvtepi16_ph(_mm512_srai_epi16(v, 8)), s, z);
      }
    }
  }
}

/// Walks the groups of one tile column, turning them into tiles two KB apart; meanwhile fetches as
/// many bytes from `next`, where the panel after this one begins.
template <int Bits, bool Zeros>
void dequantise_panel(const FastTask& task, const UnitShape& shape, std::int32_t tile,
                      std::int32_t begin, std::int32_t groups, const std::uint8_t* next,
                      std::uint8_t* out) {
  const PackedLinear& linear = *task.linear;
  const __m512h lut = load_lut();
  const bool half_blocks = linear.block_size < kGroup;
  const std::int32_t scale_step = half_blocks ? shape.scale_bytes : 0;
  const std::int32_t zero_step = half_blocks ? kTileColumns : 0;
  std::int32_t index = begin / shape.unit_groups;
  std::int32_t group = begin % shape.unit_groups;
  Unit unit = unit_at(linear, shape, tile, index);
  for (std::int32_t i = 0; i < groups; ++i, ++group) {
    if (group == shape.unit_groups) {
      unit = unit_at(linear, shape, tile, ++index);
      group = 0;
    }
    for (std::int32_t line = 0; line < Bits + 1; ++line) {
      _mm_prefetch(reinterpret_cast<const char*>(next + (i * (Bits + 1) + line) * 64), _MM_HINT_T1);
    }
    if (group == 0) *task.weight_bytes += static_cast<std::uint64_t>(unit.bytes);
    const std::int32_t block = half_blocks ? group * 2 : group >> shape.block_shift;
    dequantise<Bits, Zeros>(unit.weights + group * shape.group_bytes,
                            unit.scales + block * shape.scale_bytes, scale_step,
                            unit.zeros + block * kTileColumns, zero_step, lut, out + i * 2 * kTile);
  }
}

/// Where the panel after the one at (tile, group `at`) begins: further along k, or in the next
/// pair.
const std::uint8_t* next_panel(const FastTask& task, const UnitShape& shape, std::int32_t tile,
                               std::int32_t at, std::int32_t begin, std::int32_t stop) {
  const bool along = at + kPanelGroups < stop;
  const std::int32_t group = along ? at + kPanelGroups : begin;
  return unit_at(*task.linear, shape, along ? tile : tile + 2, group / shape.unit_groups).scales;
}

/// sums[2][2 or 1][256] (+)= x tiles times panel; `rows` is 1 or 2 tiles of 16.
inline void multiply(const std::uint8_t* x0, const std::uint8_t* x1, const std::uint8_t* panel,
                     std::int32_t groups, bool first, float* sums) {
  __asm__ volatile("" ::: "memory");  // GCC's tile loads do not say that they read memory
  if (first) {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
  } else {
    _tile_loadd(0, sums, 64);
    _tile_loadd(1, sums + 256, 64);
    _tile_loadd(2, sums + 512, 64);
    _tile_loadd(3, sums + 768, 64);
  }
  for (std::int32_t group = 0; group < groups; ++group) {
    _tile_loadd(6, panel + group * 2 * kTile, 64);
    _tile_loadd(4, x0 + group * kTile, 64);
    _tile_dpbf16ps(0, 4, 6);
    _tile_loadd(7, panel + group * 2 * kTile + kTile, 64);
    _tile_dpbf16ps(1, 4, 7);
    _tile_loadd(5, x1 + group * kTile, 64);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
  }
  _tile_stored(0, sums, 64);
  _tile_stored(1, sums + 256, 64);
  _tile_stored(2, sums + 512, 64);
  _tile_stored(3, sums + 768, 64);
}

void write_pair(const FastTask& task, std::int32_t tile, std::int32_t tiles, const float* sums) {
  const PackedLinear& linear = *task.linear;
  const __m512 back = _mm512_set1_ps(0x1p48F);
  const __m512 unit = _mm512_set1_ps(linear.scale_unit);
  for (std::int32_t column = 0; column < tiles; ++column) {
    const std::int32_t first = (tile + column) * kTileColumns;
    const std::int32_t left = linear.n - first;
    const auto mask = static_cast<__mmask16>(
        left >= kTileColumns ? 0xffffU : (1U << static_cast<unsigned>(left)) - 1U);
    for (std::int32_t row = 0; row < task.x->rows; ++row) {
      const float* from = sums + (row / 32) * 1024 + (row % 32 / 16) * 512 + column * 256;
      __m512 value = _mm512_load_ps(from + row % 16 * 16);
      value = _mm512_mul_ps(_mm512_mul_ps(value, back), unit);
      if (linear.bias != nullptr) {
        value = _mm512_add_ps(value, _mm512_loadu_ps(linear.bias + first));
      }
      _mm512_mask_storeu_ps(task.y + row * task.y_stride + first, mask, value);
    }
  }
}

template <int Bits, bool Zeros>
void product(const FastTask& task) {
  const PackedLinear& linear = *task.linear;
  const FastRows& x = *task.x;
  const UnitShape shape = shape_of(linear);
  const std::int32_t row_tiles = (x.rows + 15) / 16;
  constexpr std::int64_t kRowTileBytes = kPanelGroups * kTile;  // of one panel
  const auto* rows = reinterpret_cast<const std::uint8_t*>(x.q);
  auto* panel = static_cast<std::uint8_t*>(task.scratch);
  auto* sums = reinterpret_cast<float*>(panel + kFastScratchBytes);
  const std::int64_t pair_sums = (row_tiles + 1) / 2 * 1024;
  std::int64_t chunk = kChunkBytes / (row_tiles * kTile) / kPanelGroups * kPanelGroups;
  if (chunk < kPanelGroups) chunk = kPanelGroups;
  const auto chunk_groups = static_cast<std::int32_t>(chunk);
  for (std::int32_t columns = task.tile_begin; columns < task.tile_end; columns += kPanelTiles) {
    const std::int32_t end =
        columns + kPanelTiles < task.tile_end ? columns + kPanelTiles : task.tile_end;
    for (std::int32_t begin = 0; begin < x.groups; begin += chunk_groups) {
      for (std::int32_t tile = columns; tile < end; tile += 2) {
        float* out = sums + (tile - columns) / 2 * pair_sums;
        const std::int32_t stop = begin + chunk_groups < x.groups ? begin + chunk_groups : x.groups;
        for (std::int32_t at = begin; at < stop; at += kPanelGroups) {
          const std::int32_t groups = stop - at < kPanelGroups ? stop - at : kPanelGroups;
          const std::uint8_t* next = next_panel(task, shape, tile, at, begin, stop);
          dequantise_panel<Bits, Zeros>(task, shape, tile, at, groups, next, panel);
          if (tile + 1 < end) {
            dequantise_panel<Bits, Zeros>(task, shape, tile + 1, at, groups,
                                          next + linear.tile_bytes, panel + kTile);
          }
          for (std::int32_t row = 0; row < row_tiles; row += 2) {
            const std::uint8_t* x0 =
                rows + (std::int64_t{at} * row_tiles * kTile + row * kRowTileBytes);
            const std::uint8_t* x1 = row + 1 < row_tiles ? x0 + kRowTileBytes : x0;
            multiply(x0, x1, panel, groups, at == 0, out + row / 2 * 1024);
          }
        }
        if (stop == x.groups) write_pair(task, tile, tile + 1 < end ? 2 : 1, out);
      }
    }
  }
}

}  // namespace

void fast_product(const FastTask* task) {
  TileConfig config{};
  config.palette = 1;
  for (int tile = 0; tile < 8; ++tile) config.set(tile, 16, 64);
  load_tile_config(config);
  const bool zeros = task->linear->zero_points != 0;
  if (task->linear->bits == 4) {
    zeros ? product<4, true>(*task) : product<4, false>(*task);
  } else {
    zeros ? product<8, true>(*task) : product<8, false>(*task);
  }
  _tile_release();
}

void convert_row(const float* x, std::int32_t k, std::int32_t row, const FastRows* out) {
  const __m512i order = _mm512_set_epi32(15, 13, 14, 12, 11, 9, 10, 8, 7, 5, 6, 4, 3, 1, 2, 0);
  const __m512 factor = _mm512_set1_ps(0x1p64F);
  const std::int32_t row_tiles = (out->rows + 15) / 16;
  constexpr std::int64_t kTileWords = 16 * kGroup;
  for (std::int32_t group = 0; group < out->groups; ++group) {
    const std::int32_t left = k - group * kGroup;
    const std::uint32_t mask =
        left >= kGroup ? 0xffffffffU : (1U << static_cast<unsigned>(left)) - 1U;
    const float* p = x + group * kGroup;
    const __m512 v0 = _mm512_maskz_loadu_ps(static_cast<__mmask16>(mask), p);
    const __m512 v1 = _mm512_maskz_loadu_ps(static_cast<__mmask16>(mask >> 16), p + 16);
    const __m512bh both =
        _mm512_cvtne2ps_pbh(_mm512_permutexvar_ps(order, _mm512_mul_ps(v1, factor)),
                            _mm512_permutexvar_ps(order, _mm512_mul_ps(v0, factor)));
    const std::int64_t panel = std::int64_t{group / kPanelGroups} * row_tiles + row / 16;
    const std::int64_t tile = panel * kPanelGroups + group % kPanelGroups;
    _mm512_storeu_si512(out->q + tile * kTileWords + row % 16 * kGroup, (__m512i)both);
  }
}

}  // namespace hearth::kernels::amx
