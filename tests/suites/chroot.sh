# about: a fresh Debian 12 gets from a clone to an answer; interrupted, offline, full disk (needs root and debootstrap)
# default: no
# limit: 5400
# inputs: always
set -euo pipefail
scripts/prove-fresh-machine
