// Compares Hearth's tokenizer with the native `tokenizers` library, which decides, on mixed and generated text: ids, and
// the text that they are decoded to. Beside it run other implementations; where they differ from the native library the
// report says at which code points and why.
//
// Usage: node compare_tokenizers.mjs PACKAGES TOKENIZERS ENCODER WORK MIXED_BYTES STRINGS CHARACTERS [NAME...]
//   PACKAGES:   the folder whose node_modules holds the oracles
//   TOKENIZERS: the folder that build_tokenizers.mjs wrote
//   ENCODER:    the program tests/tools/encode_texts.cc
//   WORK:       the folder for the report, and for the wrong files of --self-test
//   CHARACTERS: all or edges, see characterTexts()
//   NAME:       only these tokenizers
// With --self-test as the only name, files that are wrong on purpose go to Hearth's side; each must be noticed.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { characterTexts, generatedStrings, mixedTexts, randomFrom } from './tokenizer_corpus.mjs';
import { otherImplementations, differencesOf } from './other_tokenizers.mjs';

const [packages, folder, encoder, work, mixedBytesText, stringsText, which, ...names] = process.argv.slice(2);
if (!which) {
  console.error('usage: node compare_tokenizers.mjs PACKAGES TOKENIZERS ENCODER WORK MIXED_BYTES STRINGS CHARACTERS [NAME...]');
  process.exit(2);
}
const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const { Tokenizer } = createRequire(resolve(packages) + '/')('tokenizers');
const mixedBytes = Number(mixedBytesText);
const strings = Number(stringsText);
const SEED = 20240607;
const BATCH = 20000;
const SHOWN = 10;
mkdirSync(work, { recursive: true });

// ---------------------------------------------------------------- Hearth's side
const REFUSED = 0xffffffff;

function records(items, bytesOf) {
  const parts = [];
  for (const item of items) {
    const bytes = bytesOf(item);
    const count = Buffer.alloc(4);
    count.writeUInt32LE(item.length === undefined || typeof item === 'string' ? bytes.length : item.length);
    parts.push(count, bytes);
  }
  return Buffer.concat(parts);
}

function runEncoder(file, direction, input) {
  const run = spawnSync(encoder, [file, direction], { input, maxBuffer: 2 ** 31 - 1 });
  if (run.status !== 0) throw new Error(`${encoder} ${file} ${direction}: ${run.error ?? ''} ${run.stderr} (${run.signal ?? run.status})`);
  return run.stdout;
}

function encodeHere(file, texts) {
  const output = runEncoder(file, 'encode', records(texts, (text) => Buffer.from(text)));
  const lists = [];
  for (let at = 0; at < output.length;) {
    const count = output.readUInt32LE(at);
    at += 4;
    if (count === REFUSED) {
      lists.push(null);
      continue;
    }
    const ids = new Array(count);
    for (let i = 0; i < count; i++) ids[i] = output.readUInt32LE(at + 4 * i);
    at += 4 * count;
    lists.push(ids);
  }
  return lists;
}

function decodeHere(file, lists) {
  const output = runEncoder(file, 'decode', records(lists, (ids) => Buffer.from(Uint32Array.from(ids).buffer)));
  const texts = [];
  for (let at = 0; at < output.length;) {
    const count = output.readUInt32LE(at);
    texts.push(output.toString('utf8', at + 4, at + 4 + count));
    at += 4 + count;
  }
  return texts;
}

// ---------------------------------------------------------------- the comparison
const sameIds = (a, b) => a !== null && a !== undefined && a.length === b.length && a.every((id, i) => id === b[i]);

class Tally {
  constructor(name) {
    this.name = name;
    this.texts = this.bytes = this.tokens = this.decoded = this.different = this.unlike = this.returned = 0;
    this.lines = [];
  }
  say(kind, input, expected, got) {
    if (this.lines.length < SHOWN) this.lines.push(`${this.name}, ${kind} ${JSON.stringify(input).slice(0, 300)}\n    expected ${JSON.stringify(expected).slice(0, 300)}\n    got      ${JSON.stringify(got).slice(0, 300)}`);
  }
  compareIds(text, expected, got) {
    this.texts++;
    this.bytes += Buffer.byteLength(text);
    this.tokens += expected.length;
    if (sameIds(got, expected)) return;
    this.different++;
    const at = expected.findIndex((id, i) => id !== got?.[i]);
    const from = Math.max(0, at - 3);
    this.say(`ids, they part at token ${at}:`, text, expected.slice(from, at + 8), got?.slice(from, at + 8) ?? 'refused');
  }
  compareText(ids, expected, got) {
    this.decoded++;
    if (expected === got) return;
    this.unlike++;
    this.say('decoded:', ids.slice(0, 40), expected, got);
  }
}

async function compareBatch(native, file, texts, tally) {
  const expected = (await native.encodeBatch(texts)).map((encoding) => encoding.getIds());
  const got = encodeHere(file, texts);
  texts.forEach((text, i) => tally.compareIds(text, expected[i], got[i]));
  const decoded = await native.decodeBatch(expected, false);
  const decodedHere = decodeHere(file, expected);
  texts.forEach((text, i) => {
    tally.compareText(expected[i], decoded[i], decodedHere[i]);
    if (decodedHere[i] === text) tally.returned++;
  });
}

