# about: rooms include only the rooms below them
# default: 2
# limit: 60
# inputs: src scripts/check-layering
set -euo pipefail
scripts/check-layering --self-test
scripts/check-layering
