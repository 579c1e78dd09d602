// Implementations beside the native `tokenizers` library, and why they differ from it: they read classes of characters
// from another version of Unicode, or by the rules of another regular-expression engine. Differences are reduced to the
// shortest text that still shows them, and told by code point.
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { PATTERNS } from './build_tokenizers.mjs';

const TEXTS_MAX = 30000; // they are slow
const BYTES_MAX = 1e6;
const REDUCED_MAX = 200;

// ---------------------------------------------------------------- the implementations
async function huggingFaceJavaScript(packages, file) {
  const { Tokenizer } = await import(pathToFileURL(join(packages, 'node_modules/@huggingface/tokenizers/dist/tokenizers.mjs')));
  const tokenizer = new Tokenizer(JSON.parse(readFileSync(file, 'utf8')), {});
  return { name: '@huggingface/tokenizers', encode: (text) => tokenizer.encode(text).ids, takes: () => true };
}

// tiktoken knows no added tokens of others: only texts without any are given to it.
function tiktoken(packages, encoderName, pattern, prepare, specials) {
  const { Tiktoken } = createRequire(resolve(packages) + '/')('tiktoken/lite');
  const encoder = JSON.parse(readFileSync(join(packages, 'node_modules/tiktoken/encoders', `${encoderName}.json`), 'utf8'));
  const tokenizer = new Tiktoken(encoder.bpe_ranks, {}, pattern ?? encoder.pat_str);
  return {
    name: `tiktoken (${encoderName})`, encode: (text) => Array.from(tokenizer.encode(prepare(text), [], [])),
    takes: (text) => !specials.some((token) => prepare(text).includes(token)) };
}

async function llama3Js(packages, specials) {
  const bundle = 'node_modules/llama3-tokenizer-js/bundle/llama3-tokenizer-with-baked-data.js';
  const { default: tokenizer } = await import(pathToFileURL(join(packages, bundle)));
  return {
    name: 'llama3-tokenizer-js', encode: (text) => tokenizer.encode(text, { bos: true, eos: false }),
    takes: (text) => text.length < 20000 && !specials.some((token) => text.includes(token)) };
}

/** What runs beside the native library for the file of this name. */
export async function otherImplementations(name, packages, file) {
  const specials = JSON.parse(readFileSync(file, 'utf8')).added_tokens.map((token) => token.content);
  const asIs = (text) => text;
  const others = {
    'phi-4-mini': () => [tiktoken(packages, 'o200k_base', PATTERNS.o200k, asIs, specials)],
    'llama-3': async () => [await llama3Js(packages, specials)],
    qwen: () => [tiktoken(packages, 'cl100k_base', PATTERNS.qwen, (text) => text.normalize('NFC'), specials)],
    'gpt-2': () => [tiktoken(packages, 'gpt2', null, asIs, specials)],
  }[name];
  if (!others) return [];
  return [await huggingFaceJavaScript(packages, file), ...(await others())];
}

// ---------------------------------------------------------------- differences and their causes
const same = (a, b) => a.length === b.length && a.every((id, i) => id === b[i]);

async function differs(other, native, text) {
  if (!other.takes(text)) return false;
  try {
    return !same((await native.encode(text)).getIds(), Array.from(other.encode(text)));
  } catch {
    return true; // it cannot read this text at all
  }
}

// Takes out ever smaller runs of characters while the difference stays.
async function reduced(other, native, text) {
  let characters = Array.from(text);
  for (let size = characters.length >> 1; size >= 1;) {
    let shorter = false;
    for (let at = 0; at < characters.length; at += size) {
      const rest = [...characters.slice(0, at), ...characters.slice(at + size)];
      if (rest.length === 0 || !(await differs(other, native, rest.join('')))) continue;
      characters = rest;
      shorter = true;
      break;
    }
    if (!shorter) size = size === 1 ? 0 : size >> 1;
    else size = Math.min(size, Math.max(1, characters.length >> 1));
  }
  return characters.join('');
}

