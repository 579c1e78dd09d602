# about: C++ files are formatted as .clang-format says
# default: 1
# limit: 120
# inputs: .clang-format src tests fuzz bench
set -euo pipefail
git ls-files -z -- '*.h' '*.cc' | xargs -0 -r -n 16 -P 2 clang-format --dry-run -Werror
