# about: everything compiles with clang++, warnings as errors (the sanitizer build)
# default: 6
# limit: 3000
# inputs: src tests/CMakeLists.txt tests/tools fuzz
set -euo pipefail
source scripts/lib/common.sh
source scripts/lib/build.sh
build_preset asan
