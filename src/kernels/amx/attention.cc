// Paged attention on AMX bf16 tiles for prompt rows (sequences marked `fast`); everything else as
// attention_core.h.
//
// 32 query rows (tokens and heads of a group together) go through a chunk of 256 keys at once:
//   S[32, 256] = Q[32, d] * K^T: 2 x 2 tiles of 16 x 16, 32 dims a step; the pool's key lines are
//                the right-hand operand as they lie in memory
//   P = 2^(S - m) in bf16, m and the sum of the unrounded weights per row
//   O[32, d] = P * V: 2 x 2 tiles, 32 keys a step; the value lines likewise
// and the chunk is added to the rows' sums as in the exact order. Queries and weights are rounded
// to bf16 (2^-9), sums are float32, denormals count as 0. A tile row is computed from its own row
// of the left-hand operand only, so a row's value does not depend on the rows beside it.
//
// int8 elements are exact in bf16: an item writes a chunk's lines as bf16 into its scratch memory
// once, for all its rows, and goes on as above; scores are multiplied by the keys' scales, weights
// by the values' before they are rounded.
//
// Tile work per 32 rows and chunk: 2 * 256 * d * 32 multiply-adds, 512 a cycle at best: 4096 cycles
// for d = 128, beside about as many for the 8192 weights.
#include "kernels/amx/tile_config.h"
#include "kernels/attention_core.h"

namespace hearth::kernels {
namespace {

constexpr std::int64_t kTile = 16;
constexpr std::int64_t kStep = 32;  // bf16 values of a tile row

/// Eight full tiles for the life of this object.
class Tiles {
 public:
  Tiles() {
    amx::TileConfig config{};
    config.palette = 1;
    for (int i = 0; i < 8; ++i) config.set(i, kTile, kStep * 2);
    amx::load_tile_config(config);
  }
  ~Tiles() { _tile_release(); }
  Tiles(const Tiles&) = delete;
  Tiles& operator=(const Tiles&) = delete;
};

// Tiles 0-3: sums [2 x 2]; 4, 5: left-hand rows; 6, 7: right-hand columns.
inline void clear_sums() {
  // GCC's tile loads do not say that they read memory: what they read must be there.
  __asm__ volatile("" : : : "memory");
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
}

inline void multiply_step(const std::uint16_t* left, std::int64_t left_stride,
                          const std::uint16_t* right, std::int64_t right_columns,
                          std::int64_t right_stride) {
  _tile_loadd(4, left, left_stride * 2);
  _tile_loadd(6, right, right_stride * 2);
  _tile_dpbf16ps(0, 4, 6);
  _tile_loadd(5, left + kTile * left_stride, left_stride * 2);
  _tile_dpbf16ps(2, 5, 6);
  _tile_loadd(7, right + right_columns, right_stride * 2);
  _tile_dpbf16ps(1, 4, 7);
  _tile_dpbf16ps(3, 5, 7);
}

inline void store_sums(float* out, std::int64_t stride) {
  _tile_stored(0, out, stride * 4);
  _tile_stored(1, out + kTile, stride * 4);
  _tile_stored(2, out + kTile * stride, stride * 4);
  _tile_stored(3, out + kTile * stride + kTile, stride * 4);
}

/// Fetches `lines` cache lines, `stride` elements apart.
inline void fetch(const std::uint16_t* from, std::int64_t lines, std::int64_t stride) {
  for (std::int64_t i = 0; i < lines; ++i) __builtin_prefetch(from + i * stride);
}

/// Scores of 32 rows against a granule; fetches the next one.
void score_tile(const std::uint16_t* queries, std::int64_t dim, const std::uint16_t* keys,
                const std::uint16_t* next, float* scores) {
  clear_sums();
  for (std::int64_t i = 0; i < dim; i += kStep) {
    fetch(next + i * 32, 32, 32);
    multiply_step(queries + i, dim, keys + i * 16, 16 * dim, 32);
  }
  store_sums(scores, kAttentionScoreStride);
}

void weigh_value_tile(const std::uint16_t* weights, const ChunkGranules<std::uint16_t>& granules,
                      KeyRange seen, std::int64_t column, std::int64_t dim, float* out) {
  clear_sums();
  for (std::int64_t g = seen.begin; g < seen.end; ++g) {
    const std::uint16_t* next = granules.values[g + 1] + column * 2;
    fetch(next, 16, 2 * dim);
    fetch(next + 32, 16, 2 * dim);
    multiply_step(weights + g * kKvGranuleTokens, kAttentionScoreStride,
                  granules.values[g] + column * 2, 32, 2 * dim);
  }
  store_sums(out + column, dim);
}

/// As exp2_lanes(), relative error below 1e-5: less than bf16 sees.
inline __m512 exp2_roughly(__m512 x) {
  const __m512 magic = _mm512_set1_ps(12582912.0F);
  const __m512 shifted = _mm512_add_ps(x, magic);
  const __m512 f = _mm512_sub_ps(x, _mm512_sub_ps(shifted, magic));
  __m512 p = _mm512_set1_ps(0.00965671055F);
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(0.0558382832F));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(0.2402253F));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(0.693136752F));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(1.0F));
  const __mmask16 counts = _mm512_cmp_ps_mask(x, _mm512_set1_ps(-125.0F), _CMP_NLT_UQ);
  return _mm512_maskz_mul_ps(counts, p, Lanes::power_of_magic(shifted));
}

