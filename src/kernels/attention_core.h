// Paged attention, written once over sixteen lanes (attention_lanes.h) and compiled once per
// instruction set: the specification and the AVX2 and AVX-512 kernels are this code.
//
// Order of operations, per query row and head; every product-sum is a fused multiply-add:
//   query     norm, rotary, then times scale * log2(e) (scale / softcap with a softcap)
//   score     one chain over even dims, one over odd dims, added; with int8 elements times the
//             key's scale; softcap
//   chunk     256 keys at fixed positions. m = greatest score of the keys the row sees;
//             weight = 2^(score - m); their sum in 16 lanes (key % 16), then 8, 4, 2, 1 apart;
//             values: one chain per dim over the keys in order, with int8 elements of weights times
//             the value's scale
//   row       chunks in order: both sides scaled to the greater m and added; the sink last, as a
//             chunk of weight 1 without values; divided by the sum of weights
// Keys a row does not see weigh exactly 0, so it does not matter how many are computed beside it.
//
// Cost per key, KV head and query row: 2 * head_dim multiply-adds; keys and values are read once
// per kRowsMax rows, from memory once per item (4 * head_dim bytes a key in bf16, 2 * head_dim + 8
// in int8).
#pragma once

#include "kernels/attention_abi.h"
#include "kernels/attention_lanes.h"
#include "kernels/kv_lines.h"

