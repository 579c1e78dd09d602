# about: corpora through the libFuzzer targets; each target reports the bug planted in it
# default: 10
# limit: 900
# inputs: src fuzz scripts/fuzz tests/sanitizers
set -euo pipefail
source scripts/lib/common.sh
source scripts/lib/build.sh
build_preset asan
scripts/fuzz replay
