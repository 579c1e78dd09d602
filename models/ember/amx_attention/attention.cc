// Causal grouped-query attention for training, forward and backward, in bfloat16 with AMX tiles.
//
// PyTorch's own backward pass takes most of a training step on a CPU.  Heads have 64 dimensions,
// lengths are multiples of 32. Layouts are those of the projections, nothing is transposed outside:
// q, out and their gradients [batch, length, heads, 64], k, v and theirs [batch, length, kv_heads,
// 64], lse [batch, heads, length].
//
// What a position sees is given by sight [batch, 3, length]: the positions of [begin, end), and
// those from start to itself. With start 0 that is plain causal attention; otherwise turns in one
// row can share a prefix and not see each other. end <= start <= position.
//
// Blocks are 32 positions by 32 positions, and scores are held transposed, S'[key][query]: then
// their rows are what the tile unit wants as left operand of dK and dV, what belongs to a query
// (lse, delta) is a vector, and only dQ comes out transposed. An operand on the right holds pairs
// of its inner dimension side by side in one 32-bit word.

#include <sys/syscall.h>
#include <unistd.h>

#include "backward.h"
#include "forward.h"
#include "sight.h"
#include "tiles.h"

using namespace ember;

extern "C" {

// Asks the kernel for the tile registers; false if there are none.
bool ember_attention_ready() {
  constexpr int kArchReqXcompPerm = 0x1023, kXtileData = 18;
  return __builtin_cpu_supports("amx-bf16") && __builtin_cpu_supports("avx512bf16") &&
         syscall(SYS_arch_prctl, kArchReqXcompPerm, kXtileData) == 0;
}

void ember_attention(int batch, int length, int heads, int kv_heads, const bf16* q, const bf16* k,
                     const bf16* v, const int* sight, bf16* out, float* lse) {
  const Shape s{batch, length, heads, kv_heads};
  const int group_heads = heads / kv_heads;
#pragma omp parallel for schedule(dynamic)
  for (int task = 0; task < batch * kv_heads; ++task) {
    const Unit unit;
    const int b = task / kv_heads, group = task % kv_heads, head = group * group_heads;
    forward_group(s, s.sight(sight, b), k + s.kv_at(b, group), v + s.kv_at(b, group),
                  q + s.q_at(b, head), out + s.q_at(b, head),
                  lse + (static_cast<long>(b) * heads + head) * length);
  }
}

void ember_attention_backward(int batch, int length, int heads, int kv_heads, const bf16* q,
                              const bf16* k, const bf16* v, const int* sight, const bf16* out,
                              const bf16* grad, const float* lse, bf16* grad_q, bf16* grad_k,
                              bf16* grad_v) {
  const Shape s{batch, length, heads, kv_heads};
  const int group_heads = heads / kv_heads;
#pragma omp parallel for schedule(dynamic)
  for (int task = 0; task < batch * kv_heads; ++task) {
    const Unit unit;
    const int b = task / kv_heads, group = task % kv_heads, head = group * group_heads;
    const long at = s.q_at(b, head), kv_at = s.kv_at(b, group);
    backward_group(s, s.sight(sight, b), k + kv_at, v + kv_at, q + at, out + at, grad + at,
                   lse + (static_cast<long>(b) * heads + head) * length,
                   {grad_q + at, grad_k + kv_at, grad_v + kv_at});
  }
}

}  // extern "C"
