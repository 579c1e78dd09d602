// Paged attention: AVX-512 (attention_core.h).
#include "kernels/attention_core.h"

namespace hearth::kernels {

void attention_avx512(const AttentionArgs* args, const AttentionPlan* plan, std::int64_t section,
                      std::int64_t task) {
  run_exactly(*args, *plan, section, task);
}

}  // namespace hearth::kernels
