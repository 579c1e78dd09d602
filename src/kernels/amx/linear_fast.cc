// AMX bf16, fast recipe: y = x W^T with both rounded to bf16, summed in float32.
//
// Panels of weights, 2 tile columns x 16 groups, become bf16 with their scale folded in, so that
// the sums never leave the tiles for scaling; each panel then meets all rows, 32 at a time (2 x 2
// tiles). Loops, outside in:
//   16 tile columns   their sums stay in memory that the L2 cache holds
//     chunk of k      as long as its rows of x fit the L2 cache with them
//       2 columns, 16 groups: dequantise
//         32 rows: 64 tile products
// x is loaded past the L1 (tileloaddt1), which panels of this length fill, and outputs are streamed
// to memory, past x and the sums in the L2.
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
constexpr std::int64_t kChunkBytes = 3 << 18;  // of x
constexpr int kPanelTiles = kFastColumns / kTileColumns;
constexpr int kPanelBytes = 2 * kPanelGroups * kTile;

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
  const __m512i twice = _mm512_set_epi16(15, 15, 14, 14, 13, 13, 12, 12, 11, 11, 10, 10, 9, 9, 8, 8,
                                         7, 7, 6, 6, 5, 5, 4, 4, 3, 3, 2, 2, 1, 1, 0, 0);
  const __m256i scales = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  return _mm512_castsi512_ph(_mm512_permutexvar_epi16(twice, _mm512_castsi256_si512(scales)));
}

inline __m512h load_zeros(const std::int8_t* p) {
  const __m512i wide =
      _mm512_and_si512(_mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))),
                       _mm512_set1_epi32(0xffff));
  return _mm512_cvtepi16_ph(_mm512_or_si512(wide, _mm512_slli_epi32(wide, 16)));
}

/// Rounds to the nearest bf16, halves away from zero: (bits + 4) >> 3 in one multiplication.
inline __m512i to_bf16(__m512h value) {
  const __m512i rounded =
      _mm512_mulhrs_epi16(_mm512_castph_si512(value), _mm512_set1_epi16(1 << 12));
  return _mm512_and_si512(rounded, _mm512_set1_epi16(-0x7001));
}

template <bool Zeros>
inline void put(std::uint8_t* out, __m512h q, __m512h scale, __m512h zero) {
  if constexpr (Zeros) q = _mm512_sub_ph(q, zero);
  _mm512_store_si512(out, to_bf16(_mm512_mul_ph(q, scale)));
}

/// 64 bytes of packed weights as bf16 [k / 2][16 outputs][2].
template <int Bits, bool Zeros>
[[gnu::always_inline]] inline void dequantise_line(const std::uint8_t* p, __m512h scale,
                                                   __m512h zero, __m512h lut, std::uint8_t* out) {
  const __m512i v = _mm512_loadu_si512(p);
  if constexpr (Bits == 4) {
    put<Zeros>(out, _mm512_permutexvar_ph(v, lut), scale, zero);
    put<Zeros>(out + 64, _mm512_permutexvar_ph(_mm512_srli_epi16(v, 8), lut), scale, zero);
    put<Zeros>(out + 128, _mm512_permutexvar_ph(_mm512_srli_epi16(v, 4), lut), scale, zero);
    put<Zeros>(out + 192, _mm512_permutexvar_ph(_mm512_srli_epi16(v, 12), lut), scale, zero);
  } else {
    const __m512i even = _mm512_srai_epi16(_mm512_slli_epi16(v, 8), 8);
    put<Zeros>(out, _mm512_cvtepi16_ph(even), scale, zero);
    put<Zeros>(out + 64, _mm512_cvtepi16_ph(_mm512_srai_epi16(v, 8)), scale, zero);
  }
}

/// Where in the order of the work a panel stands: 1 or 2 tile columns, up to kPanelGroups groups.
struct Panel {
  std::int32_t block;   // first tile column of the block of kPanelTiles it belongs to
  std::int32_t chunk;   // first group of its chunk
  std::int32_t tile;    // its first tile column
  std::int32_t tiles;   // 1 or 2
  std::int32_t begin;   // its first group
  std::int32_t groups;  // at least 1; 0 behind the last panel
};

