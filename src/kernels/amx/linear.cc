// AMX int8, exact recipe.
//
// Per group of 32 k: an x tile [row_block][32] times a weight tile [8][16 outputs][4] gives a tile
// of integers [row_block][16], which must leave for memory to be scaled: 3 vector operations per 16
// products' sums. Four groups are multiplied into four tiles, and the tiles of one step are scaled
// while those of the next are multiplied (two sets of sums in memory).
#include "kernels/amx/linear.h"

#include <immintrin.h>

#include "kernels/amx/tile_config.h"
#include "kernels/linear_units.h"

namespace hearth::kernels::amx {
namespace {

constexpr int kStepGroups = 4;
constexpr int kTileInts = 16 * 16;
constexpr int kPrefetchBytes = 6 * 1024;

// gf2p8affineqb matrices: the low or high four bits of each byte, less 8, with the sign extended.
constexpr long long kLowNibble = 0x0102040808080808;
constexpr long long kHighNibble = 0x1020408080808080;
constexpr int kMinusEight = 0xf8;

struct Scratch {
  alignas(64) std::int8_t weights[kStepGroups][512];
  alignas(64) std::int32_t sums[2][kStepGroups][kTileInts];
};
static_assert(sizeof(Scratch) <= kExactScratchBytes);

/// One step's integer tiles on their way to the float sums.
struct Pending {
  const std::int32_t* sums;  // [kStepGroups][16][16]
  const std::uint8_t* scales[kStepGroups];
  const std::int8_t* zeros[kStepGroups];
  const float* x_scale;  // of the first group
  const std::int32_t* x_sum;
  float* acc;  // [rows][16]
  int groups;
};

template <bool Wide>
inline __m512 load_scales(const std::uint8_t* p) {
  if constexpr (Wide) return _mm512_loadu_ps(p);
  return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}

/// acc = fma(float(d), x scale * scale, acc), in order of the groups.
template <int Groups, bool Wide, bool Zeros>
[[gnu::always_inline]] inline void scale_tiles(const Pending& p, int rows,
                                               std::int64_t group_rows) {
  __m512 scales[Groups];
  __m512i zeros[Groups];
  for (int g = 0; g < Groups; ++g) {
    scales[g] = load_scales<Wide>(p.scales[g]);
    if constexpr (Zeros) {
      const __m512i wide = _mm512_sub_epi32(
          _mm512_setzero_si512(),
          _mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p.zeros[g]))));
      zeros[g] = _mm512_or_si512(_mm512_and_si512(wide, _mm512_set1_epi32(0xffff)),
                                 _mm512_slli_epi32(wide, 16));
    }
  }
  for (int row = 0; row < rows; ++row) {
    __m512 acc = _mm512_load_ps(p.acc + row * 16);
    for (int g = 0; g < Groups; ++g) {
      __m512i d = _mm512_load_si512(p.sums + g * kTileInts + row * 16);
      if constexpr (Zeros) {
        d = _mm512_dpwssd_epi32(d, zeros[g], _mm512_set1_epi32(p.x_sum[g * group_rows + row]));
      }
      const __m512 scale =
          _mm512_mul_ps(_mm512_set1_ps(p.x_scale[g * group_rows + row]), scales[g]);
      acc = _mm512_fmadd_ps(_mm512_cvtepi32_ps(d), scale, acc);
    }
    _mm512_store_ps(p.acc + row * 16, acc);
  }
}

template <bool Wide, bool Zeros>
void scale_pending(const Pending& p, int rows, std::int64_t group_rows) {
  switch (p.groups) {
    case 0:
      return;
    case 1:
      return scale_tiles<1, Wide, Zeros>(p, rows, group_rows);
    case 2:
      return scale_tiles<2, Wide, Zeros>(p, rows, group_rows);
    case 3:
      return scale_tiles<3, Wide, Zeros>(p, rows, group_rows);
    default:
      return scale_tiles<4, Wide, Zeros>(p, rows, group_rows);
  }
}

/// Tiles 0-3: sums; 4, 5: x; 6, 7: weights.
inline void multiply(const std::int8_t* x, std::int64_t x_group_bytes, const std::int8_t* weights,
                     int groups, std::int32_t* sums) {
  __asm__ volatile("" ::: "memory");  // GCC's tile loads do not say that they read memory
  _tile_zero(0);
  _tile_loadd(4, x, kGroup);
  _tile_loadd(6, weights, 64);
  _tile_dpbssd(0, 4, 6);
  if (groups > 1) {
    _tile_zero(1);
    _tile_loadd(5, x + x_group_bytes, kGroup);
    _tile_loadd(7, weights + 512, 64);
    _tile_dpbssd(1, 5, 7);
  }
  if (groups > 2) {
    _tile_zero(2);
    _tile_loadd(4, x + 2 * x_group_bytes, kGroup);
    _tile_loadd(6, weights + 1024, 64);
    _tile_dpbssd(2, 4, 6);
  }
  if (groups > 3) {
    _tile_zero(3);
    _tile_loadd(5, x + 3 * x_group_bytes, kGroup);
    _tile_loadd(7, weights + 1536, 64);
    _tile_dpbssd(3, 5, 7);
  }
  _tile_stored(0, sums, 64);
  if (groups > 1) _tile_stored(1, sums + kTileInts, 64);
  if (groups > 2) _tile_stored(2, sums + 2 * kTileInts, 64);
  if (groups > 3) _tile_stored(3, sums + 3 * kTileInts, 64);
}