/// Turns a row's scores in granules [begin, end) into bf16 weights, times the values' scales where
/// there are any. The sum is that of the weights without.
template <class E>
RowChunk weigh_roughly(const float* scores, const E* const* values, std::int64_t dim,
                       std::int64_t begin, std::int64_t end, std::uint16_t* weights) {
  __m512 greatest = _mm512_set1_ps(minus_infinity());
  __m512 second = greatest;
  for (std::int64_t i = begin * kKvGranuleTokens; i < end * kKvGranuleTokens; i += 32) {
    greatest = _mm512_max_ps(_mm512_loadu_ps(scores + i), greatest);
    second = _mm512_max_ps(_mm512_loadu_ps(scores + i + 16), second);
  }
  const float m = _mm512_reduce_max_ps(_mm512_max_ps(greatest, second));
  const __m512 shift = _mm512_set1_ps(m);
  __m512 total = _mm512_setzero_ps();
  for (std::int64_t i = begin * kKvGranuleTokens; i < end * kKvGranuleTokens; i += 32) {
    __m512 low = exp2_roughly(_mm512_sub_ps(_mm512_loadu_ps(scores + i), shift));
    __m512 high = exp2_roughly(_mm512_sub_ps(_mm512_loadu_ps(scores + i + 16), shift));
    total = _mm512_add_ps(total, _mm512_add_ps(low, high));
    if constexpr (kHasScales<E>) {
      const float* scales = scales_of(values[i / kKvGranuleTokens], dim);
      low = _mm512_mul_ps(low, _mm512_loadu_ps(scales));
      high = _mm512_mul_ps(high, _mm512_loadu_ps(scales + 16));
    }
    _mm512_storeu_si512(weights + i, reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(high, low)));
  }
  return {m, _mm512_reduce_add_ps(total)};
}

/// Rows [first, first + count) of the item, at most 32, against one chunk, whose `granules` are
/// `lines` in bf16.
template <class E>
void attend_tile(const AttentionItem& item, std::int64_t chunk, const ChunkGranules<E>& granules,
                 const ChunkGranules<std::uint16_t>& lines, std::int64_t first,
                 std::int64_t count) {
  const AttentionShape& shape = item.args->shape;
  const std::int64_t dim = shape.head_dim;
  const KeyRange seen = granules_seen(item, chunk, first, first + count - 1);
  if (seen.begin == seen.end) return;
  const auto* queries = reinterpret_cast<const std::uint16_t*>(item.queries) + first * dim;
  for (std::int64_t g = seen.begin; g < seen.end; ++g) {
    score_tile(queries, dim, lines.keys[g], lines.keys[g + 1], item.scores + g * kKvGranuleTokens);
  }
  RowChunk sums[kAttentionTileRows];
  std::int64_t position = item.position(first);
  std::int64_t head = first % item.group;
  for (std::int64_t r = 0; r < count; ++r) {
    float* scores = item.scores + r * kAttentionScoreStride;
    if constexpr (kHasScales<E>) {
      apply_scales(scores, granules.keys, seen.begin, seen.end, dim);
    }
    if (shape.softcap > 0.0F) cap_scores(shape.softcap, scores, seen.begin, seen.end);
    const KeyRange own = within_chunk(visible_keys(shape, position), chunk);
    hide_scores(scores, own, seen.begin, seen.end);
    sums[r] = own.begin < own.end ? weigh_roughly(scores, granules.values, dim, seen.begin,
                                                  seen.end, item.bf16 + r * kAttentionScoreStride)
                                  : kNothing;
    if (++head == item.group) {
      head = 0;
      ++position;
    }
  }
  for (std::int64_t column = 0; column < dim; column += kStep) {
    weigh_value_tile(item.bf16, lines, seen, column, dim, item.chunk);
  }
  place_chunks(item, first, count, sums);
}

