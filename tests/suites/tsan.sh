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
ctest --test-dir build/tsan --output-on-failure --no-tests=error --timeout 600 -j 2
