# about: ids and decoded text equal the native tokenizers library's: 5 MB of mixed text, every character, a million strings, each vocabulary
# default: no
# limit: 7200
# inputs: always
set -euo pipefail
source scripts/lib/common.sh
source scripts/lib/build.sh
source scripts/lib/test_tools.sh
build_preset test encode_texts
packages=$(npm_tools_dir)
work=build/suites/tokenizers
node tests/oracles/build_tokenizers.mjs "$packages" "$work/files"
compare() { node tests/oracles/compare_tokenizers.mjs "$packages" "$work/files" build/test/tests/tools/encode_texts "$work" "$@"; }
compare 200000 20000 edges --self-test
compare 5000000 1000000 all
