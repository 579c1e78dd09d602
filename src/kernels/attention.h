// Paged attention with rotary inside, driven from the caller's own threads.
//
//   out[row, h] = sum_j softmax_j(score(row, h, j)) * V[j, h / group]
//   score = softcap(scale * dot(rotate(norm(q[row, h])), K[j, h / group])),  K rotated when written
//   over the keys j of the row's own sequence with  position - window < j <= position.
//
// Sequences of any lengths, prompt rows and generated rows, in one call; the new keys and values go
// into the pool first. A row's value is a function of its own sequence's rows up to its position:
// never of other rows, of their number, of where a prompt was cut into chunks, or of the number of
// tasks. docs/attention.md has the order of additions and the layout of the pool.
//
// A call is:  plan = plan_attention(args, tasks); args.scratch = plan.scratch_bytes bytes;
//             for each section: for all tasks run(args, plan, section, task); barrier.
// Calls of different tasks may run on any threads at once. Nothing here allocates, blocks or
// throws.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "kernels/attention_abi.h"
#include "kernels/registry.h"

namespace hearth::kernels {

/// Bytes of the key, or of the value, of one token and head, its scale included.
constexpr std::int64_t kv_token_bytes(std::int64_t head_dim, KvElement element) {
  switch (element) {
    case KvElement::kBf16:
      return head_dim * 2;
    case KvElement::kFloat32:
      return head_dim * 4;
    case KvElement::kInt8:
      return head_dim + kKvScaleBytes;
  }
  return 0;
}

/// Bytes of the keys, or of the values, of one block of one layer. A block is one piece of memory:
/// copying these bytes of both sides copies its tokens.
constexpr std::int64_t kv_block_bytes(std::int64_t kv_heads, std::int64_t head_dim,
                                      std::int64_t block_tokens, KvElement element) {
  return kv_heads * block_tokens * kv_token_bytes(head_dim, element);
}

/// "bf16", "fp32", "int8".
std::string_view name_of(KvElement element);

/// kInvalidArgument names the three.
Result<KvElement> parse_kv_element(std::string_view name);

/// How to cut a call into `tasks` parallel tasks (at least one). Reads shape, pool and the
/// sequences' rows, past and fast only: one plan serves all layers of a step that agree in those.
AttentionPlan plan_attention(const AttentionArgs& args, std::int64_t tasks);

/// The kernel of an instruction set that this CPU has. Portable, AVX2 and AVX-512 are bit-equal;
/// AMX differs from them only in sequences marked `fast`.
AttentionFunction attention_for(Isa isa);

}  // namespace hearth::kernels
