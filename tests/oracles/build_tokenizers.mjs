// Builds tokenizer.json files of real size from the ranks and merges that npm packages carry, in the form in which
// models publish them. They are large and belong to others, so they are built where they are needed, not committed.
//
// Usage: node build_tokenizers.mjs PACKAGES OUT_FOLDER [NAME...]
//   PACKAGES: the folder whose node_modules holds tiktoken and llama3-tokenizer-js
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const CONTRACTIONS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
export const PATTERNS = {
  o200k: [
    `[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+${CONTRACTIONS}?`,
    `[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*${CONTRACTIONS}?`,
    '\\p{N}{1,3}', ' ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*', '\\s*[\\r\\n]+', '\\s+(?!\\S)', '\\s+',
  ].join('|'),
  llama3: `${CONTRACTIONS}|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+`,
  qwen: `${CONTRACTIONS}|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+`,
};

// ---------------------------------------------------------------- the byte-level alphabet
// Bytes that print stand for themselves, the others for the characters from U+0100 on.
const printsItself = (byte) => (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
const alphabet = (() => {
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => String.fromCodePoint(printsItself(byte) ? byte : next++));
})();
// Tokens are kept as strings of one character a byte ("latin1") until they are written.
const spell = (bytes) => Array.from(bytes, (c) => alphabet[c.charCodeAt(0)]).join('');

// ---------------------------------------------------------------- from ranks to merges
// tiktoken's form: "! FIRST_RANK token token ...", tokens in base64.
function ranksOf(packages, name) {
  const encoder = JSON.parse(readFileSync(join(packages, 'node_modules/tiktoken/encoders', `${name}.json`), 'utf8'));
  const ranks = new Map();
  for (const line of encoder.bpe_ranks.split('\n').filter(Boolean)) {
    const [, first, ...tokens] = line.split(' ');
    tokens.forEach((token, i) => ranks.set(Buffer.from(token, 'base64').toString('latin1'), Number(first) + i));
  }
  return ranks;
}

// Merges pairs of lowest rank, and only below `limit`: the parts that a token was made of.
function partsBelow(ranks, token, limit) {
  const parts = Array.from(token);
  for (;;) {
    let best = limit;
    let at = -1;
    for (let i = 0; i + 1 < parts.length; i++) {
      const rank = ranks.get(parts[i] + parts[i + 1]);
      if (rank !== undefined && rank < best) [best, at] = [rank, i];
    }
    if (at < 0) return parts;
    parts.splice(at, 2, parts[at] + parts[at + 1]);
  }
}

// A token of more than one byte was made by one merge, that of the two parts that lower ranks leave.
function mergesOf(ranks) {
  const merges = [];
  for (const [token, rank] of [...ranks].sort((a, b) => a[1] - b[1])) {
    if (token.length < 2) continue;
    const parts = partsBelow(ranks, token, rank);
    if (parts.length !== 2) throw new Error(`token ${rank} is made of ${parts.length} parts`);
    merges.push(parts.map(spell));
  }
  return merges;
}

const vocabularyOf = (ranks) => Object.fromEntries([...ranks].map(([token, rank]) => [spell(token), rank]));

// ---------------------------------------------------------------- pieces of a tokenizer.json
const added = (id, content, flags = {}) =>
  ({ id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true, ...flags });
const byteLevel = (addPrefixSpace, trimOffsets, useRegex) =>
  ({ type: 'ByteLevel', add_prefix_space: addPrefixSpace, trim_offsets: trimOffsets, use_regex: useRegex });
const split = (pattern, behavior, invert) => ({ type: 'Split', pattern: { Regex: pattern }, behavior, invert });
const sequence = (...pretokenizers) => ({ type: 'Sequence', pretokenizers });
const bpe = (vocab, merges, options = {}) => ({
  type: 'BPE', dropout: null, unk_token: null, continuing_subword_prefix: null, end_of_word_suffix: null, fuse_unk: false,
  byte_fallback: false, ignore_merges: false, ...options, vocab, merges });
const file = (parts) => ({
  version: '1.0', truncation: null, padding: null, added_tokens: [], normalizer: null, pre_tokenizer: null,
  post_processor: null, decoder: byteLevel(true, true, true), model: null, ...parts });

