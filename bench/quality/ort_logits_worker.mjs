// Logits of onnxruntime-node, with the questions and answers of logits_worker.cc: one run of the graph from an empty cache
// of float32 keys and values.
//
// Usage: node ort_logits_worker.mjs PACKAGES MODEL_FOLDER MODEL_FILE
import { createRequire } from 'node:module';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { answerLines } from '../peers/json_lines.mjs';

const [packages, folder, file] = process.argv.slice(2);

async function open() {
  const require = createRequire(resolve(packages) + '/');
  const ort = require('onnxruntime-node');
  const { decoder, vocab_size: vocabSize } = JSON.parse(readFileSync(join(folder, 'genai_config.json'), 'utf8')).model;
  const { inputs, outputs, num_hidden_layers: layers, num_key_value_heads: heads, head_size: headSize } = decoder;
  const session = await ort.InferenceSession.create(join(folder, file), { executionProviders: ['cpu'], logSeverityLevel: 3 });
  const known = new Set(session.inputNames);
  const pastNames = [inputs.past_key_names, inputs.past_value_names].flatMap((pattern) =>
    Array.from({ length: layers }, (_, layer) => pattern.replace('%d', layer)));
  const row = (values) => new ort.Tensor('int64', BigInt64Array.from(values, BigInt), [1, values.length]);

  const logits = async ({ ids, file: path }) => {
    const feeds = { [inputs.input_ids]: row(ids), [inputs.attention_mask]: row(ids.map(() => 1)) };
    if (known.has(inputs.position_ids)) feeds[inputs.position_ids] = row(ids.map((_, i) => i));
    for (const name of pastNames) feeds[name] = new ort.Tensor('float32', new Float32Array(0), [1, heads, 0, headSize]);
    const { data, dims } = (await session.run(feeds, [outputs.logits]))[outputs.logits];
    if (dims.at(-1) !== vocabSize || data.length !== ids.length * vocabSize) throw new Error(`${file} gave logits of ${dims.join(' x ')}`);
    writeFileSync(path, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    return { rows: ids.length };
  };
  return { greeting: { version: `onnxruntime-node ${require('onnxruntime-node/package.json').version}`, vocab_size: vocabSize }, answers: { logits } };
}

await answerLines(open);
