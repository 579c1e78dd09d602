# about: models built from safetensors, one of each family: FP32 logits equal a float64 forward pass in numpy, greedy tokens equal onnxruntime-node's, int4 and int8 bytes numpy's
# default: 15
# limit: 600
# inputs: src tests/oracles tests/tools tests/npm models/ember/int4 models/ember/weights
set -euo pipefail
source scripts/lib/common.sh
source scripts/lib/build.sh
source scripts/lib/test_tools.sh
build_preset test hearth greedy_tokens
packages=$(npm_tools_dir)
work=build/suites/builds
rm -rf "$work" && mkdir -p "$work"
hearth=build/test/src/app/hearth
/usr/bin/python3 tests/oracles/random_models.py models/ember/int4 "$work/published"

for published in "$work"/published/*/; do
  name=$(basename "$published")
  for precision in fp32 fp16 int8 int4; do
    "$hearth" models build --from "$published" --precision "$precision" --out "$work/$name/$precision" >/dev/null
  done
  prompts=$work/$name/prompts.jsonl
  /usr/bin/python3 tests/oracles/float64_forward.py "$published" prompts >"$prompts"
  node tests/oracles/logits.mjs "$packages" "$work/$name/fp32" "$prompts" >"$work/$name/logits.jsonl"
  /usr/bin/python3 tests/oracles/float64_forward.py "$published" compare "$work/$name/logits.jsonl" 1e-4
  # Not the fourth prompt, whose answer crosses a change of rotary tables: there Hearth computes the sequence again, and the plain loop does not.
  sed 4d "$prompts" >"$work/$name/greedy.jsonl"
  for precision in fp32 fp16 int8 int4; do
    model=$work/$name/$precision
    build/test/tests/tools/greedy_tokens "$model" "$work/$name/greedy.jsonl" 24 >"$work/ours.jsonl"
    node tests/oracles/greedy.mjs "$packages" "$model" "$work/$name/greedy.jsonl" 24 >"$work/theirs.jsonl"
    tests/oracles/compare_ids.py "$work/ours.jsonl" "$work/theirs.jsonl" 5 100
  done
  for bits in 4 8; do tests/oracles/rtn_bytes.py compare "$published" "$work/$name/int$bits" "$bits"; done
  rm -rf "${work:?}/$name"
done

# The model in the box holds what is made of its weights.
tests/oracles/rtn_bytes.py compare models/ember/weights models/ember/int4 4

# Blocks that are hard to round, in fused and in separate matrices.
for name in phi3 llama; do
  published=$work/published/$name
  tests/oracles/rtn_bytes.py adversarial "$published"
  for bits in 4 8; do
    "$hearth" models build --from "$published" --precision "int$bits" --out "$work/adversarial-$name-$bits" >/dev/null
    tests/oracles/rtn_bytes.py compare "$published" "$work/adversarial-$name-$bits" "$bits"
  done
done