const CAUSES = [
  ['\\s: JavaScript counts U+FEFF as a space and U+0085 not; Oniguruma and Rust go by White_Space', /[\ufeff\u0085]/u],
  ["(?i:'s): only a case-folding engine takes U+017F for an s", /'(?:[sS]?ſ|[rR]|[vV])/u],
  ['Unicode version: assigned in one of them, unassigned in the other', null],
  ['added tokens: lstrip, rstrip and their order', /<\|?\/?[a-z_]+\|?>/u],
  ['canonical order: the native library composes by tables of another Unicode version', /\p{M}\p{M}/u],
  ['lone surrogates or noncharacters', /[\ud800-\udfff\ufffe\uffff]/u],
];

// Unicode 16 is the native library's version. Node's may be older or newer; what either has newly is told apart by
// asking: a code point whose class matters, though this Node calls it unassigned or the native library does.
const isRecent = (c) => {
  const character = String.fromCodePoint(c);
  return /\p{Cn}/u.test(character) || RECENT.some(([first, last]) => c >= first && c <= last);
};
const RECENT = [[0x870, 0x88e], [0x897, 0x897], [0x88f, 0x88f], [0xc5c, 0xc5d], [0xcdc, 0xcdd], [0x1acf, 0x1aeb], [0x1c89, 0x1c8a], [0x20c1, 0x20c1], [0xa7c0, 0xa7dc], [0xa7f1, 0xa7f4], [0x10d40, 0x10d8f], [0x105c0, 0x105f3], [0x10ec2, 0x10eff], [0x1193f, 0x11fff], [0x10940, 0x1095f], [0x16100, 0x16139], [0x16d40, 0x16d79], [0x16ea0, 0x16ed3], [0x13460, 0x143fa], [0x11380, 0x113e2], [0x1ccf0, 0x1ccf9], [0x1e4d0, 0x1e5ff], [0x1e6c0, 0x1e6ff], [0x18cff, 0x18df2], [0x2b739, 0x2b73f], [0x2b81e, 0x2b81e], [0x2cea2, 0x2cead], [0x2ebf0, 0x2ee5d], [0x31350, 0x33479], [0x18d80, 0x18df2]];

function causeOf(text) {
  const characters = Array.from(text, (character) => character.codePointAt(0));
  for (const [cause, pattern] of CAUSES) {
    if (pattern ? pattern.test(text) : characters.some(isRecent)) return cause;
  }
  return 'not explained';
}

const codePoints = (text) => Array.from(text, (c) => (c >= '!' && c <= '~' ? c : `U+${c.codePointAt(0).toString(16).toUpperCase().padStart(4, '0')}`)).join(' ');

function* limited(texts, takes) {
  let [count, bytes] = [0, 0];
  for (const text of texts) {
    if (!takes(text) || text.length > 50000) continue;
    // Long texts first, then short ones: some of each.
    if (text.length > 200 && bytes > BYTES_MAX) continue;
    bytes += text.length;
    if (++count > TEXTS_MAX) return;
    yield text;
  }
}

/** How `other` differs from `native` on some of the texts: one line in all, and one for each cause. */
export async function differencesOf(other, native, texts) {
  const causes = new Map();
  let [compared, different, examined] = [0, 0, 0];
  for (const text of limited(texts, other.takes)) {
    compared++;
    if (!(await differs(other, native, text))) continue;
    different++;
    if (examined >= REDUCED_MAX) continue;
    examined++;
    const shortest = await reduced(other, native, text);
    const cause = causeOf(shortest);
    if (!causes.has(cause)) causes.set(cause, new Set());
    causes.get(cause).add(codePoints(shortest));
  }
  const lines = [...causes].map(([cause, shown]) => `${cause}: ${[...shown].slice(0, 60).map((s) => `\`${s.slice(0, 120)}\``).join(', ')}`);
  const counts = [...causes].map(([cause, shown]) => `${shown.size} of "${cause}"`).join(', ');
  return { lines, summary: `${other.name}: ${compared} texts, ${different} differ from the native library${different ? ` (${examined} reduced: ${counts})` : ''}` };
}
