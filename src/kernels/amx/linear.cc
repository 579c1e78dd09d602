// AMX int8, exact recipe.
//
// Per group of 32 k: an x tile [row_block][32] times a weight tile [8][16 outputs][4] gives a tile
// of integers [row_block][16], which must leave for memory to be scaled: 3 vector operations per 16
// products' sums. Loops, outside in:
//   tile column
//     panel of 32 groups: unpacked once, for all rows
//       up to 16 rows: their sums stay in registers
//         4 groups: multiplied while the integers of the 4 before are scaled
#include "kernels/amx/linear.h"

#include <immintrin.h>

#include "kernels/amx/tile_config.h"
#include "kernels/linear_units.h"

namespace hearth::kernels::amx {
namespace {

constexpr int kStepGroups = 4;
constexpr int kPanelSize = 32;  // groups: 16 KB of the L1
constexpr int kTileInts = 16 * 16;

// gf2p8affineqb matrices: the low or high four bits of each byte, less 8, with the sign extended.
constexpr long long kLowNibble = 0x0102040808080808;
constexpr long long kHighNibble = 0x1020408080808080;
constexpr int kMinusEight = 0xf8;

struct Scratch {
  alignas(64) std::int8_t weights[kPanelSize][512];
  alignas(64) float scales[kPanelSize][kTileColumns];
  alignas(64) std::int32_t zeros[kPanelSize][kTileColumns];  // twice minus the zero point, int16
  alignas(64) std::int32_t sums[2][kStepGroups][kTileInts];
};
static_assert(sizeof(Scratch) <= kExactScratchBytes);

template <bool Wide>
inline __m512 load_scales(const std::uint8_t* p) {
  if constexpr (Wide) return _mm512_loadu_ps(p);
  return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}

inline __m512i load_zeros(const std::int8_t* p) {
  const __m512i wide =
      _mm512_sub_epi32(_mm512_setzero_si512(),
                       _mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))));
  return _mm512_or_si512(_mm512_and_si512(wide, _mm512_set1_epi32(0xffff)),
                         _mm512_slli_epi32(wide, 16));
}

template <int Bits>
inline void unpack(const std::uint8_t* p, std::int8_t* out) {
  const __m512i low = _mm512_set1_epi64(kLowNibble);
  const __m512i high = _mm512_set1_epi64(kHighNibble);
  for (int i = 0; i < Bits; ++i) {
    const __m512i v = _mm512_loadu_si512(p + i * 64);
    if constexpr (Bits == 4) {
      _mm512_store_si512(out + i * 128, _mm512_gf2p8affine_epi64_epi8(v, low, kMinusEight));
      _mm512_store_si512(out + i * 128 + 64, _mm512_gf2p8affine_epi64_epi8(v, high, kMinusEight));
    } else {
      _mm512_store_si512(out + i * 64, v);
    }
  }
}

/// The groups [begin, begin + groups) of a tile column.
template <int Bits, bool Wide, bool Zeros>
void unpack_panel(const ExactTask& task, const UnitShape& shape, std::int32_t tile,
                  std::int32_t begin, std::int32_t groups, Scratch& out) {
  std::int32_t index = begin / shape.unit_groups;
  std::int32_t in_unit = begin % shape.unit_groups;
  Unit unit = unit_at(*task.linear, shape, tile, index);
  for (std::int32_t i = 0; i < groups; ++i, ++in_unit) {
    if (in_unit == shape.unit_groups) {
      unit = unit_at(*task.linear, shape, tile, ++index);
      in_unit = 0;
    }
    if (in_unit == 0) *task.weight_bytes += static_cast<std::uint64_t>(unit.bytes);
    const std::int32_t block = in_unit >> shape.block_shift;
    unpack<Bits>(unit.weights + in_unit * shape.group_bytes, out.weights[i]);
    _mm512_store_ps(out.scales[i], load_scales<Wide>(unit.scales + block * shape.scale_bytes));
    if constexpr (Zeros) {
      _mm512_store_si512(out.zeros[i], load_zeros(unit.zeros + block * kTileColumns));
    }
  }
}

