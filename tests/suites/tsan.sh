# about: unit tests under ThreadSanitizer (g++)
# default: 8
# limit: 1800
# inputs: src tests/CMakeLists.txt tests/tools tests/sanitizers models
set -euo pipefail
source scripts/lib/common.sh
source scripts/lib/build.sh
build_preset tsan
# shellcheck source=tests/sanitizers/options.sh
source tests/sanitizers/options.sh
run_unit_tests tsan
