# about: every file compiles by itself: none relies on what its neighbours in a build include
# default: no
# limit: 7200
# inputs: always
set -euo pipefail
source scripts/lib/common.sh
source scripts/lib/build.sh
build_preset files
