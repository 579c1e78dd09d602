# about: unit tests, built by g++ with warnings as errors
# default: 5
# limit: 3000
# inputs: src tests/CMakeLists.txt tests/tools tests/sanitizers fuzz models
set -euo pipefail
source scripts/lib/common.sh
source scripts/lib/build.sh
build_preset test
run_unit_tests test
