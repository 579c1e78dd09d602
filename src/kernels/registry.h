// Which kernels this CPU can run: one table row per instruction set.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "kernels/abi.h"

namespace hearth::kernels {

/// Each one includes those before it.
enum class Isa { kPortable, kAvx2, kAvx512Vnni, kAmx };

/// "portable", "avx2", "avx512vnni" or "amx".
std::string_view name_of(Isa isa);

/// kInvalidArgument names the four.
Result<Isa> parse_isa(std::string_view name);

/// A product kernel of the exact recipe and what it is for.
struct ExactKernel {
  const char* name;
  ExactProduct product;
  std::int32_t rows_min;        ///< worth choosing from this many rows on
  std::int32_t block_size_min;  ///< smaller blocks are left to the row before it in the table
};

/// The kernels of one instruction set.
struct KernelSet {
  Isa isa;
  QuantiseRow quantise_row;
  GatedSilu gated_silu;
  NormRow norm_row;
  std::span<const ExactKernel> exact;  ///< by growing rows_min
  ConvertRow convert_row;              ///< null: no fast recipe here
  FastProduct fast;                    ///< null: no fast recipe here
};

/// The best instruction set that the CPU and the operating system allow. Asks for AMX state once
/// per process.
Isa best_isa();

/// The kernels of `isa`; kUnsupported names what the CPU lacks.
Result<const KernelSet*> kernels_for(Isa isa);

/// The kernels of best_isa().
const KernelSet& best_kernels();

}  // namespace hearth::kernels
