# about: looks for new bugs with libFuzzer, ten minutes a target
# default: no
# limit: 3600
# inputs: always
set -euo pipefail
source scripts/lib/common.sh
source scripts/lib/build.sh
build_preset asan
scripts/fuzz search 600