function templateWithFirst(token, id) {
  const first = { SpecialToken: { id: token, type_id: 0 } };
  return {
    type: 'TemplateProcessing', single: [first, { Sequence: { id: 'A', type_id: 0 } }],
    pair: [first, { Sequence: { id: 'A', type_id: 0 } }, { SpecialToken: { id: token, type_id: 1 } }, { Sequence: { id: 'B', type_id: 1 } }],
    special_tokens: { [token]: { id: token, ids: [id], tokens: [token] } } };
}

// ---------------------------------------------------------------- the families
function phi4Mini(packages) {
  const ranks = ranksOf(packages, 'o200k_base');
  const role = { rstrip: true };
  const tool = { rstrip: true, special: false };
  const tokens = [
    [199999, '<|endoftext|>'], [200018, '<|endofprompt|>'], [200019, '<|assistant|>', role], [200020, '<|end|>', role],
    [200021, '<|user|>', role], [200022, '<|system|>', role], [200023, '<|tool|>', tool], [200024, '<|/tool|>', tool],
    [200025, '<|tool_call|>', tool], [200026, '<|/tool_call|>', tool], [200027, '<|tool_response|>', tool], [200028, '<|tag|>', role]];
  return file({
    added_tokens: tokens.map(([id, content, flags]) => added(id, content, flags)),
    pre_tokenizer: sequence(split(PATTERNS.o200k, 'Removed', true), byteLevel(false, true, false)),
    post_processor: byteLevel(true, false, true),
    // The ids have gaps, and the native library keeps an id only where the vocabulary has it too: it numbers on otherwise.
    model: bpe({ ...vocabularyOf(ranks), ...Object.fromEntries(tokens.map(([id, content]) => [content, id])) }, mergesOf(ranks),
      { continuing_subword_prefix: '', end_of_word_suffix: '' }) });
}

async function llama3(packages) {
  const bundle = 'node_modules/llama3-tokenizer-js/bundle/llama3-tokenizer-with-baked-data.js';
  const { default: source } = await import(pathToFileURL(join(packages, bundle)));
  const vocabulary = source.vocabById.slice(0, 128000);
  const merges = [...source.merges].sort((a, b) => a[1] - b[1]).map(([pair]) => pair);
  return file({
    added_tokens: source.vocabById.slice(128000).map((content, i) => added(128000 + i, content)),
    pre_tokenizer: sequence(split(PATTERNS.llama3, 'Isolated', false), byteLevel(false, true, false)),
    post_processor: { type: 'Sequence', processors: [byteLevel(true, false, true), templateWithFirst('<|begin_of_text|>', 128000)] },
    model: bpe(Object.fromEntries(vocabulary.map((token, id) => [token, id])), merges, { ignore_merges: true }) });
}

// Qwen's own ranks are in no package; those of cl100k_base are of the same kind and size.
function qwen(packages) {
  const ranks = ranksOf(packages, 'cl100k_base');
  const plain = { special: false };
  const tokens = [
    ['<|endoftext|>'], ['<|im_start|>'], ['<|im_end|>'], ['<|object_ref_start|>'], ['<|vision_start|>'], ['<|vision_end|>'],
    ['<tool_call>', plain], ['</tool_call>', plain], ['<|fim_prefix|>', plain], ['<|repo_name|>', plain], ['<think>', plain], ['</think>', plain]];
  return file({
    added_tokens: tokens.map(([content, flags], i) => added(100256 + i, content, flags)),
    normalizer: { type: 'NFC' },
    pre_tokenizer: sequence(split(PATTERNS.qwen, 'Isolated', false), byteLevel(false, false, false)),
    post_processor: byteLevel(false, false, false), decoder: byteLevel(false, false, false),
    model: bpe(vocabularyOf(ranks), mergesOf(ranks).map((pair) => pair.join(' ')), { continuing_subword_prefix: '', end_of_word_suffix: '' }) });
}

function gpt2(packages) {
  const ranks = ranksOf(packages, 'gpt2');
  return file({
    added_tokens: [added(50256, '<|endoftext|>', { normalized: true })],
    pre_tokenizer: byteLevel(false, true, true), post_processor: byteLevel(true, false, true),
    model: bpe({ ...vocabularyOf(ranks), '<|endoftext|>': 50256 }, mergesOf(ranks).map((pair) => pair.join(' '))) });
}