inline void unpack4(const std::uint8_t* p, int groups, std::int8_t* out) {
  const __m512i low = _mm512_set1_epi64(kLowNibble);
  const __m512i high = _mm512_set1_epi64(kHighNibble);
  for (int i = 0; i < groups * 4; ++i) {
    _mm_prefetch(reinterpret_cast<const char*>(p + kPrefetchBytes + i * 64), _MM_HINT_T0);
    const __m512i v = _mm512_loadu_si512(p + i * 64);
    _mm512_store_si512(out + i * 128, _mm512_gf2p8affine_epi64_epi8(v, low, kMinusEight));
    _mm512_store_si512(out + i * 128 + 64, _mm512_gf2p8affine_epi64_epi8(v, high, kMinusEight));
  }
}

template <int Bits, bool Wide, bool Zeros>
void product(const ExactTask& task) {
  const PackedLinear& linear = *task.linear;
  const ExactRows& x = *task.x;
  const UnitShape shape = shape_of(linear);
  const std::int32_t units = units_of(shape);
  auto& scratch = *static_cast<Scratch*>(task.scratch);
  float* acc = reinterpret_cast<float*>(static_cast<std::uint8_t*>(task.scratch) +
                                        kExactScratchBytes);  // [rows_padded][16]
  Pending pending{};
  int set = 0;
  for (std::int32_t tile = task.tile_begin; tile < task.tile_end; ++tile) {
    for (std::int32_t row = 0; row < x.rows_padded; ++row) {
      _mm512_store_ps(acc + row * 16, _mm512_setzero_ps());
    }
    for (std::int32_t index = 0; index < units; ++index) {
      const Unit unit = unit_at(linear, shape, tile, index);
      *task.weight_bytes += static_cast<std::uint64_t>(unit.bytes);
      for (std::int32_t group = 0; group < unit.groups; group += kStepGroups) {
        const int groups = unit.groups - group < kStepGroups ? unit.groups - group : kStepGroups;
        const std::uint8_t* packed = unit.weights + group * shape.group_bytes;
        const std::int8_t* weights = reinterpret_cast<const std::int8_t*>(packed);
        if constexpr (Bits == 4) {
          unpack4(packed, groups, scratch.weights[0]);
          weights = scratch.weights[0];
        } else {
          for (int i = 0; i < groups * 8; ++i) {
            _mm_prefetch(reinterpret_cast<const char*>(packed + kPrefetchBytes + i * 64),
                         _MM_HINT_T0);
          }
        }
        for (std::int32_t row = 0; row < x.rows_padded; row += x.row_block) {
          const std::int64_t at = std::int64_t{unit.group_begin + group} * x.rows_padded + row;
          multiply(x.q + at * kGroup, std::int64_t{x.rows_padded} * kGroup, weights, groups,
                   scratch.sums[set][0]);
          scale_pending<Wide, Zeros>(pending, x.row_block, x.rows_padded);
          pending.sums = scratch.sums[set][0];
          pending.x_scale = x.scale + at;
          pending.x_sum = x.sum + at;
          pending.acc = acc + row * 16;
          pending.groups = groups;
          for (int g = 0; g < groups; ++g) {
            const std::int32_t block = (group + g) >> shape.block_shift;
            pending.scales[g] = unit.scales + block * shape.scale_bytes;
            pending.zeros[g] = unit.zeros + block * kTileColumns;
          }
          set ^= 1;
        }
      }
    }
    scale_pending<Wide, Zeros>(pending, x.row_block, x.rows_padded);
    pending.groups = 0;
    const std::int32_t first = tile * kTileColumns;
    const std::int32_t left = linear.n - first;
    const auto mask = static_cast<__mmask16>(
        left >= kTileColumns ? 0xffffU : (1U << static_cast<unsigned>(left)) - 1U);
    const __m512 scale_unit = _mm512_set1_ps(linear.scale_unit);
    for (std::int32_t row = 0; row < x.rows; ++row) {
      __m512 value = _mm512_mul_ps(_mm512_load_ps(acc + row * 16), scale_unit);
      if (linear.bias != nullptr) {
        value = _mm512_add_ps(value, _mm512_loadu_ps(linear.bias + first));
      }
      _mm512_mask_storeu_ps(task.y + row * task.y_stride + first, mask, value);
    }
  }
}

template <int Bits>
void choose(const ExactTask& task) {
  const bool zeros = task.linear->zero_points != 0;
  if (task.linear->wide_scales != 0) {
    return zeros ? product<Bits, true, true>(task) : product<Bits, true, false>(task);
  }
  return zeros ? product<Bits, false, true>(task) : product<Bits, false, false>(task);
}

}  // namespace

void exact_product(const ExactTask* task) {
  TileConfig config{};
  config.palette = 1;
  const auto rows = static_cast<std::uint8_t>(task->x->row_block);
  for (int tile = 0; tile < 4; ++tile) config.set(tile, rows, 64);
  for (int tile = 4; tile < 6; ++tile) config.set(tile, rows, kGroup);
  for (int tile = 6; tile < 8; ++tile) config.set(tile, 8, 64);
  load_tile_config(config);
  task->linear->bits == 4 ? choose<4>(*task) : choose<8>(*task);
  _tile_release();
}

}  // namespace hearth::kernels::amx
