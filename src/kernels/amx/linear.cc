// AMX int8, exact recipe.
//
// Per group of 32 k: an x tile [row_block][32] times a weight tile [8][16 outputs][4] gives a tile
// of integers [row_block][16], which must leave for memory to be scaled: 3 vector operations per 16
// products' sums. Loops, outside in:
//   tile column
//     panel of 32 groups, or all of them if there is one block of rows
//       block of up to 16 rows: their sums stay in registers; the first one unpacks the weights
//         4 groups: multiplied while those before are scaled and those after are unpacked
#include "kernels/amx/linear.h"

#include <immintrin.h>

#include "kernels/ahead.h"
#include "kernels/amx/tile_config.h"
#include "kernels/linear_units.h"

namespace hearth::kernels::amx {
namespace {

constexpr int kStepGroups = 4;
constexpr int kPanelGroupsMax = 32;           // 16 KB of the L1
constexpr int kRingGroups = 4 * kStepGroups;  // a step is unpacked, one multiplied, one scaled
constexpr int kTileInts = 16 * 16;

// gf2p8affineqb matrices: the low or high four bits of each byte, less 8, with the sign extended.
constexpr long long kLowNibble = 0x0102040808080808;
constexpr long long kHighNibble = 0x1020408080808080;
constexpr int kMinusEight = 0xf8;

/// The weights of a panel, or of the last kRingGroups groups where nobody comes back for them.
struct Scratch {
  alignas(64) std::int8_t weights[kPanelGroupsMax][512];
  alignas(64) float scales[kPanelGroupsMax][kTileColumns];
  alignas(64) std::int32_t zeros[kPanelGroupsMax][kTileColumns];  // twice minus the zero point
  alignas(64) std::int32_t sums[2][kStepGroups][kTileInts];
};
static_assert(sizeof(Scratch) <= kExactScratchBytes);

/// What differs between layouts, fixed at compile time.
template <int Bits, bool Wide, bool Zeros>
struct Form {
  static constexpr int kBits = Bits;
  static constexpr bool kWide = Wide;
  static constexpr bool kZeros = Zeros;
};

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
[[gnu::always_inline]] inline void unpack(const std::uint8_t* p, std::int8_t* out) {
  const __m512i low = _mm512_set1_epi64(kLowNibble);
  const __m512i high = _mm512_set1_epi64(kHighNibble);
#pragma GCC unroll 8
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

/// Unpacks a tile column. Steps of kStepGroups groups never cross a unit's border. Where things are
/// is found with shifts instead of unit_at(), whose divisions would be in the innermost loop.
template <class F>
class Column {
 public:
  Column(const PackedLinear& linear, const UnitShape& shape, std::int32_t tile)
      : data_(linear.data + tile * linear.tile_bytes),
        unit_bytes_(linear.unit_bytes),
        head_bytes_(shape.head_bytes),
        shift_(shape.block_shift) {}

  /// Group `i` of step `step`, to place `at` of the scratch.
  [[gnu::always_inline]] void unpack_group(std::int32_t step, int i, Scratch& scratch,
                                           int at) const {
    const std::uint8_t* unit = data_ + (step >> shift_) * unit_bytes_;
    const std::int32_t in_unit = (step & ((1 << shift_) - 1)) * kStepGroups + i;
    const std::int32_t block = in_unit >> shift_;
    constexpr int kScaleBytes = kTileColumns * (F::kWide ? 4 : 2);
    unpack<F::kBits>(unit + head_bytes_ + in_unit * (F::kBits * 64), scratch.weights[at]);
    _mm512_store_ps(scratch.scales[at], load_scales<F::kWide>(unit + block * kScaleBytes));
    if constexpr (F::kZeros) {
      const std::uint8_t* zeros = unit + kUnitBlocks * kScaleBytes + block * kTileColumns;
      _mm512_store_si512(scratch.zeros[at],
                         load_zeros(reinterpret_cast<const std::int8_t*>(zeros)));
    }
  }

 private:
  const std::uint8_t* data_;
  std::int64_t unit_bytes_;
  std::int32_t head_bytes_;
  std::int32_t shift_;
};

/// A block of rows of x as it meets a panel.
struct RowTile {
  const std::int8_t* q;
  const float* scale;
  const std::int32_t* sum;
  std::int64_t group_rows;  // rows from group to group
};

/// acc = fma(d * scale, x scale, acc) for one group, the `group`th that x has.
template <class F, int Rows>
[[gnu::always_inline]] inline void scale_group(const std::int32_t* sums, const Scratch& scratch,
                                               int place, const RowTile& x, std::int32_t group,
                                               __m512 (&acc)[Rows]) {
  const __m512 scales = _mm512_load_ps(scratch.scales[place]);
  const float* x_scale = x.scale + group * x.group_rows;
#pragma GCC unroll 16
  for (int row = 0; row < Rows; ++row) {
    __m512i d = _mm512_load_si512(sums + row * 16);
    if constexpr (F::kZeros) {
      d = _mm512_dpwssd_epi32(d, _mm512_load_si512(scratch.zeros[place]),
                              _mm512_set1_epi32(x.sum[group * x.group_rows + row]));
    }
    acc[row] = _mm512_fmadd_ps(_mm512_mul_ps(_mm512_cvtepi32_ps(d), scales),
                               _mm512_set1_ps(x_scale[row]), acc[row]);
  }
}

// GCC's tile loads do not say that they read memory, nor its tile stores that they write it.
#define HEARTH_MEMORY_BARRIER() __asm__ volatile("" ::: "memory")

/// Tile T = x times weights of the step's group `i`. x in tile 4 or 5, weights in 6 or 7.
#define HEARTH_MULTIPLY(T, X, W, i)                        \
  _tile_zero(T);                                           \
  _tile_loadd(X, x.q + (i)*x.group_rows * kGroup, kGroup); \
  _tile_loadd(W, scratch.weights[at + (i)], 64);           \
  _tile_dpbssd(T, X, W)

/// Some groups of a tile column.
struct Panel {
  std::int32_t begin;  // a multiple of kStepGroups
  std::int32_t groups;
  int place_mask;  // group & place_mask is its place in the scratch
};

/// Adds the panel's products to sums [Rows][16]. With Unpack they are unpacked on the way, and the
/// next column is fetched. Tiles 0-3: integer sums; 4, 5: x; 6, 7: weights.
template <class F, int Rows, bool Unpack>
void add_panel(const Column<F>& column, const Ahead& ahead, Scratch& scratch, RowTile x,
               const Panel& panel, float* sums) {
  __m512 acc[Rows];
#pragma GCC unroll 16
  for (int row = 0; row < Rows; ++row) acc[row] = _mm512_load_ps(sums + row * 16);
  const std::int32_t first = panel.begin / kStepGroups;
  const std::int32_t steps = panel.groups / kStepGroups;
  const std::int64_t step_rows = kStepGroups * x.group_rows;
  int at = panel.begin & panel.place_mask;
  const auto unpack_two = [&](std::int32_t step, int i) __attribute__((always_inline)) {
    const int to = (step * kStepGroups & panel.place_mask) + i;
    column.unpack_group(step, i, scratch, to);
    column.unpack_group(step, i + 1, scratch, to + 1);
  };
  if (Unpack && steps > 0) {
    unpack_two(first, 0);
    unpack_two(first, 2);
  }
  HEARTH_MEMORY_BARRIER();
  for (std::int32_t step = 0; step < steps; ++step) {
    auto& now_sums = scratch.sums[step % 2];
    const auto& sums_before = scratch.sums[(step + 1) % 2];
    const RowTile x_before{nullptr, x.scale - step_rows, x.sum - step_rows, x.group_rows};
    const int before = (at - kStepGroups) & panel.place_mask;
    const bool unpacks = Unpack && step + 1 < steps;
    // The order, found by trial, keeps the tile stores in pairs: vector operations around them
    // cost more than themselves.
    HEARTH_MULTIPLY(0, 4, 6, 0);
    HEARTH_MULTIPLY(1, 5, 7, 1);
    if (unpacks) unpack_two(first + step + 1, 0);
    if constexpr (Unpack) ahead.fetch(2 * (first + step));
    if (step > 0) {
      scale_group<F, Rows>(sums_before[0], scratch, before, x_before, 0, acc);
      scale_group<F, Rows>(sums_before[1], scratch, before + 1, x_before, 1, acc);
    }
    HEARTH_MULTIPLY(2, 4, 6, 2);
    HEARTH_MULTIPLY(3, 5, 7, 3);
    _tile_stored(0, now_sums[0], 64);
    _tile_stored(1, now_sums[1], 64);
    if (unpacks) unpack_two(first + step + 1, 2);
    if constexpr (Unpack) ahead.fetch(2 * (first + step) + 1);
    if (step > 0) {
      scale_group<F, Rows>(sums_before[2], scratch, before + 2, x_before, 2, acc);
      scale_group<F, Rows>(sums_before[3], scratch, before + 3, x_before, 3, acc);
    }
    _tile_stored(2, now_sums[2], 64);
    _tile_stored(3, now_sums[3], 64);
    HEARTH_MEMORY_BARRIER();
    at = (at + kStepGroups) & panel.place_mask;
    x.q += step_rows * kGroup;
    x.scale += step_rows;
    x.sum += step_rows;
  }
  if (steps > 0) {
    const RowTile x_before{nullptr, x.scale - step_rows, x.sum - step_rows, x.group_rows};
    const int before = (at - kStepGroups) & panel.place_mask;
#pragma GCC unroll 4
    for (int i = 0; i < kStepGroups; ++i) {
      scale_group<F, Rows>(scratch.sums[(steps + 1) % 2][i], scratch, before + i, x_before, i, acc);
    }
  }
  for (int i = 0; i < panel.groups % kStepGroups; ++i) {
    if constexpr (Unpack) column.unpack_group(first + steps, i, scratch, at + i);
    HEARTH_MEMORY_BARRIER();
    HEARTH_MULTIPLY(0, 4, 6, i);
    _tile_stored(0, scratch.sums[0][0], 64);
    HEARTH_MEMORY_BARRIER();
    scale_group<F, Rows>(scratch.sums[0][0], scratch, at + i, x, i, acc);
  }
#pragma GCC unroll 16
  for (int row = 0; row < Rows; ++row) _mm512_store_ps(sums + row * 16, acc[row]);
}

#undef HEARTH_MULTIPLY
#undef HEARTH_MEMORY_BARRIER

template <class F>
using AddPanel = void (*)(const Column<F>& column, const Ahead& ahead, Scratch& scratch, RowTile x,
                          const Panel& panel, float* sums);

/// `rows` is 12 or 16 (abi.h).
template <class F, bool Unpack>
AddPanel<F> add_panel_for(int rows) {
  return rows == 12 ? add_panel<F, 12, Unpack> : add_panel<F, 16, Unpack>;
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

template <class F>
void add_column(const ExactTask& task, const UnitShape& shape, std::int32_t tile, Scratch& scratch,
                float* sums) {
  const ExactRows& x = *task.x;
  const bool one_block = x.rows_padded == x.row_block;
  const auto first = add_panel_for<F, true>(x.row_block);
  const auto other = add_panel_for<F, false>(x.row_block);
  for (std::int32_t row = 0; row < x.rows_padded; ++row) {
    _mm512_store_ps(sums + row * 16, _mm512_setzero_ps());
  }
  const Column<F> column(*task.linear, shape, tile);
  const Ahead ahead = Ahead::next_column(*task.linear, shape, tile);
  const std::int32_t size = one_block ? shape.groups : kPanelGroupsMax;
  const int mask = (one_block ? kRingGroups : kPanelGroupsMax) - 1;
  for (std::int32_t begin = 0; begin < shape.groups; begin += size) {
    const std::int32_t left = shape.groups - begin;
    const Panel panel{begin, left < size ? left : size, mask};
    for (std::int32_t row = 0; row < x.rows_padded; row += x.row_block) {
      const std::int64_t at = std::int64_t{begin} * x.rows_padded + row;
      const RowTile rows{x.q + at * kGroup, x.scale + at, x.sum + at, x.rows_padded};
      (row == 0 ? first : other)(column, ahead, scratch, rows, panel, sums + row * 16);
    }
  }
  *task.weight_bytes += static_cast<std::uint64_t>(task.linear->tile_bytes);
}

template <class F>
void product(const ExactTask& task) {
  const UnitShape shape = shape_of(*task.linear);
  auto& scratch = *static_cast<Scratch*>(task.scratch);
  // [kExactColumns][rows_padded][16]
  float* sums =
      reinterpret_cast<float*>(static_cast<std::uint8_t*>(task.scratch) + kExactScratchBytes);
  for (std::int32_t tile = task.tile_begin; tile < task.tile_end; tile += kExactColumns) {
    const std::int32_t end =
        tile + kExactColumns < task.tile_end ? tile + kExactColumns : task.tile_end;
    for (std::int32_t at = tile; at < end; ++at) {
      add_column<F>(task, shape, at, scratch,
                    sums + (at - tile) * task.x->rows_padded * kTileColumns);
    }
    write_columns(task, tile, end, sums);
  }
}

template <int Bits>
void choose(const ExactTask& task) {
  const bool zeros = task.linear->zero_points != 0;
  if (task.linear->wide_scales != 0) {
    return zeros ? product<Form<Bits, true, true>>(task) : product<Form<Bits, true, false>>(task);
  }
  return zeros ? product<Form<Bits, false, true>>(task) : product<Form<Bits, false, false>>(task);
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