/// The order of the panels, outside in: block of tile columns, chunk of k, pair of columns, k.
struct PanelOrder {
  std::int32_t tile_begin;
  std::int32_t tile_end;
  std::int32_t groups;        // of the whole linear
  std::int32_t chunk_groups;  // a multiple of kPanelGroups

  Panel at(std::int32_t block, std::int32_t chunk, std::int32_t tile, std::int32_t begin) const {
    const std::int32_t left = chunk_end(chunk) - begin;
    return {block, chunk,
            tile,  tile + 1 < block_end(block) ? 2 : 1,
            begin, left < kPanelGroups ? left : kPanelGroups};
  }
  Panel first() const { return at(tile_begin, 0, tile_begin, 0); }
  Panel after(const Panel& panel) const {
    const std::int32_t begin = panel.begin + panel.groups;
    if (begin < chunk_end(panel.chunk)) return at(panel.block, panel.chunk, panel.tile, begin);
    if (panel.tile + 2 < block_end(panel.block)) {
      return at(panel.block, panel.chunk, panel.tile + 2, panel.chunk);
    }
    if (begin < groups) return at(panel.block, begin, panel.block, begin);
    const std::int32_t block = block_end(panel.block);
    return block < tile_end ? at(block, 0, block, 0) : Panel{};
  }
  std::int32_t chunk_end(std::int32_t chunk) const {
    return chunk + chunk_groups < groups ? chunk + chunk_groups : groups;
  }
  std::int32_t block_end(std::int32_t block) const {
    return block + kPanelTiles < tile_end ? block + kPanelTiles : tile_end;
  }
};

/// Turns a panel into bf16 tiles [groups][2 columns], a few lines at a time, so that it can be done
/// between the products of the panel before.
template <int Bits, bool Zeros>
class PanelWriter {
 public:
  PanelWriter(const FastTask& task, const UnitShape& shape, const Panel& panel, std::uint8_t* out)
      : task_(task),
        shape_(shape),
        panel_(panel),
        out_(out),
        half_blocks_(task.linear->block_size < kGroup),
        lut_(load_lut()),
        left_(panel.tiles * panel.groups * Bits) {
    if (left_ > 0) enter(0, 0);
  }

  /// Lines of 64 bytes still to do.
  std::int32_t left() const { return left_; }

  [[gnu::always_inline]] inline void write(std::int32_t lines) {
    if (lines > left_) lines = left_;
    left_ -= lines;
    for (; lines > 0; --lines) {
      if (half_blocks_ && line_ == Bits / 2) load_block(1);
      _mm_prefetch(reinterpret_cast<const char*>(ahead_), _MM_HINT_T1);
      dequantise_line<Bits, Zeros>(weights_, scale_, zero_, lut_, to_);
      weights_ += 64;
      ahead_ += 64;
      to_ += kTile / Bits;
      if (++line_ == Bits) next_group();
    }
  }

 private:
  // Far enough for memory, near enough not to be evicted again.
  static constexpr std::int64_t kAheadBytes = 8 * 1024;

  void next_group() {
    if (index_ + 1 < panel_.groups) return enter(column_, index_ + 1);
    if (column_ + 1 < panel_.tiles) enter(column_ + 1, 0);
  }

  void load_block(std::int32_t half) {
    scale_ = load_scales(scales_ + half * shape_.scale_bytes);
    if constexpr (Zeros) zero_ = load_zeros(zeros_ + half * kTileColumns);
  }

