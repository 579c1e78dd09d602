# about: what Ember's generator of training text promises: splits, calls, refusals, answers
# default: 5
# limit: 120
# inputs: models/ember
set -euo pipefail
cd models/ember
PYTHONDONTWRITEBYTECODE=1 python3 -m unittest generator_test
