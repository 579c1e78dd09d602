// Plans of attention calls, and the table of kernels.
#include "kernels/attention.h"

#include <algorithm>
#include <array>
#include <string>

#include "kernels/ceil_div.h"

namespace hearth::kernels {

namespace {

// In the order of KvElement.
constexpr std::array<std::string_view, 3> kElementNames = {"bf16", "fp32", "int8"};

// Query rows of an item: enough that keys and values of a chunk are used often while they are in
// the second-level cache, together with the rows' sums.
constexpr std::int64_t kItemRowsMax = 384;
// Records of split keys cost a write and a read of each row's sums per chunk.
constexpr std::int64_t kRecordBytesMax = std::int64_t{64} << 20;

constexpr std::int64_t round_up(std::int64_t a, std::int64_t b) { return ceil_div(a, b) * b; }

std::int64_t count_items(const AttentionArgs& args, std::int64_t tile_tokens) {
  std::int64_t items = 0;
  for (std::int64_t s = 0; s < args.sequence_count; ++s) {
    items += ceil_div(args.sequences[s].rows, tile_tokens) * args.shape.kv_heads;
  }
  return items;
}

/// Whether `items` equal pieces keep at least three quarters of the tasks busy.
bool keeps_busy(std::int64_t items, std::int64_t tasks) {
  return items * 4 >= ceil_div(items, tasks) * tasks * 3;
}

/// Chunks that the rows of a sequence see.
std::int64_t count_chunks(const AttentionArgs& args, const AttentionSequence& sequence) {
  const std::int64_t window = args.shape.window;
  const std::int64_t first = window > 0 && sequence.past >= window ? sequence.past - window + 1 : 0;
  return ceil_div(sequence.past + sequence.rows, kAttentionChunkKeys) - first / kAttentionChunkKeys;
}

std::int64_t record_bytes(const AttentionArgs& args) {
  std::int64_t records = 0;
  for (std::int64_t s = 0; s < args.sequence_count; ++s) {
    const AttentionSequence& sequence = args.sequences[s];
    records += sequence.rows * args.shape.query_heads * count_chunks(args, sequence);
  }
  return records * (16 + args.shape.head_dim) * 4;
}

/// Whether any sequence has more than one chunk to give to different tasks.
bool has_chunks(const AttentionArgs& args) {
  return std::any_of(args.sequences, args.sequences + args.sequence_count,
                     [&](const AttentionSequence& s) { return count_chunks(args, s) > 1; });
}

/// Bytes of a chunk's lines for tiles, where they do not lie in the pool as they are.
std::int64_t line_bytes(const AttentionArgs& args) {
  const bool fast = std::any_of(args.sequences, args.sequences + args.sequence_count,
                                [](const AttentionSequence& s) { return s.fast; });
  if (args.pool.element != KvElement::kInt8 || !fast) return 0;
  return 2 * kAttentionChunkKeys * args.shape.head_dim * 2;
}

void place_scratch(const AttentionArgs& args, AttentionPlan& plan) {
  const std::int64_t group = args.shape.query_heads / args.shape.kv_heads;
  const std::int64_t rows = round_up(plan.tile_tokens * group, kAttentionTileRows);
  const std::int64_t row_bytes = args.shape.head_dim * 4;
  plan.sums_offset = rows * row_bytes;
  plan.weight_offset = plan.sums_offset + rows * row_bytes;
  plan.score_offset = plan.weight_offset + 2 * rows * 4;
  plan.bf16_offset = plan.score_offset + kAttentionTileRows * kAttentionScoreStride * 4;
  plan.chunk_offset = plan.bf16_offset + kAttentionTileRows * kAttentionScoreStride * 2;
  plan.lines_offset = plan.chunk_offset + kAttentionTileRows * row_bytes;
  plan.task_bytes = round_up(plan.lines_offset + line_bytes(args), 4096);
  plan.records_offset = plan.tasks * plan.task_bytes;
  plan.scratch_bytes = plan.records_offset + (plan.split_keys ? record_bytes(args) : 0);
}

}  // namespace

std::string_view name_of(KvElement element) {
  return kElementNames[static_cast<std::size_t>(element)];
}

Result<KvElement> parse_kv_element(std::string_view name) {
  for (std::size_t i = 0; i < kElementNames.size(); ++i) {
    if (kElementNames[i] == name) return static_cast<KvElement>(i);
  }
  return fail(ErrorCode::kInvalidArgument, "'" + std::string(name) +
                                               "' is no type of keys and values; expected bf16, "
                                               "fp32 or int8");
}

AttentionPlan plan_attention(const AttentionArgs& args, std::int64_t tasks) {
  const std::int64_t group = args.shape.query_heads / args.shape.kv_heads;
  std::int64_t rows_max = 1;
  for (std::int64_t s = 0; s < args.sequence_count; ++s) {
    rows_max = std::max(rows_max, args.sequences[s].rows);
  }
  AttentionPlan plan;
  plan.tasks = tasks;
  plan.tile_tokens = std::clamp<std::int64_t>(kItemRowsMax / group, 1, rows_max);
  while (plan.tile_tokens * group > 2 * kAttentionTileRows &&
         !keeps_busy(count_items(args, plan.tile_tokens), tasks)) {
    plan.tile_tokens = ceil_div(plan.tile_tokens, 2);
  }
  plan.write_first = rows_max > plan.tile_tokens;
  plan.split_keys = !keeps_busy(count_items(args, plan.tile_tokens), tasks) && has_chunks(args) &&
                    record_bytes(args) <= kRecordBytesMax;
  plan.sections = 1 + (plan.write_first ? 1 : 0) + (plan.split_keys ? 1 : 0);
  place_scratch(args, plan);
  return plan;
}

AttentionFunction attention_for(Isa isa) {
  switch (isa) {
    case Isa::kPortable:
      return attention_portable;
    case Isa::kAvx2:
      return attention_avx2;
    case Isa::kAvx512Vnni:
      return attention_avx512;
    case Isa::kAmx:
      return attention_amx;
  }
  return attention_portable;
}

}  // namespace hearth::kernels
