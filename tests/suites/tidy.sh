# about: clang-tidy, on files that changed since they were last clean
# default: 9
# limit: 3600
# inputs: src fuzz .clang-tidy scripts/tidy
set -euo pipefail
source scripts/lib/common.sh
source scripts/lib/build.sh
configure_preset files
scripts/tidy --build build/files --cache "$(cache_dir)/tidy"
