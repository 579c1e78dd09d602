# about: random chat templates over random data render as Jinja renders them
# default: 14
# limit: 600
# inputs: src/base src/text tests/oracles tests/tools
set -euo pipefail
source scripts/lib/common.sh
source scripts/lib/build.sh
build_preset test render_templates
/usr/bin/python3 tests/oracles/template_differential.py build/test/tests/tools/render_templates 4000 2024
