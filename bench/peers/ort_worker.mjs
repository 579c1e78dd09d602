// onnxruntime-node on a released graph, with the questions and answers of hearth_worker.cc.
//
// Usage: node ort_worker.mjs PACKAGES MODEL_FOLDER THREADS
//
// Each layer's cache is one buffer for past and present, bound as input and as output: GroupQueryAttention then writes the new
// rows in place. Without that ONNX Runtime copies the whole cache in every step. Prompts come in chunks, as in hearth_worker.cc:
// the graph gives logits of every row, 0.8 MB each, and their buffer too is kept.
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { answerLines } from './json_lines.mjs';
import { median, secondsSince, tokenAt } from './statistics.mjs';

const CHUNK_TOKENS = 256;
const [packages, folder, threads] = process.argv.slice(2);
const require = createRequire(resolve(packages) + '/');
const ort = require('onnxruntime-node');
const { model } = JSON.parse(readFileSync(join(folder, 'genai_config.json'), 'utf8'));
const { inputs, outputs, num_hidden_layers: layers, num_key_value_heads: heads, head_size: headSize } = model.decoder;

const named = (pattern) => Array.from({ length: layers }, (_, layer) => pattern.replace('%d', layer));
const pastNames = [...named(inputs.past_key_names), ...named(inputs.past_value_names)];
const presentNames = [...named(outputs.present_key_names), ...named(outputs.present_value_names)];

class Sequence {
  constructor(session, capacity) {
    this.session = session;
    this.cache = pastNames.map(() => new ort.Tensor('float32', new Float32Array(heads * capacity * headSize), [1, heads, capacity, headSize]));
    this.logits = new Map(); // one tensor for each number of rows
  }

  logitsFor(rows) {
    if (!this.logits.has(rows)) this.logits.set(rows, new ort.Tensor('float32', new Float32Array(rows * model.vocab_size), [1, rows, model.vocab_size]));
    return this.logits.get(rows);
  }

  /** Runs `ids` behind the first `past` tokens and returns the greedy choice after the last of them. */
  async run(ids, past) {
    const total = past + ids.length;
    const logits = this.logitsFor(ids.length);
    const feeds = {
      [inputs.input_ids]: new ort.Tensor('int64', BigInt64Array.from(ids, BigInt), [1, ids.length]),
      [inputs.attention_mask]: new ort.Tensor('int64', new BigInt64Array(total).fill(1n), [1, total]) };
    const fetches = { [outputs.logits]: logits };
    pastNames.forEach((name, i) => { feeds[name] = this.cache[i]; });
    presentNames.forEach((name, i) => { fetches[name] = this.cache[i]; });
    await this.session.run(feeds, fetches);
    return bestOf(logits.data.subarray((ids.length - 1) * model.vocab_size));
  }

  /** The first `tokens` tokens in chunks. */
  async fill(tokens) {
    let chosen;
    for (let done = 0; done < tokens; done += CHUNK_TOKENS) {
      const ids = Array.from({ length: Math.min(CHUNK_TOKENS, tokens - done) }, (_, i) => tokenAt(done + i, model.vocab_size));
      chosen = await this.run(ids, done);
    }
    return chosen;
  }
}

function bestOf(row) {
  let best = 0;
  for (let id = 1; id < row.length; id++) if (row[id] > row[best]) best = id;
  return best;
}

async function open() {
  const start = performance.now();
  const session = await ort.InferenceSession.create(join(folder, model.decoder.filename), {
    executionProviders: ['cpu'], graphOptimizationLevel: 'all', intraOpNumThreads: Number(threads), executionMode: 'sequential',
    enableCpuMemArena: true, enableMemPattern: true, logSeverityLevel: 3 });
  let held = { tokens: 0 }; // the sequence that the next question may go on with

  const prompt = async ({ tokens }) => {
    const sequence = new Sequence(session, tokens);
    const begin = performance.now();
    await sequence.fill(tokens);
    return { seconds: secondsSince(begin) };
  };
  const decode = async ({ context, steps }) => {
    if (held.context !== context || held.steps < steps) {
      held = { context, steps, sequence: new Sequence(session, context + steps) };
      await held.sequence.fill(context);
    }
    let next = tokenAt(context, model.vocab_size);
    const seconds = [];
    for (let i = 0; i < steps; i++) {
      const begin = performance.now();
      next = await held.sequence.run([next], context + i);
      seconds.push(secondsSince(begin));
    }
    return { seconds: median(seconds) };
  };
  return { greeting: { load_s: secondsSince(start), version: `onnxruntime-node ${require('onnxruntime-node/package.json').version}` }, answers: { prompt, decode } };
}

await answerLines(open);
