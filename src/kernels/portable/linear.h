// The portable kernels: the specification of the exact recipe.
#pragma once

#include <cstdint>

#include "kernels/abi.h"

namespace hearth::kernels::portable {

void quantise_row(const float* x, std::int32_t k, std::int32_t row, const ExactRows* out);
void exact_product(const ExactTask* task);
void gated_silu(const float* gate, const float* up, float* out, std::int64_t count);
void norm_row(const float* x, const float* skip, const float* weight, float epsilon, std::int32_t k,
              float* sum, float* out);

}  // namespace hearth::kernels::portable
