# about: the scripts themselves: shellcheck, and the set-up's own logic
# default: 4
# limit: 120
# inputs: scripts hearth test .ci tests/suites tests/scripts
set -euo pipefail
mapfile -t files < <(grep -lE '^#!.*\bbash|^# shellcheck shell=bash' hearth test .ci/run scripts/* scripts/lib/*.sh tests/scripts/* 2>/dev/null)
# SC2154, SC2034: sourced files set and use variables of their readers.
shellcheck -x -e SC2154,SC2034 "${files[@]}"
shellcheck -s bash -x tests/suites/*.sh
for test in tests/scripts/*_test; do "$test"; done
