# about: unit tests under AddressSanitizer and UndefinedBehaviorSanitizer (clang)
# default: 7
# limit: 3000
# inputs: src tests/CMakeLists.txt tests/tools tests/sanitizers fuzz models
set -euo pipefail
source scripts/lib/common.sh
source scripts/lib/build.sh
build_preset asan
# shellcheck source=tests/sanitizers/options.sh
source tests/sanitizers/options.sh
run_unit_tests asan
