// Linears for AMX (int8, bf16) beside AVX-512 with FP16, BF16 and GFNI.
#pragma once

#include <cstdint>

#include "kernels/abi.h"

namespace hearth::kernels::amx {

/// Blocks of 32 and more only.
void exact_product(const ExactTask* task);
void convert_row(const float* x, std::int32_t k, std::int32_t row, const FastRows* out);
/// float16 scales only.
void fast_product(const FastTask* task);

}  // namespace hearth::kernels::amx