namespace hearth::kernels {
namespace {

constexpr float kLog2E = 1.44269504F;
constexpr std::int64_t kChunkGranules = kAttentionChunkKeys / kKvGranuleTokens;
constexpr std::int64_t kRecordHead = 16;  // floats before the values of a record

inline float minus_infinity() { return -__builtin_inff(); }
inline std::int64_t smaller(std::int64_t a, std::int64_t b) { return a < b ? a : b; }
inline std::int64_t larger(std::int64_t a, std::int64_t b) { return a > b ? a : b; }

/// Positions [begin, end).
struct KeyRange {
  std::int64_t begin;
  std::int64_t end;
};

inline KeyRange visible_keys(const AttentionShape& shape, std::int64_t position) {
  const bool cut = shape.window > 0 && position >= shape.window;
  return {cut ? position - shape.window + 1 : 0, position + 1};
}

/// The part of `keys` in chunk `chunk`, as offsets in it; empty: begin >= end.
inline KeyRange within_chunk(KeyRange keys, std::int64_t chunk) {
  const std::int64_t first = chunk * kAttentionChunkKeys;
  return {larger(keys.begin - first, 0), smaller(keys.end - first, kAttentionChunkKeys)};
}

/// The granule of keys or values that holds position `key`.
template <class E>
E* granule_at(void* pool, const AttentionArgs& args, const AttentionSequence& sequence,
              std::int64_t head, std::int64_t key) {
  const std::int64_t block_tokens = args.pool.block_tokens;
  const std::int64_t block = sequence.blocks[key / block_tokens];
  const std::int64_t token = key % block_tokens / kKvGranuleTokens * kKvGranuleTokens;
  return reinterpret_cast<E*>(static_cast<char*>(pool) +
                              ((block * args.shape.kv_heads + head) * block_tokens + token) *
                                  token_bytes<E>(args.shape.head_dim));
}

inline void rotate_pair(float cosine, float sine, float& first, float& second) {
  const float x = first;
  first = __builtin_fmaf(x, cosine, second * -sine);
  second = __builtin_fmaf(second, cosine, x * sine);
}

inline void rotate(const AttentionShape& shape, const float* cosines, const float* sines,
                   float* head) {
  const std::int64_t half = shape.rotary_dim / 2;
  if (shape.rotary_interleaved) {
    for (std::int64_t j = 0; j < half; ++j) {
      rotate_pair(cosines[j], sines[j], head[2 * j], head[2 * j + 1]);
    }
    return;
  }
  std::int64_t j = 0;
  for (; j + 16 <= half; j += 16) {
    const Lanes::Reg c = Lanes::load(cosines + j);
    const Lanes::Reg s = Lanes::load(sines + j);
    const Lanes::Reg x = Lanes::load(head + j);
    const Lanes::Reg y = Lanes::load(head + half + j);
    const Lanes::Reg minus_s = Lanes::mul(s, Lanes::all(-1.0F));
    Lanes::store(head + j, Lanes::fma(x, c, Lanes::mul(y, minus_s)));
    Lanes::store(head + half + j, Lanes::fma(y, c, Lanes::mul(x, s)));
  }
  for (; j < half; ++j) rotate_pair(cosines[j], sines[j], head[j], head[half + j]);
}

/// One head of one row: normed, rotated and scaled. `out` has head_dim floats. The next row's head,
/// `stride` behind, is fetched.
inline void prepare_head(const AttentionShape& shape, const AttentionSequence& sequence,
                         std::int64_t position, const float* in, std::int64_t stride,
                         const float* norm, float factor, float* out) {
  const std::int64_t dim = shape.head_dim;
  Lanes::Reg squares = Lanes::zero();
  for (std::int64_t i = 0; i < dim; i += 16) {
    const Lanes::Reg x = Lanes::load(in + i);
    __builtin_prefetch(in + stride + i);
    Lanes::store(out + i, x);
    squares = Lanes::fma(x, x, squares);
  }
  if (norm != nullptr) {
    const float mean = sum_of(squares) / static_cast<float>(dim);
    const Lanes::Reg inverse = Lanes::all(1.0F / __builtin_sqrtf(mean + shape.norm_epsilon));
    for (std::int64_t i = 0; i < dim; i += 16) {
      const Lanes::Reg x = Lanes::mul(Lanes::load(out + i), inverse);
      Lanes::store(out + i, Lanes::mul(x, Lanes::load(norm + i)));
    }
  }
  if (shape.rotary_dim > 0) {
    const std::int64_t at = position * (shape.rotary_dim / 2);
    rotate(shape, sequence.cos + at, sequence.sin + at, out);
  }
  if (factor == 1.0F) return;
  const Lanes::Reg factors = Lanes::all(factor);
  for (std::int64_t i = 0; i < dim; i += 16) {
    Lanes::store(out + i, Lanes::mul(Lanes::load(out + i), factors));
  }
}

/// Writes the keys and values of positions [from, to), which are rows of this step, and clears the
/// values from the end of the sequence to that of its granule.
template <class E>
void write_keys_values(const AttentionArgs& args, const AttentionSequence& sequence,
                       std::int64_t head, std::int64_t from, std::int64_t to) {
  const std::int64_t dim = args.shape.head_dim;
  for (std::int64_t position = from; position < to; ++position) {
    const std::int64_t row = sequence.first_row + position - sequence.past;
    const std::int64_t token = position % kKvGranuleTokens;
    alignas(64) float key[kHeadDimMax];
    prepare_head(args.shape, sequence, position, args.k + row * args.kv_stride + head * dim,
                 args.kv_stride, args.shape.k_norm, 1.0F, key);
    put_key(granule_at<E>(args.pool.keys, args, sequence, head, position), token, key, dim);
    const float* value = args.v + row * args.kv_stride + head * dim;
    for (std::int64_t i = 0; i < dim; i += 16) __builtin_prefetch(value + args.kv_stride + i);
    put_value(granule_at<E>(args.pool.values, args, sequence, head, position), token, value, dim);
  }
  const std::int64_t end = to % kKvGranuleTokens;
  if (to == sequence.past + sequence.rows && end != 0) {
    clear_values(granule_at<E>(args.pool.values, args, sequence, head, to - 1), end, dim);
  }
}

/// Greatest score and sum of weights of a row, in a chunk or so far.
struct RowChunk {
  float greatest;
  float total;
};

/// Work of one task on one KV head for some tokens of one sequence, and its scratch memory.
struct AttentionItem {
  const AttentionArgs* args;
  const AttentionSequence* sequence;
  std::int64_t head;
  std::int64_t group;        ///< query heads of this KV head
  std::int64_t token_begin;  ///< of the sequence's rows in this step
  std::int64_t token_end;
  std::int64_t chunk_begin;
  std::int64_t chunk_end;
  float* records;  ///< null, or one per row of the item: where its only chunk goes
  std::int64_t record_stride;

