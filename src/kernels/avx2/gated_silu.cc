#include "kernels/avx2/linear.h"
#include "kernels/gated_silu_loop.h"

namespace hearth::kernels::avx2 {

void gated_silu(const float* gate, const float* up, float* out, std::int64_t count) {
  gated_silu_loop(gate, up, out, count);
}

}  // namespace hearth::kernels::avx2
