# about: the commands in the README do what the README says
# default: 13
# limit: 600
# inputs: README.md src models hearth scripts
set -euo pipefail
./hearth --rebuild
scripts/check-readme README.md
