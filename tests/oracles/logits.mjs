// Logits of every position of a prompt, by onnxruntime-node, in one run from an empty cache.
//
// Usage: node logits.mjs PACKAGES MODEL_FOLDER PROMPTS.jsonl > LOGITS.jsonl
//   each input line is {"ids": [...]}, each output line {"ids": [...], "logits": [[...] for each id]}
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const [packages, folder, promptsFile] = process.argv.slice(2);
if (!promptsFile) {
  console.error('usage: node logits.mjs PACKAGES MODEL_FOLDER PROMPTS.jsonl');
  process.exit(2);
}
const ort = createRequire(resolve(packages) + '/')('onnxruntime-node');
const { decoder } = JSON.parse(readFileSync(join(folder, 'genai_config.json'), 'utf8')).model;
const session = await ort.InferenceSession.create(join(folder, decoder.filename), { logSeverityLevel: 3 });
const row = (values) => new ort.Tensor('int64', BigInt64Array.from(values, BigInt), [1, values.length]);

for (const line of readFileSync(promptsFile, 'utf8').split('\n')) {
  if (!line.trim()) continue;
  const { ids } = JSON.parse(line);
  const feeds = { input_ids: row(ids), attention_mask: row(ids.map(() => 1)) };
  for (let layer = 0; layer < decoder.num_hidden_layers; layer++) {
    for (const part of ['key', 'value']) {
      feeds[`past_key_values.${layer}.${part}`] = new ort.Tensor('float32', new Float32Array(0), [
        1, decoder.num_key_value_heads, 0, decoder.head_size,
      ]);
    }
  }
  const { logits } = await session.run(feeds, ['logits']);
  const width = logits.dims[2];
  const rows = ids.map((_, i) => Array.from(logits.data.subarray(i * width, (i + 1) * width)));
  console.log(JSON.stringify({ ids, logits: rows }));
}
