#include "kernels/norm_loop.h"
#include "kernels/portable/linear.h"

namespace hearth::kernels::portable {

void norm_row(const float* x, const float* skip, const float* weight, float epsilon, std::int32_t k,
              float* sum, float* out) {
  norm_loop(x, skip, weight, epsilon, k, sum, out);
}

}  // namespace hearth::kernels::portable
