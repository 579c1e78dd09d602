// Measures Hearth's tokenizer beside others, in turns: one input, each library once, and again, so that what disturbs the
// machine disturbs all of them. Called by bench/tokenizer/run, which says what the options mean.
//
// Usage: node measure.mjs PACKAGES TOKENIZER.json ENCODE_BENCH WORK CORE ROUNDS BYTES MAX_LENGTH [--json]
import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { benchTexts } from './texts.mjs';

const [packages, tokenizer, encodeBench, work, core, ...numbers] = process.argv.slice(2);
const [rounds, bytes, maxLength] = numbers.slice(0, 3).map(Number);
const asJson = numbers[3] === '--json';
const here = dirname(fileURLToPath(import.meta.url));
const OTHERS = ['tokenizers', '@huggingface/tokenizers', 'tiktoken'];
const TOO_SLOW_S = 0.2; // a hostile input of the next length would take too long

// One library in a process of its own, on the one core; asked one thing at a time.
class Library {
  constructor(name, command) {
    this.name = name;
    this.process = spawn('taskset', ['-c', core, ...command], { stdio: ['pipe', 'pipe', 'inherit'], env: { ...process.env, RAYON_NUM_THREADS: '1' } });
    this.process.stdin.on('error', () => {}); // told by the answer that does not come
    this.answers = createInterface({ input: this.process.stdout })[Symbol.asyncIterator]();
  }
  async ask(question) {
    this.process.stdin.write(`${question}\n`);
    const { value, done } = await this.answers.next();
    return done ? { error: 'the process ended' } : JSON.parse(value);
  }
}

const libraries = [new Library('Hearth', [encodeBench, tokenizer]),
  ...OTHERS.map((name) => new Library(name, [process.execPath, join(here, 'worker.mjs'), packages, name, tokenizer]))];
const sorted = (values) => [...values].sort((a, b) => a - b);
const median = (values) => sorted(values)[values.length >> 1];

async function inTurns(questionFor, count, skipped = new Set()) {
  const results = new Map(libraries.filter(({ name }) => !skipped.has(name)).map(({ name }) => [name, { seconds: [] }]));
  for (let round = 0; round < count; round++) {
    for (const library of libraries) {
      const result = results.get(library.name);
      const question = result && !result.error && questionFor(library.name);
      if (!question) continue;
      const answer = await library.ask(question);
      if (answer.error) result.error = answer.error;
      else result.seconds.push(answer.seconds);
      result.tokens = answer.tokens;
    }
  }
  return results;
}

// Short inputs are encoded often enough that a measurement takes about a tenth of a second.
async function measureText(file, count, skipped) {
  const once = await inTurns(() => `encode ${file} 1`, 1, skipped);
  const repeats = (name) => Math.max(1, Math.min(1000, Math.round(0.1 / once.get(name).seconds[0])));
  const failed = [...once].filter(([, { error }]) => error);
  const results = await inTurns((name) => `encode ${file} ${repeats(name)}`, count, new Set([...skipped, ...failed.map(([name]) => name)]));
  for (const [name, { error }] of failed) results.set(name, { seconds: [], error });
  return results;
}

const report = { core: Number(core), rounds, texts: [], load: [] };
const say = (line) => { if (!asJson) console.log(line); };
const cell = (text, width) => String(text).padEnd(width);

function summarize(name, size, results) {
  const row = { name, bytes: size, libraries: {} };
  for (const [library, { seconds, tokens, error }] of results) {
    if (error || !seconds.length) { row.libraries[library] = { error: error ?? 'not measured' }; continue; }
    const typical = median(seconds);
    row.libraries[library] = { seconds: typical, fastest: Math.min(...seconds), slowest: Math.max(...seconds), tokens, mb_per_s: size / typical / 1e6, tokens_per_s: tokens / typical };
  }
  const others = OTHERS.map((other) => row.libraries[other]?.seconds).filter(Boolean);
  if (others.length) row.times_fastest_other = Math.min(...others) / row.libraries.Hearth.seconds;
  return row;
}

function print(row) {
  say(`${row.name} (${(row.bytes / 1e6).toFixed(2)} MB)${row.times_fastest_other ? `: Hearth ${row.times_fastest_other.toFixed(1)} times the fastest other` : ''}`);
  for (const [library, r] of Object.entries(row.libraries)) {
    say(r.error ? `  ${cell(library, 24)} ${r.error}` : `  ${cell(library, 24)} ${cell(`${(r.seconds * 1e3).toFixed(2)} ms`, 14)} (${(r.fastest * 1e3).toFixed(2)} to ${(r.slowest * 1e3).toFixed(2)})  `
      + `${cell(`${r.mb_per_s.toFixed(2)} MB/s`, 14)} ${cell(`${Math.round(r.tokens_per_s / 1e3)}k tokens/s`, 20)} ${r.tokens} tokens`);
  }
}

// Libraries that disagree do not do the same work.
function checkCounts(row) {
  const counts = new Set(Object.values(row.libraries).map(({ tokens }) => tokens).filter((tokens) => tokens !== undefined));
  if (counts.size > 1) { row.note = 'the libraries do not agree about the number of tokens'; say(`  ${row.note}`); }
}

mkdirSync(work, { recursive: true });
const lengths = [10000, 100000, 1000000].filter((length) => length <= maxLength);
const slow = new Map();
for (const [name, documents, hostile] of benchTexts(resolve(here, '../..'), bytes, lengths)) {
  const file = join(work, 'text');
  const path = `${file}-${report.texts.length}`;
  writeFileSync(path, documents.map((document) => `${document}\0`).join(''));
  const size = documents.reduce((n, document) => n + Buffer.byteLength(document), 0);
  const skipped = slow.get(hostile) ?? new Set();
  const row = summarize(name, size, await measureText(path, hostile ? Math.min(rounds, 3) : rounds, skipped));
  report.texts.push(row);
  print(row);
  checkCounts(row);
  if (hostile) slow.set(hostile, new Set([...skipped, ...Object.entries(row.libraries).filter(([, r]) => r.error || r.seconds > TOO_SLOW_S).map(([library]) => library)]));
}

say('\nloading the vocabulary');
await inTurns((name) => (name === 'Hearth' ? 'load compiled' : null), 1); // writes the compiled form
const cold = await inTurns((name) => (name === 'Hearth' ? 'load cold' : 'load it'), rounds);
const compiled = await inTurns((name) => (name === 'Hearth' ? 'load compiled' : null), rounds);
for (const [library, { seconds, error }] of [...cold, ['Hearth, compiled', compiled.get('Hearth')]]) {
  if (error) { report.load.push({ library, error }); say(`  ${cell(library, 24)} ${error}`); continue; }
  const r = { library, seconds: median(seconds), fastest: Math.min(...seconds), slowest: Math.max(...seconds) };
  report.load.push(r);
  say(`  ${cell(library, 24)} ${(r.seconds * 1e3).toFixed(2)} ms (${(r.fastest * 1e3).toFixed(2)} to ${(r.slowest * 1e3).toFixed(2)})`);
}
if (asJson) console.log(JSON.stringify(report, null, 1));
for (const library of libraries) library.process.stdin.end();