  void enter(std::int32_t column, std::int32_t index) {
    column_ = column;
    index_ = index;
    line_ = 0;
    const PackedLinear& linear = *task_.linear;
    const std::int32_t group = panel_.begin + index;
    const std::int32_t in_unit = group % shape_.unit_groups;
    const std::int32_t tile = panel_.tile + column;
    const Unit unit = unit_at(linear, shape_, tile, group / shape_.unit_groups);
    if (in_unit == 0) *task_.weight_bytes += static_cast<std::uint64_t>(unit.bytes);
    const std::int32_t block = half_blocks_ ? in_unit * 2 : in_unit >> shape_.block_shift;
    weights_ = unit.weights + in_unit * shape_.group_bytes;
    scales_ = unit.scales + block * shape_.scale_bytes;
    zeros_ = unit.zeros + block * kTileColumns;
    load_block(0);
    to_ = out_ + (index * 2 + column) * kTile;
    // What follows this tile column's end is the next one's beginning, read already: the next in
    // its place is two further.
    ahead_ = weights_ + kAheadBytes;
    if (ahead_ >= linear.data + (tile + 1) * linear.tile_bytes) ahead_ += linear.tile_bytes;
  }

  const FastTask& task_;
  const UnitShape& shape_;
  const Panel panel_;
  std::uint8_t* const out_;
  const bool half_blocks_;
  const __m512h lut_;
  __m512h scale_{};
  __m512h zero_{};
  std::int32_t left_;
  std::int32_t column_ = 0;
  std::int32_t index_ = 0;
  std::int32_t line_ = 0;
  const std::uint8_t* weights_ = nullptr;
  const std::uint8_t* scales_ = nullptr;
  const std::int8_t* zeros_ = nullptr;
  const std::uint8_t* ahead_ = nullptr;
  std::uint8_t* to_ = nullptr;
};

/// sums[2][2][256] (+)= one or two x tiles times panel; between the products, `lines` of the next
/// panel for each group.
template <int RowTiles, class Writer>
inline void multiply(const std::uint8_t* x, const std::uint8_t* panel, std::int32_t groups,
                     bool first, float* sums, Writer& next, std::int32_t lines) {
  constexpr int kSecond = kPanelGroups * kTile;  // from an x tile to that of the next 16 rows
  __asm__ volatile("" ::: "memory");  // GCC's tile loads do not say that they read memory
  if (first) {
    _tile_zero(0);
    _tile_zero(1);
    if constexpr (RowTiles == 2) _tile_zero(2);
    if constexpr (RowTiles == 2) _tile_zero(3);
  } else {
    _tile_loadd(0, sums, 64);
    _tile_loadd(1, sums + 256, 64);
    if constexpr (RowTiles == 2) _tile_loadd(2, sums + 512, 64);
    if constexpr (RowTiles == 2) _tile_loadd(3, sums + 768, 64);
  }
  for (std::int32_t group = 0; group < groups; ++group) {
    _tile_loadd(6, panel + group * 2 * kTile, 64);
    _tile_stream_loadd(4, x + group * kTile, 64);
    _tile_dpbf16ps(0, 4, 6);
    _tile_loadd(7, panel + group * 2 * kTile + kTile, 64);
    _tile_dpbf16ps(1, 4, 7);
    if constexpr (RowTiles == 2) {
      _tile_stream_loadd(5, x + kSecond + group * kTile, 64);
      _tile_dpbf16ps(2, 5, 6);
      _tile_dpbf16ps(3, 5, 7);
    }
    next.write(lines);
  }
  _tile_stored(0, sums, 64);
  _tile_stored(1, sums + 256, 64);
  if constexpr (RowTiles == 2) _tile_stored(2, sums + 512, 64);
  if constexpr (RowTiles == 2) _tile_stored(3, sums + 768, 64);
}