/// Rows of x as they meet a panel.
struct RowTile {
  const std::int8_t* q;
  const float* scale;
  const std::int32_t* sum;
  std::int64_t group_rows;  // rows from group to group
};

/// acc = fma(float(d), x scale * scale, acc) for one group.
template <int Rows, bool Zeros>
[[gnu::always_inline]] inline void scale_group(const std::int32_t* sums, const Scratch& panel,
                                               const RowTile& x, int group, __m512 (&acc)[Rows]) {
  const __m512 scales = _mm512_load_ps(panel.scales[group]);
  const float* x_scale = x.scale + group * x.group_rows;
#pragma GCC unroll 16
  for (int row = 0; row < Rows; ++row) {
    __m512i d = _mm512_load_si512(sums + row * 16);
    if constexpr (Zeros) {
      d = _mm512_dpwssd_epi32(d, _mm512_load_si512(panel.zeros[group]),
                              _mm512_set1_epi32(x.sum[group * x.group_rows + row]));
    }
    const __m512 scale = _mm512_mul_ps(_mm512_set1_ps(x_scale[row]), scales);
    acc[row] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(d), scale, acc[row]);
  }
}

/// Tile T = x times weights of one group. x in tile 4 or 5, weights in 6 or 7.
#define HEARTH_MULTIPLY(T, X, W, group)                        \
  _tile_zero(T);                                               \
  _tile_loadd(X, x.q + (group)*x.group_rows * kGroup, kGroup); \
  _tile_loadd(W, panel.weights[group], 64);                    \
  _tile_dpbssd(T, X, W)

/// Adds a panel's products to sums [Rows][16], and meanwhile fetches `ahead_lines` of 64 bytes for
/// each group from `ahead`. Tiles 0-3: integer sums; 4, 5: x; 6, 7: weights.
template <int Rows, bool Zeros>
void add_panel(const RowTile& x, Scratch& panel, int groups, const std::uint8_t* ahead,
               int ahead_lines, float* sums) {
  __m512 acc[Rows];
#pragma GCC unroll 16
  for (int row = 0; row < Rows; ++row) acc[row] = _mm512_load_ps(sums + row * 16);
  __asm__ volatile("" ::: "memory");  // GCC's tile loads do not say that they read memory
  int group = 0;
  for (int set = 0; group + kStepGroups <= groups; group += kStepGroups, set ^= 1) {
    for (int line = 0; line < kStepGroups * ahead_lines; ++line, ahead += 64) {
      _mm_prefetch(reinterpret_cast<const char*>(ahead), _MM_HINT_T0);
    }
    auto& now = panel.sums[set];
    const auto& before = panel.sums[set ^ 1];
    HEARTH_MULTIPLY(0, 4, 6, group);
    HEARTH_MULTIPLY(1, 5, 7, group + 1);
    if (group > 0) {
      scale_group<Rows, Zeros>(before[0], panel, x, group - 4, acc);
      scale_group<Rows, Zeros>(before[1], panel, x, group - 3, acc);
    }
    _tile_stored(0, now[0], 64);
    HEARTH_MULTIPLY(2, 4, 6, group + 2);
    _tile_stored(1, now[1], 64);
    HEARTH_MULTIPLY(3, 5, 7, group + 3);
    if (group > 0) {
      scale_group<Rows, Zeros>(before[2], panel, x, group - 2, acc);
      scale_group<Rows, Zeros>(before[3], panel, x, group - 1, acc);
    }
    _tile_stored(2, now[2], 64);
    _tile_stored(3, now[3], 64);
    __asm__ volatile("" ::: "memory");  // nor its tile stores that they write it
  }
  if (group > 0) {
    const auto& last = panel.sums[(group / kStepGroups - 1) % 2];
    for (int i = 0; i < kStepGroups; ++i) {
      scale_group<Rows, Zeros>(last[i], panel, x, group - kStepGroups + i, acc);
    }
  }
  for (; group < groups; ++group) {
    HEARTH_MULTIPLY(0, 4, 6, group);
    _tile_stored(0, panel.sums[0][0], 64);
    __asm__ volatile("" ::: "memory");
    scale_group<Rows, Zeros>(panel.sums[0][0], panel, x, group, acc);
  }
#pragma GCC unroll 16
  for (int row = 0; row < Rows; ++row) _mm512_store_ps(sums + row * 16, acc[row]);
}

