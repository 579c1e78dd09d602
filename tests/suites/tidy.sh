# about: clang-tidy, on files that changed since they were last clean
# default: 9
# limit: 2400
# inputs: src fuzz .clang-tidy scripts/tidy
set -euo pipefail
source scripts/lib/common.sh
source scripts/lib/build.sh
build_preset asan
scripts/tidy --build build/asan --cache "$(cache_dir)/tidy"
