# about: links in the documents lead somewhere; nothing committed names private paths or hosts
# default: 3
# limit: 60
# inputs: . scripts/check-docs
set -euo pipefail
scripts/check-docs --self-test
scripts/check-docs