  float* queries;  ///< [rows, head_dim]
  float* sums;     ///< [rows, head_dim]
  RowChunk* row_sums;
  float* scores;
  std::uint16_t* bf16;
  float* chunk;
  std::uint16_t* lines;  ///< see AttentionPlan::lines_offset

  // A row is a token and one of the group's heads.
  std::int64_t rows() const { return (token_end - token_begin) * group; }
  std::int64_t position(std::int64_t row) const {
    return sequence->past + token_begin + row / group;
  }
  std::int64_t query_head(std::int64_t row) const { return head * group + row % group; }
};

/// A chunk of which a row sees nothing.
constexpr RowChunk kNothing{-__builtin_inff(), 0.0F};

inline float query_factor(const AttentionShape& shape) {
  return shape.softcap > 0.0F ? shape.scale / shape.softcap : shape.scale * kLog2E;
}

inline void prepare_query(const AttentionItem& item, std::int64_t row, float* out) {
  const AttentionArgs& args = *item.args;
  const std::int64_t source = item.sequence->first_row + item.token_begin + row / item.group;
  prepare_head(args.shape, *item.sequence, item.position(row),
               args.q + source * args.q_stride + item.query_head(row) * args.shape.head_dim,
               args.q_stride, args.shape.q_norm, query_factor(args.shape), out);
}

/// Scores of R rows against the 32 keys of a granule. Fetches `next`, which is as large.
template <int R, class E>
void score_granule(const float* queries, std::int64_t dim, const E* keys, const E* next,
                   float* scores) {
  Lanes::Reg even[R][2];
  Lanes::Reg odd[R][2];
  for (int r = 0; r < R; ++r) {
    for (int t = 0; t < 2; ++t) even[r][t] = odd[r][t] = Lanes::zero();
  }
  for (std::int64_t i = 0; i < dim; i += 2) {
    for (int t = 0; t < 2; ++t) {
      const std::int64_t line = t * 16 * dim + i * 16;
      Lanes::Reg key_even;
      Lanes::Reg key_odd;
      load_line(keys + line, key_even, key_odd);
      __builtin_prefetch(next + line);
      for (int r = 0; r < R; ++r) {
        even[r][t] = Lanes::fma(Lanes::all(queries[r * dim + i]), key_even, even[r][t]);
        odd[r][t] = Lanes::fma(Lanes::all(queries[r * dim + i + 1]), key_odd, odd[r][t]);
      }
    }
  }
  for (int r = 0; r < R; ++r) {
    for (int t = 0; t < 2; ++t) {
      Lanes::store(scores + r * kAttentionScoreStride + t * 16, Lanes::add(even[r][t], odd[r][t]));
    }
  }
}

/// out[r, 16 * vector ..] = weighted values of granules [begin, end), D vectors of dims at once.
template <int R, int D, class E>
void weigh_values(const float* weights, const E* const* granules, std::int64_t begin,
                  std::int64_t end, std::int64_t vector, std::int64_t dim, float* out) {
  Lanes::Reg sum[R][D];
  for (int r = 0; r < R; ++r) {
    for (int j = 0; j < D; ++j) sum[r][j] = Lanes::zero();
  }
  for (std::int64_t g = begin; g < end; ++g) {
    for (std::int64_t token = 0; token < kKvGranuleTokens; token += 2) {
      const std::int64_t line = token * dim + vector * 32;
      const float* w = weights + g * kKvGranuleTokens + token;
      for (int j = 0; j < D; ++j) {
        Lanes::Reg even;
        Lanes::Reg odd;
        load_line(granules[g] + line + j * 32, even, odd);
        __builtin_prefetch(granules[g + 1] + line + j * 32);
        for (int r = 0; r < R; ++r) {
          const float* row = w + r * kAttentionScoreStride;
          sum[r][j] = Lanes::fma(Lanes::all(row[0]), even, sum[r][j]);
          sum[r][j] = Lanes::fma(Lanes::all(row[1]), odd, sum[r][j]);
        }
      }
    }
  }
  for (int r = 0; r < R; ++r) {
    for (int j = 0; j < D; ++j) Lanes::store(out + r * dim + (vector + j) * 16, sum[r][j]);
  }
}

/// Scores of keys outside `seen` become minus infinity, all in granules [begin, end).
inline void hide_scores(float* scores, KeyRange seen, std::int64_t begin, std::int64_t end) {
  const std::int64_t first = begin * kKvGranuleTokens;
  const std::int64_t last = end * kKvGranuleTokens;
  for (std::int64_t i = first; i < smaller(seen.begin, last); ++i) scores[i] = minus_infinity();
  for (std::int64_t i = larger(seen.end, first); i < last; ++i) scores[i] = minus_infinity();
}

inline void cap_scores(float softcap, float* scores, std::int64_t begin, std::int64_t end) {
  const Lanes::Reg cap = Lanes::all(softcap * kLog2E);
  for (std::int64_t i = begin * kKvGranuleTokens; i < end * kKvGranuleTokens; i += 16) {
    Lanes::store(scores + i, Lanes::mul(tanh_lanes(Lanes::load(scores + i)), cap));
  }
}

/// Turns a row's scores in granules [begin, end) into weights.
inline RowChunk weigh_scores(float* scores, std::int64_t begin, std::int64_t end) {
  Lanes::Reg greatest = Lanes::all(minus_infinity());
  for (std::int64_t i = begin * kKvGranuleTokens; i < end * kKvGranuleTokens; i += 16) {
    greatest = Lanes::max(Lanes::load(scores + i), greatest);
  }
  const float m = max_of(greatest);
  const Lanes::Reg shift = Lanes::all(m);
  Lanes::Reg total = Lanes::zero();
  for (std::int64_t i = begin * kKvGranuleTokens; i < end * kKvGranuleTokens; i += 16) {
    const Lanes::Reg weight = exp2_lanes(Lanes::sub(Lanes::load(scores + i), shift));
    Lanes::store(scores + i, weight);
    total = Lanes::add(total, weight);
  }
  return {m, sum_of(total)};
}

/// Adds chunks[i] with values[i * stride ...] to rows[i], whose sums begin at sums[i * dim], for
/// `count` rows, at most kAttentionTileRows. A chunk of weight 0 leaves its row alone.
inline void add_chunks(std::int64_t count, const RowChunk* chunks, const float* values,
                       std::int64_t dim, RowChunk* rows, float* sums) {
  alignas(64) float keep[kAttentionTileRows];
  alignas(64) float join[kAttentionTileRows];
  for (std::int64_t r = 0; r < count; ++r) {
    const bool grows = chunks[r].greatest > rows[r].greatest;
    const float m = grows ? chunks[r].greatest : rows[r].greatest;
    keep[r] = rows[r].greatest - m;
    join[r] = chunks[r].greatest - m;
    rows[r].greatest = m;
  }
  for (std::int64_t r = count; r % 16 != 0; ++r) keep[r] = join[r] = 0.0F;
  for (std::int64_t r = 0; r < count; r += 16) {
    Lanes::store(keep + r, exp2_lanes(Lanes::load(keep + r)));
    Lanes::store(join + r, exp2_lanes(Lanes::load(join + r)));
  }
  for (std::int64_t r = 0; r < count; ++r) {
    if (chunks[r].total == 0.0F) continue;
    rows[r].total = __builtin_fmaf(chunks[r].total, join[r], rows[r].total * keep[r]);
    const Lanes::Reg keeps = Lanes::all(keep[r]);
    const Lanes::Reg joins = Lanes::all(join[r]);
    float* sum = sums + r * dim;
    for (std::int64_t i = 0; i < dim; i += 16) {
      const Lanes::Reg old = Lanes::mul(Lanes::load(sum + i), keeps);
      Lanes::store(sum + i, Lanes::fma(Lanes::load(values + r * dim + i), joins, old));
    }
  }
}

inline void begin_row(std::int64_t dim, RowChunk& row, float* sums) {
  row = {minus_infinity(), 0.0F};
  for (std::int64_t i = 0; i < dim; i += 16) Lanes::store(sums + i, Lanes::zero());
}

/// Adds the sink, divides and writes the row's output.
inline void finish_row(const AttentionArgs& args, std::int64_t source_row, std::int64_t query_head,
                       RowChunk row, float* sums) {
  const std::int64_t dim = args.shape.head_dim;
  if (args.shape.sinks != nullptr) {
    alignas(64) float nothing[kHeadDimMax] = {};
    const RowChunk sink{args.shape.sinks[query_head] * kLog2E, 1.0F};
    add_chunks(1, &sink, nothing, dim, &row, sums);
  }
  const Lanes::Reg inverse = Lanes::all(1.0F / row.total);
  float* out = args.out + source_row * args.out_stride + query_head * dim;
  for (std::int64_t i = 0; i < dim; i += 16) {
    Lanes::store(out + i, Lanes::mul(Lanes::load(sums + i), inverse));
  }
}

/// Where the chunk of rows [first, first + count) goes: into their records, or to the running sums.
inline void place_chunks(const AttentionItem& item, std::int64_t first, std::int64_t count,
                         const RowChunk* chunks) {
  const std::int64_t dim = item.args->shape.head_dim;
  if (item.records == nullptr) {
    add_chunks(count, chunks, item.chunk, dim, item.row_sums + first, item.sums + first * dim);
    return;
  }
  for (std::int64_t r = 0; r < count; ++r) {
    float* record = item.records + (first + r) * item.record_stride;
    record[0] = chunks[r].greatest;
    record[1] = chunks[r].total;
    for (std::int64_t i = 0; i < dim; i += 16) {
      Lanes::store(record + kRecordHead + i, Lanes::load(item.chunk + r * dim + i));
    }
  }
}

/// The granules of a chunk. One more follows, for fetching ahead: some that is valid.
template <class E>
struct ChunkGranules {
  const E* keys[kChunkGranules + 1];
  const E* values[kChunkGranules + 1];
};

/// Looks up granules [begin, end) of a chunk. What is fetched after the keys are the values, and
/// after them the next chunk's keys.
template <class E>
ChunkGranules<E> find_granules(const AttentionItem& item, std::int64_t chunk, std::int64_t begin,
                               std::int64_t end) {
  ChunkGranules<E> found{};
  const AttentionArgs& args = *item.args;
  for (std::int64_t g = begin; g < end; ++g) {
    const std::int64_t key = chunk * kAttentionChunkKeys + g * kKvGranuleTokens;
    found.keys[g] = granule_at<E>(args.pool.keys, args, *item.sequence, item.head, key);
    found.values[g] = granule_at<E>(args.pool.values, args, *item.sequence, item.head, key);
  }
  found.keys[end] = found.values[begin];
  const std::int64_t next = (chunk + 1) * kAttentionChunkKeys;
  const bool more = end == kChunkGranules && chunk + 1 < item.chunk_end;
  found.values[end] = more ? granule_at<E>(args.pool.keys, args, *item.sequence, item.head, next)
                           : found.values[begin];
  return found;
}

/// Granules of `chunk` that rows [first, last] of the item see together.
inline KeyRange granules_seen(const AttentionItem& item, std::int64_t chunk, std::int64_t first,
                              std::int64_t last) {
  const AttentionShape& shape = item.args->shape;
  const KeyRange keys = within_chunk(
      {visible_keys(shape, item.position(first)).begin, item.position(last) + 1}, chunk);
  if (keys.begin >= keys.end) return {0, 0};
  return {keys.begin / kKvGranuleTokens, (keys.end + kKvGranuleTokens - 1) / kKvGranuleTokens};
}

template <int R, class E>
void weigh_all_values(const AttentionItem& item, const ChunkGranules<E>& granules, KeyRange seen) {
  constexpr int kMany = R <= 3 ? Lanes::kValueVectorsFewRows : Lanes::kValueVectors;
  const std::int64_t dim = item.args->shape.head_dim;
  std::int64_t vector = 0;
  for (; vector + kMany <= dim / 16; vector += kMany) {
    weigh_values<R, kMany>(item.scores, granules.values, seen.begin, seen.end, vector, dim,
                           item.chunk);
  }
  for (; vector < dim / 16; ++vector) {
    weigh_values<R, 1>(item.scores, granules.values, seen.begin, seen.end, vector, dim, item.chunk);
  }
}

/// Rows [first, first + R) of the item against one chunk.
template <int R, class E>
void attend_rows(const AttentionItem& item, std::int64_t chunk, const ChunkGranules<E>& granules,
                 std::int64_t first) {
  const AttentionShape& shape = item.args->shape;
  const std::int64_t dim = shape.head_dim;
  const KeyRange seen = granules_seen(item, chunk, first, first + R - 1);
  if (seen.begin == seen.end) return;
  for (std::int64_t g = seen.begin; g < seen.end; ++g) {
    score_granule<R>(item.queries + first * dim, dim, granules.keys[g], granules.keys[g + 1],
                     item.scores + g * kKvGranuleTokens);
    if constexpr (kHasScales<E>) {
      fetch_scales(granules.keys[g + 1], dim);
      fetch_scales(granules.values[g], dim);
    }
  }
  RowChunk sums[R];
  for (int r = 0; r < R; ++r) {
    float* scores = item.scores + r * kAttentionScoreStride;
    if constexpr (kHasScales<E>) {
      apply_scales(scores, granules.keys, seen.begin, seen.end, dim);
    }
    if (shape.softcap > 0.0F) cap_scores(shape.softcap, scores, seen.begin, seen.end);
    const KeyRange own = within_chunk(visible_keys(shape, item.position(first + r)), chunk);
    hide_scores(scores, own, seen.begin, seen.end);
    sums[r] = own.begin < own.end ? weigh_scores(scores, seen.begin, seen.end) : kNothing;
    if constexpr (kHasScales<E>) {
      apply_scales(scores, granules.values, seen.begin, seen.end, dim);
    }
  }
  weigh_all_values<R>(item, granules, seen);
  place_chunks(item, first, R, sums);
}

template <int R, class E>
std::int64_t attend_blocks(const AttentionItem& item, std::int64_t chunk,
                           const ChunkGranules<E>& granules, std::int64_t row) {
  if constexpr (R <= Lanes::kRowsMax) {
    for (; row + R <= item.rows(); row += R) attend_rows<R>(item, chunk, granules, row);
  }
  return row;
}

/// The whole item.
template <class E>
void attend_exactly(const AttentionItem& item) {
  const std::int64_t dim = item.args->shape.head_dim;
  const std::int64_t rows = item.rows();
  for (std::int64_t row = 0; row < rows; ++row) {
    prepare_query(item, row, item.queries + row * dim);
  }
  for (std::int64_t chunk = item.chunk_begin; chunk < item.chunk_end; ++chunk) {
    const KeyRange seen = granules_seen(item, chunk, 0, rows - 1);
    if (seen.begin == seen.end) continue;
    const ChunkGranules<E> granules = find_granules<E>(item, chunk, seen.begin, seen.end);
    std::int64_t row = attend_blocks<6>(item, chunk, granules, 0);
    row = attend_blocks<4>(item, chunk, granules, row);
    row = attend_blocks<3>(item, chunk, granules, row);
    row = attend_blocks<2>(item, chunk, granules, row);
    attend_blocks<1>(item, chunk, granules, row);
  }
}

/// Every item writes the new keys and values of its chunks first when no section did.
template <class E, class Attend>
void run_item(const AttentionItem& item, bool write, const Attend& attend) {
  const AttentionSequence& sequence = *item.sequence;
  const std::int64_t dim = item.args->shape.head_dim;
  const std::int64_t length = sequence.past + sequence.rows;
  if (write) {
    write_keys_values<E>(*item.args, sequence, item.head,
                         larger(sequence.past, item.chunk_begin * kAttentionChunkKeys),
                         smaller(length, item.chunk_end * kAttentionChunkKeys));
  }
  if (item.records == nullptr) {
    for (std::int64_t row = 0; row < item.rows(); ++row) {
      begin_row(dim, item.row_sums[row], item.sums + row * dim);
    }
  }
  attend(item);
  if (item.records != nullptr) return;
  for (std::int64_t row = 0; row < item.rows(); ++row) {
    finish_row(*item.args, sequence.first_row + item.token_begin + row / item.group,
               item.query_head(row), item.row_sums[row], item.sums + row * dim);
  }
}

/// Chunks that some row of the sequence sees.
inline KeyRange chunks_of(const AttentionShape& shape, const AttentionSequence& sequence,
                          std::int64_t token_begin, std::int64_t token_end) {
  const std::int64_t first = visible_keys(shape, sequence.past + token_begin).begin;
  const std::int64_t end = sequence.past + token_end;
  return {first / kAttentionChunkKeys, (end + kAttentionChunkKeys - 1) / kAttentionChunkKeys};
}

/// One task of the sections of a call. `Attend` computes an item: see attend_exactly().
template <class E, class Attend>
class AttentionTask {
 public:
  AttentionTask(const AttentionArgs& args, const AttentionPlan& plan, std::int64_t task,
                const Attend& attend)
      : args_(args), plan_(plan), task_(task), attend_(attend) {
    char* scratch = static_cast<char*>(args.scratch) + task * plan.task_bytes;
    item_.args = &args;
    item_.group = args.shape.query_heads / args.shape.kv_heads;
    item_.queries = reinterpret_cast<float*>(scratch);
    item_.sums = reinterpret_cast<float*>(scratch + plan.sums_offset);
    item_.row_sums = reinterpret_cast<RowChunk*>(scratch + plan.weight_offset);
    item_.scores = reinterpret_cast<float*>(scratch + plan.score_offset);
    item_.bf16 = reinterpret_cast<std::uint16_t*>(scratch + plan.bf16_offset);
    item_.chunk = reinterpret_cast<float*>(scratch + plan.chunk_offset);
    item_.lines = reinterpret_cast<std::uint16_t*>(scratch + plan.lines_offset);
  }

