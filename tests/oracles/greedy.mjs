// Greedy decoding with onnxruntime-node, written without a look at Hearth's own loop: the independent answer that the
// oracles suite compares with.
//
// Usage: node greedy.mjs PACKAGES MODEL_FOLDER PROMPTS.jsonl MAX_TOKENS > IDS.jsonl
//   PACKAGES: the folder whose node_modules holds onnxruntime-node
//   each input line is {"ids": [...]}, each output line {"ids": [...]} with the generated tokens, stop token left out
import { createRequire } from 'node:module';
import { readFileSync, existsSync } from 'node:fs';
import { join, resolve } from 'node:path';

const [packages, folder, promptsFile, maxTokensText] = process.argv.slice(2);
if (!maxTokensText) {
  console.error('usage: node greedy.mjs PACKAGES MODEL_FOLDER PROMPTS.jsonl MAX_TOKENS');
  process.exit(2);
}
const ort = createRequire(resolve(packages) + '/')('onnxruntime-node');
const maxTokens = Number(maxTokensText);

const readJson = (name) => JSON.parse(readFileSync(join(folder, name), 'utf8'));
const asList = (value) => (value === undefined || value === null ? [] : Array.isArray(value) ? value : [value]);

const model = readJson('genai_config.json').model;
const decoder = model.decoder;
const stopIds = new Set(asList(model.eos_token_id));
if (existsSync(join(folder, 'generation_config.json'))) {
  for (const id of asList(readJson('generation_config.json').eos_token_id)) stopIds.add(id);
}

const session = await ort.InferenceSession.create(join(folder, decoder.filename), { logSeverityLevel: 3 });
const typeOf = new Map(session.inputMetadata.map((input) => [input.name, input.type]));
const layerNames = (pattern) =>
  Array.from({ length: decoder.num_hidden_layers }, (_, layer) => pattern.replace('%d', String(layer)));
const pastNames = [...layerNames(decoder.inputs.past_key_names), ...layerNames(decoder.inputs.past_value_names)];
const presentNames = [...layerNames(decoder.outputs.present_key_names), ...layerNames(decoder.outputs.present_value_names)];

const arrayOf = { float32: Float32Array, float16: globalThis.Float16Array ?? Uint16Array };
const emptyPast = (name) => {
  const type = typeOf.get(name);
  return new ort.Tensor(type, new arrayOf[type](0), [1, decoder.num_key_value_heads, 0, decoder.head_size]);
};
const int64Row = (values) => new ort.Tensor('int64', BigInt64Array.from(values, BigInt), [1, values.length]);

// IEEE 754 half precision, for runtimes of JavaScript that have no Float16Array.
const halfToNumber = (bits) => {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
};

// The lowest id among equal logits, as every greedy search counts.
const argmaxOfLastRow = (logits) => {
  const vocabulary = logits.dims[2];
  const start = (logits.dims[1] - 1) * vocabulary;
  const raw = logits.data;
  const at = raw instanceof Uint16Array ? (i) => halfToNumber(raw[i]) : (i) => raw[i];
  let best = 0;
  for (let id = 1; id < vocabulary; id++) if (at(start + id) > at(start + best)) best = id;
  return best;
};

async function continuation(prompt) {
  const generated = [];
  let past = pastNames.map(emptyPast);
  let pending = prompt;
  let seen = 0;
  while (generated.length < maxTokens) {
    const total = seen + pending.length;
    const feeds = { [decoder.inputs.input_ids]: int64Row(pending) };
    feeds[decoder.inputs.attention_mask] = int64Row(new Array(total).fill(1));
    const positions = decoder.inputs.position_ids ?? 'position_ids';
    if (typeOf.has(positions)) feeds[positions] = int64Row(pending.map((_, i) => seen + i));
    pastNames.forEach((name, i) => (feeds[name] = past[i]));
    const results = await session.run(feeds, [decoder.outputs.logits, ...presentNames]);
    const id = argmaxOfLastRow(results[decoder.outputs.logits]);
    if (stopIds.has(id)) break;
    generated.push(id);
    past = presentNames.map((name) => results[name]);
    pending = [id];
    seen = total;
  }
  return generated;
}

for (const line of readFileSync(promptsFile, 'utf8').split('\n')) {
  if (line.trim()) console.log(JSON.stringify({ ids: await continuation(JSON.parse(line).ids) }));
}