/// The outputs of a block of tile columns from their sums [pairs][row pairs][2][2][16][16], row by
/// row: memory is written in long runs.
void write_block(const FastTask& task, std::int32_t block, std::int32_t end, const float* sums,
                 std::int64_t pair_sums) {
  const PackedLinear& linear = *task.linear;
  const __m512 back = _mm512_set1_ps(0x1p48F);
  const __m512 unit = _mm512_set1_ps(linear.scale_unit);
  for (std::int32_t row = 0; row < task.x->rows; ++row) {
    const float* from = sums + (row / 32) * 1024 + (row % 32 / 16) * 512 + row % 16 * 16;
    float* to = task.y + row * task.y_stride + block * kTileColumns;
    for (std::int32_t tile = block; tile < end; ++tile, to += kTileColumns) {
      const std::int32_t column = tile - block;
      __m512 value = _mm512_load_ps(from + column / 2 * pair_sums + column % 2 * 256);
      value = _mm512_mul_ps(_mm512_mul_ps(value, back), unit);
      if (linear.bias != nullptr) {
        value = _mm512_add_ps(value, _mm512_loadu_ps(linear.bias + tile * kTileColumns));
      }
      const std::int32_t left = linear.n - tile * kTileColumns;
      const auto mask = static_cast<__mmask16>(
          left >= kTileColumns ? 0xffffU : (1U << static_cast<unsigned>(left)) - 1U);
      if (mask == 0xffff && reinterpret_cast<std::uintptr_t>(to) % 64 == 0) {
        _mm512_stream_ps(to, value);
      } else {
        _mm512_mask_storeu_ps(to, mask, value);
      }
    }
  }
}

template <int Bits, bool Zeros>
void product(const FastTask& task) {
  const FastRows& x = *task.x;
  const UnitShape shape = shape_of(*task.linear);
  const std::int32_t row_tiles = (x.rows + 15) / 16;
  constexpr std::int64_t kRowTileBytes = kPanelGroups * kTile;  // of one panel
  const auto* rows = reinterpret_cast<const std::uint8_t*>(x.q);
  auto* panel_tiles = static_cast<std::uint8_t*>(task.scratch);
  auto* next_tiles = panel_tiles + kPanelBytes;
  auto* sums = reinterpret_cast<float*>(panel_tiles + kFastScratchBytes);
  const std::int64_t pair_sums = (row_tiles + 1) / 2 * 1024;
  std::int64_t chunk = kChunkBytes / (row_tiles * kTile) / kPanelGroups * kPanelGroups;
  if (chunk < kPanelGroups) chunk = kPanelGroups;
  const PanelOrder order{task.tile_begin, task.tile_end, x.groups,
                         static_cast<std::int32_t>(chunk)};
  Panel panel = order.first();
  PanelWriter<Bits, Zeros> writer(task, shape, panel, panel_tiles);
  writer.write(writer.left());
  while (panel.groups > 0) {
    const Panel next = order.after(panel);
    PanelWriter<Bits, Zeros> next_writer(task, shape, next, next_tiles);
    const std::int32_t steps = (row_tiles + 1) / 2 * panel.groups;
    const std::int32_t lines = (next_writer.left() + steps - 1) / steps;
    float* out = sums + (panel.tile - panel.block) / 2 * pair_sums;
    const std::uint8_t* x_tile = rows + std::int64_t{panel.begin} * row_tiles * kTile;
    std::int32_t row = 0;
    for (; row + 1 < row_tiles; row += 2) {
      multiply<2>(x_tile + row * kRowTileBytes, panel_tiles, panel.groups, panel.begin == 0,
                  out + row / 2 * 1024, next_writer, lines);
    }
    if (row < row_tiles) {
      multiply<1>(x_tile + row * kRowTileBytes, panel_tiles, panel.groups, panel.begin == 0,
                  out + row / 2 * 1024, next_writer, lines);
    }
    if (next.groups == 0 || next.block != panel.block) {
      write_block(task, panel.block, order.block_end(panel.block), sums, pair_sums);
    }
    panel = next;
    std::uint8_t* done = panel_tiles;
    panel_tiles = next_tiles;
    next_tiles = done;
  }
  _mm_sfence();  // streamed outputs, before other threads are told that they are there
}

}  // namespace

void fast_product(const FastTask* task) {
  TileConfig config{};
  config.palette = 1;
  // Up to 16 rows are not padded.
  const auto rows = static_cast<std::uint8_t>(task->x->rows < 16 ? task->x->rows : 16);
  for (int tile = 0; tile < 6; ++tile) config.set(tile, rows, 64);
  for (int tile = 6; tile < 8; ++tile) config.set(tile, 16, 64);
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
