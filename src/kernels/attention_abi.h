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

enum class KvElement : std::uint32_t {
  kBf16,     ///< 2 bytes, rounded to nearest even
  kFloat32,  ///< 4 bytes, as computed
};

/// The blocks of one layer. `keys` and `values` are each block_count * kv_block_bytes() long and
/// begin at a multiple of 64 bytes. Contents need no initialisation.
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
  std::int64_t head_dim = 0;        ///< a multiple of 8, at most 256
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

/// How a call is cut up. Depends on shape, pool, sequences and tasks, not on pointers to rows: one
/// plan serves all layers of a step that agree in shape.
struct AttentionPlan {
  std::int64_t tasks = 1;     ///< as asked for
  std::int64_t sections = 1;  ///< 1 to 3; all tasks of one end before those of the next begin
  std::int64_t scratch_bytes = 0;
  std::int64_t tile_rows = 0;   ///< query rows of one work item, at most
  std::int64_t task_bytes = 0;  ///< of scratch, for each task; the partial sums follow
  bool write_first = false;     ///< a section of its own writes keys and values
  bool split_keys = false;      ///< chunks of keys are work items, a last section adds them up
};

/// One task of one section; attention.h says in what order.
using AttentionFunction = void (*)(const AttentionArgs* args, const AttentionPlan* plan,
                                   std::int64_t section, std::int64_t task);

}  // namespace hearth::kernels
