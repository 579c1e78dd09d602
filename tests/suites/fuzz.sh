# about: looks for new bugs with libFuzzer, ten minutes a target, and first for the planted ones, to see that it looks well
# default: no
# limit: 7200
# inputs: always
set -euo pipefail
source scripts/lib/common.sh
source scripts/lib/build.sh
build_preset asan
scripts/fuzz planted
scripts/fuzz search 600