  void run(std::int64_t section) {
    const bool last = section + 1 == plan_.sections;
    if (plan_.write_first && section == 0) {
      write();
    } else if (plan_.split_keys && last) {
      add_records();
    } else {
      attend();
    }
  }

 private:
  bool mine() { return counter_++ % plan_.tasks == task_; }

  std::int64_t record_floats() const { return kRecordHead + args_.shape.head_dim; }

  void write() {
    for (std::int64_t s = 0; s < args_.sequence_count; ++s) {
      const AttentionSequence& sequence = args_.sequences[s];
      const std::int64_t end = sequence.past + sequence.rows;
      for (std::int64_t from = sequence.past; from < end;) {
        const std::int64_t to =
            smaller(end, (from / kAttentionChunkKeys + 1) * kAttentionChunkKeys);
        for (std::int64_t head = 0; head < args_.shape.kv_heads; ++head) {
          if (mine()) write_keys_values<E>(args_, sequence, head, from, to);
        }
        from = to;
      }
    }
  }

  void attend() {
    float* records =
        reinterpret_cast<float*>(static_cast<char*>(args_.scratch) + plan_.records_offset);
    for (std::int64_t s = 0; s < args_.sequence_count; ++s) {
      item_.sequence = &args_.sequences[s];
      const std::int64_t rows = item_.sequence->rows;
      const KeyRange all = chunks_of(args_.shape, *item_.sequence, 0, rows);
      // Later tokens see more keys: the longest items first.
      for (std::int64_t end = rows; end > 0; end -= plan_.tile_tokens) {
        item_.token_end = end;
        item_.token_begin = larger(0, end - plan_.tile_tokens);
        const KeyRange chunks =
            chunks_of(args_.shape, *item_.sequence, item_.token_begin, item_.token_end);
        for (item_.head = 0; item_.head < args_.shape.kv_heads; ++item_.head) {
          if (plan_.split_keys) {
            attend_split(records, all, chunks);
          } else if (mine()) {
            item_.records = nullptr;
            item_.chunk_begin = chunks.begin;
            item_.chunk_end = chunks.end;
            run_item<E>(item_, !plan_.write_first, attend_);
          }
        }
      }
      records += sequence_records(*item_.sequence, all) * record_floats();
    }
  }