// Every pair of bytes is a token: which bytes pair up shows where a pattern cut the text, also where no real vocabulary
// has a token that would show it.
function pairs(pattern) {
  const vocab = Object.fromEntries(alphabet.map((c, byte) => [c, byte]));
  const merges = [];
  for (let i = 0; i < 65536; i++) {
    // An order without a pattern: the multiplier is odd, so each pair comes once.
    const pair = (i * 40503 + 12345) % 65536;
    merges.push([alphabet[pair >> 8], alphabet[pair & 255]]);
    vocab[merges[i].join('')] = 256 + i;
  }
  const preTokenizer = pattern === null ? byteLevel(false, true, true)
    : sequence(split(pattern, 'Isolated', false), byteLevel(false, true, false));
  return file({ pre_tokenizer: preTokenizer, model: bpe(vocab, merges) });
}

// In the style of Llama 2 and Phi-3: characters with U+2581 for spaces, bytes for characters without a token. The
// vocabulary is made here from the words of another one, because no package carries a SentencePiece model as text.
function sentencePiece(packages) {
  const words = [...ranksOf(packages, 'cl100k_base').keys()].map((token) => Buffer.from(token, 'latin1').toString())
    .filter((word) => /^ ?[\p{L}\p{P}]{2,12}$/u.test(word)).slice(0, 20000).map((word) => word.replaceAll(' ', '▁'));
  const vocab = Object.create(null); // a word may be 'constructor'
  const enter = (token) => (vocab[token] ??= Object.keys(vocab).length);
  ['<unk>', '<s>', '</s>'].forEach(enter);
  for (let byte = 0; byte < 256; byte++) enter(`<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`);
  const merges = [];
  let size = 259;
  const known = new Set();
  for (const word of words) {
    // Each prefix of a word is made of the one before it and a character.
    const letters = Array.from(word);
    for (let length = 2; length <= letters.length; length++) {
      const token = letters.slice(0, length).join('');
      if (known.has(token)) continue;
      known.add(token);
      merges.push(`${letters.slice(0, length - 1).join('')} ${letters[length - 1]}`);
      vocab[token] = size++;
    }
  }
  for (const letter of [...new Set(words.join('') + '▁')].sort()) if (!(letter in vocab)) vocab[letter] = size++;
  const sequenceOf = (kind, ...list) => ({ type: 'Sequence', [kind]: list });
  return file({
    added_tokens: ['<unk>', '<s>', '</s>', '<|end|>', '<|user|>', '<|assistant|>'].map((content, i) =>
      added(i < 3 ? i : size + i - 3, content, { rstrip: i > 1 })),
    normalizer: sequenceOf('normalizers', { type: 'Prepend', prepend: '▁' }, { type: 'Replace', pattern: { String: ' ' }, content: '▁' }),
    post_processor: templateWithFirst('<s>', 1),
    decoder: sequenceOf('decoders', { type: 'Replace', pattern: { String: '▁' }, content: ' ' }, { type: 'ByteFallback' },
      { type: 'Fuse' }, { type: 'Strip', content: ' ', start: 1, stop: 0 }),
    model: bpe(vocab, merges, { unk_token: '<unk>', fuse_unk: true, byte_fallback: true }) });
}

/** Name of each file that build() writes, and what it is built by. */
const FAMILIES = {
  'phi-4-mini': phi4Mini, 'llama-3': llama3, qwen, 'gpt-2': gpt2, sentencepiece: sentencePiece,
  'pairs-o200k': () => pairs(PATTERNS.o200k), 'pairs-llama-3': () => pairs(PATTERNS.llama3),
  'pairs-qwen': () => pairs(PATTERNS.qwen), 'pairs-gpt-2': () => pairs(null),
};

async function build(packages, folder, names) {
  mkdirSync(folder, { recursive: true });
  for (const [name, make] of Object.entries(FAMILIES)) {
    if (names.length && !names.includes(name)) continue;
    const json = await make(packages);
    writeFileSync(join(folder, `${name}.json`), JSON.stringify(json));
    console.log(`${name}: ${Object.keys(json.model.vocab).length} tokens, ${json.model.merges.length} merges, ${json.added_tokens.length} added`);
  }
}

if (process.argv[1] && import.meta.url === pathToFileURL(resolve(process.argv[1])).href) {
  const [packages, folder, ...names] = process.argv.slice(2);
  if (!folder) {
    console.error('usage: node build_tokenizers.mjs PACKAGES OUT_FOLDER [NAME...]');
    process.exit(2);
  }
  await build(resolve(packages), folder, names);
}
