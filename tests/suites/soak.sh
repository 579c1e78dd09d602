# about: 10,000 requests in one process without growth of memory
# default: no
# limit: 3600
# inputs: always
set -euo pipefail
source scripts/lib/common.sh
source scripts/lib/build.sh
build_preset test soak
build/test/tests/tools/soak models/ember/int4 10000
