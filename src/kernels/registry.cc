// Detection of what the CPU and the operating system allow, and the table of kernels.
#include "kernels/registry.h"

#include <array>
#include <string>

#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include "kernels/amx/linear.h"
#include "kernels/avx2/linear.h"
#include "kernels/avx512vnni/linear.h"
#include "kernels/portable/linear.h"

namespace hearth::kernels {
namespace {

constexpr std::array<std::string_view, 4> kNames{"portable", "avx2", "avx512vnni", "amx"};

#if defined(__x86_64__)

struct Registers {
  unsigned a = 0, b = 0, c = 0, d = 0;
};

Registers cpuid(unsigned leaf, unsigned sub_leaf) {
  Registers r;
  if (__get_cpuid_count(leaf, sub_leaf, &r.a, &r.b, &r.c, &r.d) == 0) return {};
  return r;
}

constexpr bool bit(unsigned value, int index) { return ((value >> index) & 1U) != 0; }

/// The register states that the operating system saves (XCR0).
unsigned saved_states() {
  if (!bit(cpuid(1, 0).c, 27)) return 0;  // no OSXSAVE
  unsigned low = 0;
  unsigned high = 0;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

/// Linux lends the 8 KB of tile state only to processes that ask for it.
bool ask_for_tiles() {
  constexpr long kRequestPermission = 0x1023;  // ARCH_REQ_XCOMP_PERM
  constexpr long kTileData = 18;               // XFEATURE_XTILEDATA
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}

Isa detect() {
  const Registers one = cpuid(1, 0);
  const Registers seven = cpuid(7, 0);
  const Registers seven_one = cpuid(7, 1);
  const unsigned states = saved_states();
  const bool ymm = (states & 0x6U) == 0x6U;
  const bool zmm = (states & 0xe6U) == 0xe6U;
  const bool tiles = (states & 0x60000U) == 0x60000U;
  const bool avx2 = ymm && bit(one.c, 12) /*FMA*/ && bit(one.c, 29) /*F16C*/ && bit(seven.b, 5);
  if (!avx2) return Isa::kPortable;
  const bool vnni = zmm && bit(seven.b, 16) /*F*/ && bit(seven.b, 17) /*DQ*/ &&
                    bit(seven.b, 30) /*BW*/ && bit(seven.b, 31) /*VL*/ && bit(seven.c, 11);
  if (!vnni) return Isa::kAvx2;
  const bool amx = tiles && bit(seven.d, 24) /*tile*/ && bit(seven.d, 25) /*int8*/ &&
                   bit(seven.d, 22) /*bf16*/ && bit(seven.d, 23) /*AVX512-FP16*/ &&
                   bit(seven_one.a, 5) /*AVX512-BF16*/ && bit(seven.c, 8) /*GFNI*/;
  return amx && ask_for_tiles() ? Isa::kAmx : Isa::kAvx512Vnni;
}

#else

Isa detect() { return Isa::kPortable; }

#endif

constexpr std::array<ExactKernel, 1> kPortableExact{{{"portable", portable::exact_product, 1, 16}}};
#if defined(__x86_64__)
constexpr std::array<ExactKernel, 1> kAvx2Exact{{{"avx2", avx2::exact_product, 1, 16}}};
constexpr std::array<ExactKernel, 1> kVnniExact{{{"avx512vnni", avx512vnni::exact_product, 1, 16}}};
constexpr std::array<ExactKernel, 2> kAmxExact{{
    {"avx512vnni", avx512vnni::exact_product, 1, 16},
    {"amx-int8", amx::exact_product, kTileRowsMin, 32},
}};
#endif

const std::array kSets {
  KernelSet{Isa::kPortable,
            portable::quantise_row,
            portable::gated_silu,
            portable::norm_row,
            kPortableExact,
            nullptr,
            nullptr},
#if defined(__x86_64__)
      KernelSet{Isa::kAvx2,     avx2::quantise_row, avx2::gated_silu,
                avx2::norm_row, kAvx2Exact,         nullptr,
                nullptr},
      KernelSet{Isa::kAvx512Vnni,
                avx512vnni::quantise_row,
                avx512vnni::gated_silu,
                avx512vnni::norm_row,
                kVnniExact,
                nullptr,
                nullptr},
      KernelSet{Isa::kAmx, avx512vnni::quantise_row, avx512vnni::gated_silu, avx512vnni::norm_row,
                kAmxExact, amx::convert_row,         amx::fast_product},
#endif
};

}  // namespace

std::string_view name_of(Isa isa) { return kNames[static_cast<std::size_t>(isa)]; }

Result<Isa> parse_isa(std::string_view name) {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == name) return static_cast<Isa>(i);
  }
  return fail(ErrorCode::kInvalidArgument, "'" + std::string(name) +
                                               "' is no instruction set Hearth has kernels for; "
                                               "expected portable, avx2, avx512vnni or amx");
}

Isa best_isa() {
  static const Isa best = detect();
  return best;
}

Result<const KernelSet*> kernels_for(Isa isa) {
  if (isa > best_isa()) {
    return fail(ErrorCode::kUnsupported,
                "this CPU (or its operating system) cannot run the " + std::string(name_of(isa)) +
                    " kernels; the best it can run is " + std::string(name_of(best_isa())));
  }
  return &kSets[static_cast<std::size_t>(isa)];
}

const KernelSet& best_kernels() { return kSets[static_cast<std::size_t>(best_isa())]; }

}  // namespace hearth::kernels
