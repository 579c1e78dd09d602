#include "kernels/gated_silu_loop.h"
#include "kernels/portable/linear.h"

namespace hearth::kernels::portable {

void gated_silu(const float* gate, const float* up, float* out, std::int64_t count) {
  gated_silu_loop(gate, up, out, count);
}

}  // namespace hearth::kernels::portable
