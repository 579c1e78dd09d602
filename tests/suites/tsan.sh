# about: unit tests under ThreadSanitizer (g++)
# default: 8
# limit: 3000
# inputs: src tests/CMakeLists.txt tests/tools tests/sanitizers models
set -euo pipefail
source scripts/lib/common.sh
source scripts/lib/build.sh
build_preset tsan
# shellcheck source=tests/sanitizers/options.sh
source tests/sanitizers/options.sh
# The kernels own no threads; the runtime's tests call them from many.
run_unit_tests tsan --exclude-regex '^(kernels|attention.*)$'
