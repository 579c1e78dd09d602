// What crosses the border between Hearth and a kernel compiled for one instruction set: plain data
// and function pointers, nothing else.
//
// A translation unit that is compiled with the flags of an instruction set includes this header,
// <immintrin.h>, <cstdint> and <cstddef>, and nothing more: an inline function of a library,
// compiled there, could be the copy the linker keeps for the whole program. This header therefore
// has no functions.
//
// The packed layout of one linear (y = x W^T + bias, W is [n, k] in blocks along k):
//   W is cut into tile columns of 16 rows of W, i.e. 16 outputs; they follow each other in memory,
//   all of the same size. A tile column is a row of units along k. A unit is 4 blocks:
//     scales       [4 blocks][16 outputs] float16, or float32 when `wide_scales`
//     zero points  [4 blocks][16 outputs] int8, only when `zero_points`: zero point - 2^(bits-1)
//     weights      groups of 32 k, each
//       4 bits     [4][16 outputs][4 bytes]: byte i of row j holds k = 8j+i in its low half and
//                  k = 8j+4+i in its high half, as unsigned 0..15
//       8 bits     [8][16 outputs][4 bytes]: byte i of row j holds k = 4j+i, as signed q - 128
//   The last unit of a tile column has only the groups that k needs. Everything begins at a
//   multiple of 64 bytes. Outputs and k beyond the edge weigh nothing (their scale is 0, or the
//   activation is).
//   Scales are stored divided by 2^exponent, chosen so that float16 holds them.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hearth::kernels {

constexpr std::int32_t kTileColumns = 16;  ///< outputs per tile column
constexpr std::int32_t kGroup = 32;        ///< k per group: one activation scale, one tile step
constexpr std::int32_t kUnitBlocks = 4;    ///< blocks per unit
constexpr std::int32_t kTileRowsMin = 13;  ///< rows from which on a kernel may use tiles
constexpr std::int32_t kAlignment = 64;    ///< of packed weights and of workspaces, in bytes
constexpr std::int32_t kExactColumns = 4;  ///< tile columns whose sums wait to be written together
constexpr std::int32_t kExactScratchBytes = 32 * 1024;  ///< beside 64 bytes a row and column
constexpr std::int32_t kPanelGroups = 16;               ///< groups per bf16 panel, 32 KB
/// Scratch of the fast recipe: the panels, and the sums of 16 rows in kFastColumns outputs.
constexpr std::int32_t kFastColumns = 16 * kTileColumns;
constexpr std::size_t kFastScratchBytes = 4 * kPanelGroups * 1024;
constexpr std::size_t kFastScratchTileBytes = 16 * kFastColumns * sizeof(float);

/// One packed linear. `tile_bytes` and `unit_bytes` follow from the rest; they are stated so that
/// kernels need not know how.
struct PackedLinear {
  const std::uint8_t* data;  ///< tile columns, 64-byte aligned
  const float* bias;         ///< [n rounded up to 16], or null
  std::int32_t n;            ///< outputs
  std::int32_t k;            ///< inputs
  std::int32_t bits;         ///< 4 or 8
  std::int32_t block_size;   ///< 16, 32, 64, 128 or 256
  std::int32_t wide_scales;  ///< 1: float32 scales
  std::int32_t zero_points;  ///< 1: the units have zero points
  float scale_unit;          ///< 2^exponent: what a sum of products is multiplied by at the end
  std::int64_t unit_bytes;   ///< of a full unit
  std::int64_t tile_bytes;   ///< of a tile column
};

/// Rows prepared for the `exact` recipe. Group-major, so that all rows of a group lie together;
/// `rows_padded` - `rows` zero rows follow.
struct ExactRows {
  std::int8_t* q;     ///< [groups, rows_padded, 32]
  float* scale;       ///< [groups, rows_padded]; NaN marks a block that held NaN or infinity
  std::int32_t* sum;  ///< [groups, rows_padded]: sums of q[0..15] and q[16..31] as two int16
  std::int32_t rows;
  std::int32_t rows_padded;  ///< row_block * number of row blocks
  std::int32_t row_block;    ///< rows per tile, at most 16; 12 or 16 from kTileRowsMin rows on
  std::int32_t groups;       ///< ceil(k / 32)
};

/// Rows prepared for the `fast` recipe: bf16 of x * 2^64, within every 8 k in the order
/// 0 2 1 3 4 6 5 7, in tiles of 16 rows x 32 k; a panel's tiles of the same rows lie together. The
/// rows are padded to whole tiles if there are more than 16.
struct FastRows {
  std::uint16_t* q;  ///< [panels, ceil(rows / 16), kPanelGroups, 16, 32]
  std::int32_t rows;
  std::int32_t groups;
};

/// What one call of a product kernel computes: the outputs of some tile columns for some rows.
struct ExactTask {
  const PackedLinear* linear;
  const ExactRows* x;
  float* y;                 ///< row 0, output 0
  std::int64_t y_stride;    ///< floats from row to row
  std::int32_t tile_begin;  ///< tile columns [begin, end)
  std::int32_t tile_end;
  void* scratch;  ///< kExactScratchBytes + 64 * kExactColumns * rows_padded bytes, aligned
  std::uint64_t* weight_bytes;  ///< counts the packed bytes loaded, each time they are
};

struct FastTask {
  const PackedLinear* linear;
  const FastRows* x;
  float* y;
  std::int64_t y_stride;
  std::int32_t tile_begin;
  std::int32_t tile_end;
  void* scratch;  ///< kFastScratchBytes + 2 kFastScratchTileBytes for every 32 rows, aligned
  std::uint64_t* weight_bytes;
};

using ExactProduct = void (*)(const ExactTask* task);
using FastProduct = void (*)(const FastTask* task);
/// Quantises row `row` of x ([k] floats) into `out`; portable/linear.cc has the rule.
using QuantiseRow = void (*)(const float* x, std::int32_t k, std::int32_t row,
                             const ExactRows* out);
/// out[i] = gate[i] * sigmoid(gate[i]) * up[i]: the same bits on every instruction set. `out` may
/// be `gate` or `up`.
using GatedSilu = void (*)(const float* gate, const float* up, float* out, std::int64_t count);
/// RMSNorm of a row of k floats: out = t * weight / sqrt(mean(t^2) + epsilon), where t is x, or
/// x + skip if `skip` is not null, which `sum` then becomes if it is not null either. The same bits
/// on every instruction set. `out` and `sum` overlap nothing.
using NormRow = void (*)(const float* x, const float* skip, const float* weight, float epsilon,
                         std::int32_t k, float* sum, float* out);
/// Converts row `row` of x into `out`.
using ConvertRow = void (*)(const float* x, std::int32_t k, std::int32_t row, const FastRows* out);

}  // namespace hearth::kernels
