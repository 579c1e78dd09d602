// Perplexity of a text with onnxruntime-node, by the definition in docs/eval.md and without a look at Hearth's own loop:
// each window is one call of the graph over an empty past, and the softmax is summed in double precision.
//
// Usage: node perplexity.mjs PACKAGES MODEL_FOLDER IDS.json CONTEXT STRIDE HEARTH.json
//   IDS.json: {"ids": [...]}, the tokens of the text; HEARTH.json: what `hearth eval --json` says of it
// Fails when the two differ by more than one part in a thousand, or when other tokens were scored.
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const [packages, folder, idsFile, contextText, strideText, hearthFile] = process.argv.slice(2);
if (!hearthFile) {
  console.error('usage: node perplexity.mjs PACKAGES MODEL_FOLDER IDS.json CONTEXT STRIDE HEARTH.json');
  process.exit(2);
}
const ort = createRequire(resolve(packages) + '/')('onnxruntime-node');
const readJson = (path) => JSON.parse(readFileSync(path, 'utf8'));
const { ids } = readJson(idsFile);
const [context, stride] = [Number(contextText), Number(strideText)];
const decoder = readJson(join(folder, 'genai_config.json')).model.decoder;
const session = await ort.InferenceSession.create(join(folder, decoder.filename), { logSeverityLevel: 3 });

const int64Row = (values) => new ort.Tensor('int64', BigInt64Array.from(values, BigInt), [1, values.length]);
const layerNames = (pattern) =>
  Array.from({ length: decoder.num_hidden_layers }, (_, layer) => pattern.replace('%d', String(layer)));
const pastNames = [...layerNames(decoder.inputs.past_key_names), ...layerNames(decoder.inputs.past_value_names)];

// Logits of every token of `tokens`: [tokens, vocabulary].
async function logitsOf(tokens) {
  const feeds = {
    [decoder.inputs.input_ids]: int64Row(tokens),
    [decoder.inputs.attention_mask]: int64Row(tokens.map(() => 1)),
  };
  for (const name of pastNames) {
    feeds[name] = new ort.Tensor('float32', new Float32Array(0), [1, decoder.num_key_value_heads, 0, decoder.head_size]);
  }
  return (await session.run(feeds, [decoder.outputs.logits]))[decoder.outputs.logits];
}

let surprise = 0;
let scored = 0;
let next = 1; // the first token has nothing before it
for (let begin = 0; next < ids.length; begin += stride) {
  const end = Math.min(begin + context, ids.length);
  const logits = await logitsOf(ids.slice(begin, end));
  const vocabulary = logits.dims[2];
  for (; next < end; next++) {
    const row = logits.data.subarray((next - 1 - begin) * vocabulary, (next - begin) * vocabulary);
    const greatest = row.reduce((a, b) => Math.max(a, b));
    let sum = 0;
    for (const x of row) sum += Math.exp(x - greatest);
    surprise += greatest + Math.log(sum) - row[ids[next]];
    scored++;
  }
}
const theirs = Math.exp(surprise / scored);
const ours = readJson(hearthFile).text;
console.log(`perplexity over ${scored} tokens: onnxruntime-node ${theirs.toFixed(6)}, hearth ${ours.perplexity.toFixed(6)}`);
if (scored !== ours.scored_tokens || !(Math.abs(ours.perplexity / theirs - 1) <= 1e-3)) {
  console.error(`hearth scored ${ours.scored_tokens} tokens; the perplexities differ by ${ours.perplexity / theirs - 1}`);
  process.exit(1);
}