  void attend_split(float* records, KeyRange all, KeyRange chunks) {
    const std::int64_t rows = item_.sequence->rows * item_.group;
    for (std::int64_t chunk = chunks.begin; chunk < chunks.end; ++chunk) {
      if (!mine()) continue;
      const std::int64_t row = item_.head * rows + item_.token_begin * item_.group;
      item_.record_stride = (all.end - all.begin) * record_floats();
      item_.records = records + row * item_.record_stride + (chunk - all.begin) * record_floats();
      item_.chunk_begin = chunk;
      item_.chunk_end = chunk + 1;
      run_item<E>(item_, !plan_.write_first, attend_);
    }
  }

  std::int64_t sequence_records(const AttentionSequence& sequence, KeyRange chunks) const {
    return sequence.rows * args_.shape.query_heads * (chunks.end - chunks.begin);
  }

  void add_records() {
    const float* records = reinterpret_cast<const float*>(static_cast<const char*>(args_.scratch) +
                                                          plan_.records_offset);
    for (std::int64_t s = 0; s < args_.sequence_count; ++s) {
      item_.sequence = &args_.sequences[s];
      const KeyRange all = chunks_of(args_.shape, *item_.sequence, 0, item_.sequence->rows);
      for (item_.head = 0; item_.head < args_.shape.kv_heads; ++item_.head) {
        for (std::int64_t token = 0; token < item_.sequence->rows; ++token) {
          const float* group = records + (item_.head * item_.sequence->rows + token) * item_.group *
                                             (all.end - all.begin) * record_floats();
          if (mine()) add_records_of(token, all, group);
        }
      }
      records += sequence_records(*item_.sequence, all) * record_floats();
    }
  }

