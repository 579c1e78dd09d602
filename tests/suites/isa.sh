# about: kernels of an instruction set leak no code into the rest; lesser CPUs, emulated, run and answer the same
# default: 11
# limit: 600
# inputs: src scripts/check-kernel-symbols models/ember/int4
set -euo pipefail
source scripts/lib/common.sh
source scripts/lib/build.sh
scripts/check-kernel-symbols
if [[ $(uname -m) != x86_64 ]]; then
  say "isa: the emulated CPUs are x86-64's; nothing more to do on $(uname -m)"
  exit 0
fi
build_preset release hearth
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
answer() { # the text of a greedy answer; arguments: the command in front of hearth
  HOME=$scratch XDG_CACHE_HOME=$scratch/cache "$@" build/release/src/app/hearth run --executor accelerated --json \
    --max-tokens 6 --task "What is 17 + 25?" |
    python3 -c 'import json, sys; r = json.load(sys.stdin); print(r["executor"]["isa"], r["text"])'
}
here=$(answer env)
# An emulator stops a program at the first instruction that its CPU lacks.
for cpu in Nehalem:portable Haswell:avx2; do
  emulated=$(answer qemu-x86_64 -cpu "${cpu%:*}" -- 2>"$scratch/messages") || {
    cat "$scratch/messages" >&2
    die "isa: hearth fails on an emulated ${cpu%:*}"
  }
  [[ ${emulated%% *} == "${cpu#*:}" ]] || die "isa: on an emulated ${cpu%:*} the kernels were ${emulated%% *}, not ${cpu#*:}"
  [[ ${emulated#* } == "${here#* }" ]] || die "isa: an emulated ${cpu%:*} answers '${emulated#* }', this CPU '${here#* }'"
done
# The check itself works: code for a lesser CPU's lack is found.
printf '#include <immintrin.h>\n#include <cstdio>\nint main(int n, char**) { alignas(64) float f[16]; _mm512_store_ps(f, _mm512_set1_ps(n)); return std::printf("%%f", f[3]) < 0; }\n' >"$scratch/control.cc"
g++ -O0 -mavx512f "$scratch/control.cc" -o "$scratch/control"
if qemu-x86_64 -cpu Nehalem "$scratch/control" >/dev/null 2>&1; then
  die "isa: the emulated Nehalem ran an AVX-512 instruction, so this test shows nothing"
fi
