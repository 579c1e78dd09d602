// What crosses the border between Hearth and an attention kernel compiled for one instruction set:
// plain data, no functions (see abi.h). attention.h says what is computed.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hearth::kernels {

/// Tokens of a pool's smallest unit; a block holds a multiple of them.
constexpr std::int64_t kKvGranuleTokens = 32;

/// Keys of one chunk: scores are normalised and added chunk by chunk, at fixed key positions.
constexpr std::int64_t kAttentionChunkKeys = 256;

/// Query rows that go through a chunk together, and elements from one of their score or weight rows
/// to the next: more than a chunk's keys, so that rows do not share cache sets, and whole cache
/// lines in float32 and in bf16.
constexpr std::int64_t kAttentionTileRows = 32;
constexpr std::int64_t kAttentionScoreStride = 288;

enum class KvElement : std::uint32_t {
  kBf16,     ///< 2 bytes, rounded to nearest even
  kFloat32,  ///< 4 bytes, as computed
  kInt8,     ///< 1 byte, and a scale for each token, head and side; kv_lines.h has the rounding
};

/// A scale of int8 elements: float32, because it is multiplied in once per key and may be exact.
constexpr std::int64_t kKvScaleBytes = 4;

/// The blocks of one layer. Within a block: KV heads, within these granules of 32 tokens, within
/// these lines of 32 elements, 16 lanes of a pair each:
///   keys    line (token / 16, dim / 2): lane = token % 16, pair = dim % 2
///   values  line (token / 2, dim / 16): lane = dim % 16, pair = token % 2
/// bf16 pairs lie together (the B operand of bf16 dot products and tiles), fp32 and int8 pairs 16
/// apart. Behind an int8 granule's lines are its tokens' scales, fp32 [kKvGranuleTokens]: what a
/// score or a weight needs lies together, and a block is still one piece of memory per side.
/// `keys` and `values` are each block_count * kv_block_bytes() long and begin at a multiple of 64
/// bytes. Contents need no initialisation.
struct KvPoolView {
  void* keys = nullptr;
  void* values = nullptr;
  std::int64_t block_tokens = 0;  ///< a multiple of kKvGranuleTokens
  KvElement element = KvElement::kBf16;
};

/// What is fixed for a layer.
struct AttentionShape {
  std::int64_t query_heads = 0;
  std::int64_t kv_heads = 0;        ///< divides query_heads
  std::int64_t head_dim = 0;        ///< a multiple of 16, at most 256
  std::int64_t rotary_dim = 0;      ///< even, at most head_dim; 0: no rotary
  bool rotary_interleaved = false;  ///< pairs (2j, 2j + 1) instead of (j, j + rotary_dim / 2)
  float scale = 1.0F;
  float softcap = 0.0F;           ///< 0: none; else score = softcap * tanh(score / softcap)
  std::int64_t window = 0;        ///< keys a row sees, itself included; 0: all
  const float* sinks = nullptr;   ///< [query_heads], a score without a value; null: none
  const float* q_norm = nullptr;  ///< [head_dim] RMS norm of each query head before rotary, or null
  const float* k_norm = nullptr;  ///< [head_dim] the same for keys
  float norm_epsilon = 0.0F;
};

/// One sequence's part of the step. Its rows are positions past .. past + rows - 1.
struct AttentionSequence {
  std::int64_t first_row = 0;
  std::int64_t rows = 0;  ///< at least one
  std::int64_t past = 0;  ///< tokens the pool holds already
  const std::int32_t* blocks =
      nullptr;  ///< [ceil((past + rows) / block_tokens)], indices of blocks
  const float* cos =
      nullptr;  ///< [at least past + rows, rotary_dim / 2], the table of this sequence
  const float* sin = nullptr;
  /// Prompt rows: a kernel may use its faster arithmetic (AMX bf16). Says what kind of rows these
  /// are, so that the same row takes the same path however many stand beside it.
  bool fast = false;
};

/// One call: one layer, all sequences of the step. Sequences share no block that one of them
/// writes.
struct AttentionArgs {
  AttentionShape shape;
  KvPoolView pool;
  const AttentionSequence* sequences = nullptr;
  std::int64_t sequence_count = 0;
  // Rows of fp32; strides in elements. A packed [rows, (H + 2 Hkv) * d] matrix is three pointers
  // into it with one stride.
  const float* q = nullptr;  ///< [rows, query_heads * head_dim]
  const float* k = nullptr;  ///< [rows, kv_heads * head_dim]
  const float* v = nullptr;
  std::int64_t q_stride = 0;
  std::int64_t kv_stride = 0;
  float* out = nullptr;  ///< [rows, query_heads * head_dim]
  std::int64_t out_stride = 0;
  void* scratch = nullptr;  ///< AttentionPlan::scratch_bytes, beginning at a multiple of 64
};

/// How a call is cut up, and where in the scratch memory what lies.
struct AttentionPlan {
  std::int64_t tasks = 1;        ///< as asked for
  std::int64_t sections = 1;     ///< 1 to 3; all tasks of one end before those of the next begin
  bool write_first = false;      ///< the first section only writes keys and values
  bool split_keys = false;       ///< chunks of keys are work items, the last section adds them up
  std::int64_t tile_tokens = 1;  ///< rows of a sequence that one work item covers, at most
  std::int64_t scratch_bytes = 0;
  // Each task has task_bytes of scratch; offsets in it, for `tile` rows: query rows of an item
  // (tile_tokens * heads of a group), rounded up to kAttentionTileRows.
  std::int64_t task_bytes = 0;
  std::int64_t sums_offset = 0;    ///< fp32 [tile, head_dim], behind the queries of the same shape
  std::int64_t weight_offset = 0;  ///< fp32 [tile, 2]: greatest score, sum of weights
  std::int64_t score_offset = 0;   ///< fp32 [kAttentionTileRows, kAttentionScoreStride]
  std::int64_t bf16_offset = 0;    ///< bf16 of the same shape
  std::int64_t chunk_offset = 0;   ///< fp32 [kAttentionTileRows, head_dim]
  /// With int8 elements and fast sequences: bf16 [2, kAttentionChunkKeys, head_dim], a chunk's keys
  /// and values as lines for tiles.
  std::int64_t lines_offset = 0;
  /// With split_keys, behind the tasks: per sequence, KV head, query row and chunk a record of
  /// fp32 [16 + head_dim]: greatest score, sum of weights, unused, weighted values.
  std::int64_t records_offset = 0;
};

/// One task of one section; attention.h says in what order.
using AttentionFunction = void (*)(const AttentionArgs* args, const AttentionPlan* plan,
                                   std::int64_t section, std::int64_t task);

// The kernels, each in a translation unit of its own (attention_for() chooses).
void attention_portable(const AttentionArgs*, const AttentionPlan*, std::int64_t, std::int64_t);
void attention_avx2(const AttentionArgs*, const AttentionPlan*, std::int64_t, std::int64_t);
void attention_avx512(const AttentionArgs*, const AttentionPlan*, std::int64_t, std::int64_t);
void attention_amx(const AttentionArgs*, const AttentionPlan*, std::int64_t, std::int64_t);

}  // namespace hearth::kernels
