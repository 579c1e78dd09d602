# about: token ids equal the native tokenizers library's; greedy tokens and perplexity equal onnxruntime-node's, for Ember and two layers of Phi-4-mini's true shape
# default: 12
# limit: 900
# inputs: src models tests/oracles tests/tools tests/npm
set -euo pipefail
source scripts/lib/common.sh
source scripts/lib/build.sh
source scripts/lib/test_tools.sh
build_preset test hearth greedy_tokens executor_agreement encode_texts
packages=$(npm_tools_dir)
work=build/suites/oracles
mkdir -p "$work"

# A slice of what the suite `tokenizers` compares. First: would a mistake be noticed?
node tests/oracles/build_tokenizers.mjs "$packages" "$work/tokenizers"
compare_tokenizers() { node tests/oracles/compare_tokenizers.mjs "$packages" "$work/tokenizers" build/test/tests/tools/encode_texts "$work" "$@"; }
compare_tokenizers 200000 20000 edges --self-test
compare_tokenizers 200000 20000 edges

# compare MODEL PROMPTS TOKENS TOKENS_AT_LEAST: both loops over the same prompts.
compare() {
  node tests/oracles/greedy_prompts.mjs "$packages" "$1" "$2" >"$work/prompts.jsonl"
  build/test/tests/tools/greedy_tokens "$1" "$work/prompts.jsonl" "$3" >"$work/ours.jsonl"
  node tests/oracles/greedy.mjs "$packages" "$1" "$work/prompts.jsonl" "$3" >"$work/theirs.jsonl"
  tests/oracles/compare_ids.py "$work/ours.jsonl" "$work/theirs.jsonl" "$2" "$4"
  # The accelerated executor against the stock one: the same choice at every step, unless the two are within the bound.
  for recipe in exact fast; do
    build/test/tests/tools/executor_agreement "$1" "$work/prompts.jsonl" "$3" 0.3 $recipe
  done
}

compare models/ember/int4 200 32 2000

# Perplexity of Ember's text in windows of 512 tokens, one every 200: the definition, computed again.
# Without the last line break, which `hearth tokenize` takes off what is piped in.
hearth=build/test/src/app/hearth text=$work/text.txt
printf %s "$(<models/ember/eval/text.txt)" >"$text"
"$hearth" tokenize --model models/ember/int4 --json --no-special <"$text" >"$work/text-ids.json"
"$hearth" eval --model ./models/ember/int4 --executor stock --no-set --text "$text" --context 512 --stride 200 --json >"$work/text.json"
node tests/oracles/perplexity.mjs "$packages" models/ember/int4 "$work/text-ids.json" 512 200 "$work/text.json"

# The same shapes, names and operators as the released model, two layers of it. 2.9 GB in the cache folder, kept for the next run.
shape=$(cache_dir)/true-shape-2-layers
need_space "$shape" 4000 "a model of Phi-4-mini's true shape"
with_lock "$(cache_dir)/true-shape.lock" \
  build/test/src/app/hearth models synth --like phi-4-mini --precision int4 --layers 2 --seed 1 --out "$shape"
compare "$shape" 6 8 48
