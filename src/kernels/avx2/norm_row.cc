#include "kernels/avx2/linear.h"
#include "kernels/norm_loop.h"

namespace hearth::kernels::avx2 {

void norm_row(const float* x, const float* skip, const float* weight, float epsilon, std::int32_t k,
              float* sum, float* out) {
  norm_loop(x, skip, weight, epsilon, k, sum, out);
}

}  // namespace hearth::kernels::avx2