#undef HEARTH_MULTIPLY

template <bool Zeros>
using AddPanel = void (*)(const RowTile& x, Scratch& panel, int groups, const std::uint8_t* ahead,
                          int ahead_lines, float* sums);

/// `rows` is 12 or 16 (abi.h).
template <bool Zeros>
AddPanel<Zeros> add_panel_for(int rows) {
  return rows == 12 ? add_panel<12, Zeros> : add_panel<16, Zeros>;
}

/// The outputs of some tile columns from their sums [columns][rows_padded][16], row by row: memory
/// is written in runs.
void write_columns(const ExactTask& task, std::int32_t tile, std::int32_t end, const float* sums) {
  const PackedLinear& linear = *task.linear;
  const __m512 scale_unit = _mm512_set1_ps(linear.scale_unit);
  for (std::int32_t row = 0; row < task.x->rows; ++row) {
    const float* from = sums + row * kTileColumns;
    for (std::int32_t at = tile; at < end; ++at, from += task.x->rows_padded * kTileColumns) {
      const std::int32_t first = at * kTileColumns;
      const std::int32_t left = linear.n - first;
      const auto mask = static_cast<__mmask16>(
          left >= kTileColumns ? 0xffffU : (1U << static_cast<unsigned>(left)) - 1U);
      __m512 value = _mm512_mul_ps(_mm512_load_ps(from), scale_unit);
      if (linear.bias != nullptr) {
        value = _mm512_add_ps(value, _mm512_loadu_ps(linear.bias + first));
      }
      _mm512_mask_storeu_ps(task.y + row * task.y_stride + first, mask, value);
    }
  }
}

template <int Bits, bool Wide, bool Zeros>
void add_column(const ExactTask& task, const UnitShape& shape, std::int32_t tile, Scratch& panel,
                float* sums) {
  const PackedLinear& linear = *task.linear;
  const ExactRows& x = *task.x;
  const auto add = add_panel_for<Zeros>(x.row_block);
  for (std::int32_t row = 0; row < x.rows_padded; ++row) {
    _mm512_store_ps(sums + row * 16, _mm512_setzero_ps());
  }
  for (std::int32_t begin = 0; begin < shape.groups; begin += kPanelSize) {
    const std::int32_t left = shape.groups - begin;
    const std::int32_t groups = left < kPanelSize ? left : kPanelSize;
    unpack_panel<Bits, Wide, Zeros>(task, shape, tile, begin, groups, panel);
    const std::int32_t next = begin + groups;
    const std::uint8_t* ahead = next < shape.groups
                                    ? unit_at(linear, shape, tile, next / shape.unit_groups).scales
                                    : linear.data + (tile + 1) * linear.tile_bytes;
    for (std::int32_t row = 0; row < x.rows_padded; row += x.row_block) {
      const std::int64_t at = std::int64_t{begin} * x.rows_padded + row;
      const RowTile rows{x.q + at * kGroup, x.scale + at, x.sum + at, x.rows_padded};
      add(rows, panel, groups, ahead, row == 0 ? Bits + 1 : 0, sums + row * 16);
    }
  }
}

template <int Bits, bool Wide, bool Zeros>
void product(const ExactTask& task) {
  const UnitShape shape = shape_of(*task.linear);
  auto& panel = *static_cast<Scratch*>(task.scratch);
  // [kExactColumns][rows_padded][16]
  float* sums =
      reinterpret_cast<float*>(static_cast<std::uint8_t*>(task.scratch) + kExactScratchBytes);
  for (std::int32_t tile = task.tile_begin; tile < task.tile_end; tile += kExactColumns) {
    const std::int32_t end =
        tile + kExactColumns < task.tile_end ? tile + kExactColumns : task.tile_end;
    for (std::int32_t at = tile; at < end; ++at) {
      add_column<Bits, Wide, Zeros>(task, shape, at, panel,
                                    sums + (at - tile) * task.x->rows_padded * kTileColumns);
    }
    write_columns(task, tile, end, sums);
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