void prepare_query_tiles(const AttentionItem& item) {
  const std::int64_t dim = item.args->shape.head_dim;
  auto* queries = reinterpret_cast<std::uint16_t*>(item.queries);
  const std::int64_t rows = item.rows();
  alignas(64) float query[kHeadDimMax];
  for (std::int64_t row = 0; row < rows; ++row) {
    prepare_query(item, row, query);
    for (std::int64_t i = 0; i < dim; i += 32) {
      _mm512_storeu_si512(queries + row * dim + i,
                          reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(
                              _mm512_load_ps(query + i + 16), _mm512_load_ps(query + i))));
    }
  }
}

/// A granule's int8 elements in bf16, pair by pair. Fetches `next`, which is as large.
void widen_granule(const std::int8_t* granule, const std::int8_t* next, std::int64_t dim,
                   std::uint16_t* lines) {
  for (std::int64_t i = 0; i < kKvGranuleTokens * dim; i += 2 * kTile) {
    Lanes::Reg even;
    Lanes::Reg odd;
    load_line(granule + i, even, odd);
    __builtin_prefetch(next + i);
    const __m512i low = _mm512_srli_epi32(_mm512_castps_si512(even), 16);
    _mm512_storeu_si512(lines + i, _mm512_or_si512(low, _mm512_castps_si512(odd)));
  }
  fetch_scales(next, dim);
}

/// A chunk's granules as tiles take them: where they are, or written into the scratch memory.
const ChunkGranules<std::uint16_t>& tile_lines(const AttentionItem&, KeyRange,
                                               const ChunkGranules<std::uint16_t>& granules) {
  return granules;
}

ChunkGranules<std::uint16_t> tile_lines(const AttentionItem& item, KeyRange seen,
                                        const ChunkGranules<std::int8_t>& granules) {
  const std::int64_t dim = item.args->shape.head_dim;
  std::uint16_t* keys = item.lines;
  std::uint16_t* values = keys + kAttentionChunkKeys * dim;
  ChunkGranules<std::uint16_t> lines{};
  for (std::int64_t g = seen.begin; g < seen.end; ++g) {
    std::uint16_t* key_lines = keys + g * kKvGranuleTokens * dim;
    std::uint16_t* value_lines = values + g * kKvGranuleTokens * dim;
    widen_granule(granules.keys[g], granules.keys[g + 1], dim, key_lines);
    widen_granule(granules.values[g], granules.values[g + 1], dim, value_lines);
    lines.keys[g] = key_lines;
    lines.values[g] = value_lines;
  }
  lines.keys[seen.end] = lines.values[seen.begin];
  lines.values[seen.end] = lines.values[seen.begin];
  return lines;
}

/// The whole item. Rows of the last tile behind the item's are what the scratch memory holds; what
/// comes of them is not read.
template <class E>
void attend_on_tiles(const AttentionItem& item) {
  const std::int64_t rows = item.rows();
  prepare_query_tiles(item);
  const Tiles tiles;
  for (std::int64_t chunk = item.chunk_begin; chunk < item.chunk_end; ++chunk) {
    const KeyRange seen = granules_seen(item, chunk, 0, rows - 1);
    if (seen.begin == seen.end) continue;
    const auto granules = find_granules<E>(item, chunk, seen.begin, seen.end);
    const ChunkGranules<std::uint16_t>& lines = tile_lines(item, seen, granules);
    for (std::int64_t row = 0; row < rows; row += kAttentionTileRows) {
      attend_tile(item, chunk, granules, lines, row, smaller(kAttentionTileRows, rows - row));
    }
  }
}

/// Fast sequences on tiles, the others exactly.
template <class E>
void run_with_tiles(const AttentionArgs& args, const AttentionPlan& plan, std::int64_t section,
                    std::int64_t task) {
  const auto attend = [](const AttentionItem& item) {
    if (item.sequence->fast) {
      attend_on_tiles<E>(item);
    } else {
      attend_exactly<E>(item);
    }
  };
  AttentionTask<E, decltype(attend)>(args, plan, task, attend).run(section);
}

}  // namespace

void attention_amx(const AttentionArgs* args, const AttentionPlan* plan, std::int64_t section,
                   std::int64_t task) {
  if (args->pool.element == KvElement::kFloat32 || args->shape.head_dim % kStep != 0) {
    run_exactly(*args, *plan, section, task);
  } else if (args->pool.element == KvElement::kBf16) {
    run_with_tiles<std::uint16_t>(*args, *plan, section, task);
  } else {
    run_with_tiles<std::int8_t>(*args, *plan, section, task);
  }
}

}  // namespace hearth::kernels
