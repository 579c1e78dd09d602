# about: the whole of Phi-4-mini's shape: written in under two minutes and 1 GB of memory, loaded, one answer
# default: no
# limit: 1200
# inputs: always
set -euo pipefail
source scripts/lib/common.sh
source scripts/lib/build.sh
build_preset test hearth
shape=$(cache_dir)/true-shape
need_space "$shape" 6000 "a model of Phi-4-mini's true shape"
trap 'rm -rf "$shape"' EXIT
rm -rf "$shape"
# Peak memory as the kernel counted it, without GNU time.
python3 - "$shape" <<'END'
import resource, subprocess, sys, time
started = time.monotonic()
subprocess.run(["build/test/src/app/hearth", "models", "synth", "--like", "phi-4-mini", "--precision", "int4", "--seed", "1",
                "--out", sys.argv[1]], check=True)
seconds = time.monotonic() - started
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
print(f"written in {seconds:.0f} s, peak memory {peak / 1e9:.2f} GB")
if seconds > 120 or peak > 1e9:
    sys.exit("at most 120 s and 1 GB are wanted")
END
build/test/src/app/hearth run --model "$shape" --task "What is 17 + 25?" --max-tokens 8 --min-tokens 8 --json |
  python3 -c 'import json, sys; reply = json.load(sys.stdin); print(reply["timings"]); assert reply["usage"]["output_tokens"] == 8'
