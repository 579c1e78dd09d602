# about: ./hearth as a user meets it: answers, exit codes, pipes, interrupts, broken models
# default: 11
# limit: 900
# inputs: src models hearth scripts tests/e2e
set -euo pipefail
./hearth --rebuild
python3 -m unittest discover -v -s tests/e2e -t tests/e2e -p '*_test.py'