// Ids as a model may write them: no text has them, and characters are cut apart.
async function compareOddIds(native, file, tally) {
  const random = randomFrom(SEED);
  const size = native.getVocabSize(true);
  const lists = Array.from({ length: BATCH }, () => Array.from({ length: 1 + random(12) }, () => random(random(3) ? size : 256)));
  const expected = await native.decodeBatch(lists, false);
  decodeHere(file, lists).forEach((text, i) => tally.compareText(lists[i], expected[i], text));
}

function* batches(texts) {
  let batch = [];
  let bytes = 0;
  for (const text of texts) {
    batch.push(text);
    bytes += text.length;
    if (batch.length < BATCH && bytes < 4e6) continue;
    yield batch;
    [batch, bytes] = [[], 0];
  }
  if (batch.length) yield batch;
}

function* allTexts() {
  const mixed = [...mixedTexts(mixedBytes, SEED, root, packages)];
  yield* mixed;
  yield mixed.join('\n').slice(0, 1e6).replace(/[\ud800-\udbff]$/, ''); // and much of it as one text
  yield* characterTexts(which);
  yield* generatedStrings(strings, SEED);
}

async function compare(name, file, wrongFile) {
  const native = Tokenizer.fromFile(file);
  const tally = new Tally(name);
  for (const batch of batches(allTexts())) {
    await compareBatch(native, wrongFile ?? file, batch, tally);
    if (wrongFile && tally.different) break;
  }
  await compareOddIds(native, wrongFile ?? file, tally);
  return tally;
}

// ---------------------------------------------------------------- the two uses
// What a mistake in one's own code might be, told as a wrong file.
const WRONG = {
  'two merges in the wrong order': ['gpt-2', (json) => {
    const { merges } = json.model;
    [merges[20000], merges[20001]] = [merges[20001], merges[20000]];
    [merges[3], merges[300]] = [merges[300], merges[3]];
  }],
  'digits in pairs': ['phi-4-mini', (json) => changePattern(json, '\\p{N}{1,3}', '\\p{N}{1,2}')],
  'contractions in lower case only': ['llama-3', (json) => changePattern(json, '(?i:', '(?:')],
  'no look at what follows spaces': ['qwen', (json) => changePattern(json, '|\\s+(?!\\S)', '')],
  'U+0085 is no space': ['pairs-o200k', (json) => changePattern(json, ' ?[^\\s', ' ?[^\\r\\n\\t\\v\\f \\x{00A0}\\x{1680}\\x{2000}-\\x{200A}\\x{2028}\\x{2029}\\x{202F}\\x{205F}\\x{3000}')],
  'no composition': ['qwen', (json) => { json.normalizer = null; }],
  'a role token keeps the space behind it': ['phi-4-mini', (json) => { json.added_tokens.find((t) => t.content === '<|user|>').rstrip = false; }],
  'whole pieces are not looked up first': ['llama-3', (json) => { json.model.ignore_merges = false; json.model.merges.length = 200000; }],
};
function changePattern(json, from, to) {
  const pattern = json.pre_tokenizer.pretokenizers[0].pattern;
  if (!pattern.Regex.includes(from)) throw new Error(`the pattern holds no ${from}`);
  pattern.Regex = pattern.Regex.replaceAll(from, to);
}

async function selfTest() {
  let missed = 0;
  for (const [what, [name, spoil]] of Object.entries(WRONG)) {
    const file = join(folder, `${name}.json`);
    const json = JSON.parse(readFileSync(file, 'utf8'));
    spoil(json);
    const wrongFile = join(work, 'wrong.json');
    writeFileSync(wrongFile, JSON.stringify(json));
    const { different } = await compare(name, file, wrongFile);
    console.log(`${different ? 'noticed' : 'MISSED '}: ${name}, ${what}`);
    if (!different) missed++;
  }
  return missed === 0;
}

async function compareAll(wanted) {
  const report = ['# Tokenizers compared', '', `${mixedBytes} bytes of mixed text, ${strings} generated strings, ${which} code points.`, ''];
  let good = true;
  for (const name of wanted) {
    const file = join(folder, `${name}.json`);
    const started = performance.now();
    const tally = await compare(name, file);
    const seconds = ((performance.now() - started) / 1000).toFixed(0);
    const line = `${name}: ${tally.texts} texts, ${(tally.bytes / 1e6).toFixed(1)} MB, ${tally.tokens} tokens: ${tally.different} differences of ids; `
      + `${tally.decoded} lists decoded: ${tally.unlike} differences of text; ${tally.returned} texts came back as they were (${seconds} s)`;
    console.log([line, ...tally.lines].join('\n  '));
    report.push(`- ${line}`, ...tally.lines.map((l) => `  - ${l}`));
    // Without a normalizer and tokens that swallow spaces, every text comes back.
    const lossless = /^(gpt-2|pairs-.*)$/.test(name);
    if (tally.different || tally.unlike || tally.texts < strings || (lossless && tally.returned !== tally.texts)) good = false;
    for (const other of await otherImplementations(name, packages, file)) {
      const found = await differencesOf(other, Tokenizer.fromFile(file), allTexts());
      console.log(`  beside it, ${found.summary}`);
      report.push(`  - ${found.summary}`, ...found.lines.map((l) => `    - ${l}`));
    }
  }
  writeFileSync(join(work, 'tokenizers.md'), report.join('\n') + '\n');
  console.log(`report: ${join(work, 'tokenizers.md')}`);
  return good;
}

const all = readdirSync(folder).filter((f) => f.endsWith('.json')).map((f) => f.slice(0, -5)).sort();
const good = names[0] === '--self-test' ? await selfTest() : await compareAll(names.length ? names : all);
process.exit(good ? 0 : 1);