  void add_records_of(std::int64_t token, KeyRange all, const float* records) {
    const std::int64_t dim = args_.shape.head_dim;
    const KeyRange own = chunks_of(args_.shape, *item_.sequence, token, token + 1);
    for (std::int64_t h = 0; h < item_.group; ++h) {
      RowChunk sum;
      begin_row(dim, sum, item_.sums);
      for (std::int64_t chunk = own.begin; chunk < own.end; ++chunk) {
        const float* record =
            records + (h * (all.end - all.begin) + chunk - all.begin) * record_floats();
        const RowChunk one{record[0], record[1]};
        add_chunks(1, &one, record + kRecordHead, dim, &sum, item_.sums);
      }
      finish_row(args_, item_.sequence->first_row + token, item_.head * item_.group + h, sum,
                 item_.sums);
    }
  }

  const AttentionArgs& args_;
  const AttentionPlan& plan_;
  std::int64_t task_;
  const Attend& attend_;
  std::int64_t counter_ = 0;
  AttentionItem item_{};
};

template <class E>
void run_exactly_as(const AttentionArgs& args, const AttentionPlan& plan, std::int64_t section,
                    std::int64_t task) {
  const auto attend = [](const AttentionItem& item) { attend_exactly<E>(item); };
  AttentionTask<E, decltype(attend)>(args, plan, task, attend).run(section);
}

/// The kernel of an instruction set without a faster arithmetic for prompts.
inline void run_exactly(const AttentionArgs& args, const AttentionPlan& plan, std::int64_t section,
                        std::int64_t task) {
  switch (args.pool.element) {
    case KvElement::kBf16:
      return run_exactly_as<std::uint16_t>(args, plan, section, task);
    case KvElement::kFloat32:
      return run_exactly_as<float>(args, plan, section, task);
    case KvElement::kInt8:
      return run_exactly_as<std::int8_t>(args, plan, section, task);
  }
}

}  // namespace
}  // namespace hearth::kernels
