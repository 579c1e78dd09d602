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
# Kernels, templates and protocols own no threads; the tests of runtime and providers call them from many.
run_unit_tests tsan --exclude-regex '^(kernels.*|attention.*|protocol|text)$'
# That the one test of texts with threads runs is checked: a filter that fits nothing passes.
build/tsan/src/text/hearth_text_test --gtest_filter=Tokenizer.ManyThreadsShareOne | tee /dev/stderr | grep 'PASSED.* 1 test'
