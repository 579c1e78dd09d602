// Texts that tokenizers are compared on. The same seed gives the same texts, on the same machine: the code and prose
// among them is what lies there, from this repository and from packages that the set-up installs.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** A stream of whole numbers below n; the same seed gives the same stream (xorshift32). */
export function randomFrom(seed) {
  let state = (seed >>> 0) || 1;
  return (n) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % n;
  };
}

// ---------------------------------------------------------------- characters
const range = (first, last) => Array.from({ length: last - first + 1 }, (_, i) => first + i);
const isSurrogate = (c) => c >= 0xd800 && c <= 0xdfff;
// Blocks of scripts in use and of some that are not.
const SCRIPTS = [
  [0x41, 0x5a], [0x61, 0x7a], [0xc0, 0x17f], [0x180, 0x24f], [0x250, 0x2af], [0x2b0, 0x2ff], [0x370, 0x3ff], [0x400, 0x4ff], [0x531, 0x58a],
  [0x591, 0x5f4], [0x600, 0x6ff], [0x700, 0x74f], [0x780, 0x7b1], [0x7c0, 0x7fa], [0x900, 0x97f], [0x980, 0x9fe], [0xa01, 0xa76], [0xa81, 0xaff],
  [0xb01, 0xb77], [0xb82, 0xbfa], [0xc00, 0xc7f], [0xc80, 0xcf3], [0xd00, 0xd7f], [0xd81, 0xdf4], [0xe01, 0xe5b], [0xe81, 0xedf], [0xf00, 0xfda],
  [0x1000, 0x109f], [0x10a0, 0x10ff], [0x1100, 0x11ff], [0x1200, 0x137c], [0x13a0, 0x13fd], [0x1400, 0x167f], [0x1680, 0x169c], [0x16a0, 0x16f8],
  [0x1780, 0x17f9], [0x1800, 0x18aa], [0x1980, 0x19df], [0x1b00, 0x1b7c], [0x1c80, 0x1c8a], [0x1d00, 0x1dbf], [0x1e00, 0x1eff], [0x1f00, 0x1fff],
  [0x2c00, 0x2c5f], [0x2c80, 0x2cff], [0x2d30, 0x2d7f], [0x3041, 0x3096], [0x30a1, 0x30ff], [0x3105, 0x312f], [0x3400, 0x3500], [0x4e00, 0x9fff],
  [0xa000, 0xa48c], [0xa640, 0xa69f], [0xa720, 0xa7ff], [0xac00, 0xd7a3], [0xf900, 0xfaff], [0xfb00, 0xfb4f], [0xff21, 0xff9d],
  [0x10330, 0x1034a], [0x10400, 0x1044f], [0x104b0, 0x104fb], [0x10c80, 0x10cff], [0x10d40, 0x10d8f], [0x12000, 0x12399], [0x13000, 0x13430], [0x16e40, 0x16e9a],
  [0x1d400, 0x1d7ff], [0x1e900, 0x1e95f], [0x20000, 0x20100], [0x2a700, 0x2a750], [0x31350, 0x31400]];
const WHITE_SPACE = [...range(9, 13), 0x20, 0x85, 0xa0, 0x1680, ...range(0x2000, 0x200a), 0x2028, 0x2029, 0x202f, 0x205f, 0x3000];
const ALMOST_SPACE = [0x180e, 0x200b, 0x200c, 0x200d, 0x2060, 0xfeff, 0x1c, 0x1d, 0x1e, 0x1f, 0x08, 0x0e];
const CONTROLS = [...range(0, 0x1f), ...range(0x7f, 0x9f)];
const NONCHARACTERS = [...range(0xfdd0, 0xfdef), 0xfffe, 0xffff, 0x1fffe, 0x1ffff, 0x10fffe, 0x10ffff];
const PRIVATE = [0xe000, 0xf8ff, 0xf0000, 0xffffd, 0x100000, 0x10fffd];
const MARKS = [...range(0x300, 0x36f), 0x483, 0x5b0, 0x64b, 0x93e, 0x94d, 0x20d0, 0x20dd, 0xfe0f, 0xfe20, 0x1e8d0, 0xe0100];
const DIGITS = [...range(0x30, 0x39), 0xb2, 0xbd, 0x660, 0x664, 0x6f5, 0x966, 0xe55, 0x2160, 0x2075, 0x2460, 0x3007, 0x3220, 0xff15, 0x1d7d3, 0x10d45, 0x16ee, 0x0bf0];
const TITLECASE = [0x1c5, 0x1c8, 0x1cb, 0x1f2, 0x1f88, 0x1fbc];
const MODIFIERS = [0x2b0, 0x2c6, 0x5f, 0x640, 0x3005, 0x30fc, 0x1d2c, 0xaa, 0xba, 0xff70, 0x10780];
const EMOJI = ['😀', '👩‍💻', '👨‍👩‍👧‍👦', '🏳️‍🌈', '👍🏽', '🇩🇪', '🇫🇷🇯🇵', '1️⃣', '❤️', '☺', '✅', '🧑🏿‍🚀', '🏴\u{e0067}\u{e0062}\u{e007f}', '🇩', '\u{1f3fd}', '\u200d', '🫨', '🪾', '©️'];
const PUNCTUATION = Array.from("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~").concat(Array.from('¡§«»¿–—‘’“”…•‹›₿€£¥™°±×÷←→∀∑√∞≠≤─│█■●◆、。「」『』！？（）：；・~｡؟،।॥་'));
const CONTRACTED = ['s', 't', 're', 've', 'm', 'll', 'd', 'S', 'T', 'RE', 'Re', 'rE', 'VE', 'vE', 'M', 'LL', 'lL', 'D', 'ſ', 'ſt', 'x', 'r', 'v', 'l', 'lĺ', '', 'sſ', 'K', 'K'];
const APOSTROPHES = ["'", "'", "'", '’', '‘', 'ʼ', '＇', '`', "''"];
const SPECIAL = [
  '<|endoftext|>', '<|endofprompt|>', '<|assistant|>', '<|end|>', '<|user|>', '<|system|>', '<|tool|>', '<|/tool|>', '<|tool_call|>', '<|/tool_call|>',
  '<|tool_response|>', '<|tag|>', '<|begin_of_text|>', '<|end_of_text|>', '<|start_header_id|>', '<|end_header_id|>', '<|eot_id|>', '<|eom_id|>',
  '<|python_tag|>', '<|reserved_special_token_7|>', '<|im_start|>', '<|im_end|>', '<tool_call>', '</tool_call>', '<think>', '</think>', '<s>', '</s>', '<unk>',
  '<|END|>', '<| end |>', '<|end', 'end|>', '<|', '|>', '<|en', '<|user|', '<<|user|>>', '<|<|end|>|>', '<|reserved_special_token_|>', '<|dummy|>', '<0x41>', '▁', 'Ġ', 'Ċ'];
const NUMBERS = ['0', '42', '1234', '12345678901234567890', '3.14159', '1,000,000', '-7', '1e-10', '0xDEADBEEF', '0b1011', '²³', '½', 'Ⅷ', '١٢٣٤', '१२३', '一二三', '2024-02-30', '12:34:56.789', '1_000', '٣٫١٤', '𝟘𝟙𝟚𝟛'];
const WORDS = ['the', 'of', 'and', ' the', ' a', ' in', 'HTTP', 'Server', 'camelCase', 'iPhone', 'getElementById', 'McDONALD', 'return', ' return', 'const ', 'naïve', 'Straße', 'STRASSE', 'résumé', 'İstanbul', 'ıI', 'ŉ', 'ﬁne', 'ǅungla', 'привет', 'мир', 'Ελλάδα', '東京', 'ひらがな', 'カタカナ', '한국어', 'العربية', 'हिन्दी', 'ไทย', 'עברית', 'ქართული', 'አማርኛ', "don't", "WE'LL", "I’m"];
const INDENTS = [' ', '  ', '   ', '    ', '        ', '\t', '\t\t', ' \t ', '\n', '\r\n', '\r', '\n\n', '\n\n\n', '\r\n\r\n', '\n\r', ' \n', '\n ', '  \n  ', '\v', '\f', '\u00a0', '\u3000', ' \u00a0', '\u2028', '\u2003\n', '\u0085', '/\n', '//\r\n'];

// Code points where the class changes, and their neighbours: what an error in a table of classes moves.
let edges;
function classEdges() {
  if (edges) return edges;
  const classes = [/\p{Lu}/u, /\p{Ll}/u, /\p{Lt}/u, /\p{Lm}/u, /\p{Lo}/u, /\p{M}/u, /\p{N}/u, /\s/u];
  const classOf = (c) => classes.findIndex((regex) => regex.test(String.fromCodePoint(c)));
  edges = [];
  let before = -1;
  for (let c = 0; c < 0x110000; c++) {
    if (isSurrogate(c)) continue;
    const now = classOf(c);
    if (now !== before) edges.push(c - 1, c);
    before = now;
  }
  edges = edges.filter((c) => c >= 0 && !isSurrogate(c));
  return edges;
}

const anyCharacter = (random) => {
  const c = random(4) ? random(0x32400) : random(0x110000);
  return String.fromCodePoint(isSurrogate(c) ? 0x2603 : c);
};
const pick = (random, list) => list[random(list.length)];
const pickCharacter = (random, list) => String.fromCodePoint(pick(random, list));
const repeat = (random, most, make) => Array.from({ length: 1 + random(most) }, make).join('');
const letterOf = (random, [first, last]) => String.fromCodePoint(first + random(last - first + 1));

// Kinds of atoms, by how often they are wanted in strings made to try the boundaries of classes.
const ATOMS = [
  [10, (random) => pick(random, WORDS)],
  [10, (random) => pick(random, INDENTS)],
  [9, (random) => pick(random, APOSTROPHES) + pick(random, CONTRACTED)],
  [8, (random) => pickCharacter(random, classEdges())],
  [8, (random) => pick(random, PUNCTUATION)],
  [7, (random) => letterOf(random, pick(random, SCRIPTS))],
  [6, (random) => repeat(random, 5, () => pickCharacter(random, WHITE_SPACE))],
  [6, (random) => repeat(random, 6, () => pickCharacter(random, DIGITS))],
  [5, (random) => String.fromCharCode(32 + random(95))],
  [4, (random) => repeat(random, 3, () => pickCharacter(random, MARKS))],
  [4, (random) => pick(random, SPECIAL)],
  [4, (random) => pickCharacter(random, random(2) ? TITLECASE : MODIFIERS)],
  [3, (random) => pick(random, EMOJI)],
  [3, (random) => pickCharacter(random, ALMOST_SPACE)],
  [3, anyCharacter],
  [2, (random) => pick(random, NUMBERS)],
  [2, (random) => pickCharacter(random, CONTROLS)],
  [2, (random) => pickCharacter(random, random(2) ? NONCHARACTERS : PRIVATE)],
  [2, (random) => pick(random, ['\r', '\n', '/', ' ']).repeat(1 + random(6))],
  [1, (random) => pick(random, WORDS).repeat(1 + random(8))],
  [1, (random) => ' '.repeat(1 + random(90))],
];
const ATOM_WEIGHTS = ATOMS.flatMap(([weight, make]) => Array(weight).fill(make));
const atom = (random) => ATOM_WEIGHTS[random(ATOM_WEIGHTS.length)](random);

/** `count` short strings that crowd around the boundaries of character classes. */
export function* generatedStrings(count, seed) {
  const random = randomFrom(seed);
  for (let i = 0; i < count; i++) yield repeat(random, 9, () => atom(random));
}

/**
 * Code points in surroundings where their class decides how the text is cut: `all` of the planes that hold characters,
 * or those at the `edges` of classes.
 */
export function* characterTexts(which) {
  const wanted = which === 'all' ? [...range(0, 0x337ff), ...range(0xe0000, 0xe0200), ...NONCHARACTERS, ...PRIVATE] : classEdges();
  const characters = wanted.filter((c) => !isSurrogate(c)).map((c) => String.fromCodePoint(c));
  for (let first = 0; first < characters.length; first += 32) {
    yield characters.slice(first, first + 32).map((c) => `a${c}'s ${c}12345!${c}B${c}c ${c}\n${c}  ${c}`).join('|');
  }
}

// ---------------------------------------------------------------- mixed text
// Folders to take files from. Each may be missing; the first two are always there.
const SOURCES = (root, packages) => [
  [join(root, 'src'), /\.(cc|h)$/], [join(packages, 'node_modules'), /\.(js|mjs|cjs|ts|md|json)$/], [join(root, 'docs'), /\.md$/],
  ['/usr/include', /\.(h|hpp|ipp)$|\/[a-z_]+$/], ['/usr/lib/python3', /\.py$/], ['/usr/lib/python3.11', /\.py$/], ['/usr/share/perl', /\.p[lm]$/],
  ['/usr/share/i18n/locales', /./], ['/usr/share/doc', /(copyright|README|\.txt|\.html)$/], ['/usr/share/cmake-3.25', /\.(cmake|in)$/],
  ['/usr/share/nodejs', /\.(js|json|md)$/], ['/usr/share/bash-completion', /./]];
const FILES_EACH = 400;
const FILE_BYTES_MAX = 400000;

function filesBelow(folder, wanted, found = []) {
  let entries = [];
  try {
    entries = readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch {
    return found; // not on this machine
  }
  for (const entry of entries) {
    if (found.length >= 20 * FILES_EACH) break;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) filesBelow(path, wanted, found);
    else if (entry.isFile() && wanted.test(path)) found.push(path);
  }
  return found;
}

function* samplesOf(folder, wanted, random) {
  const files = filesBelow(folder, wanted);
  for (let i = 0; i < Math.min(files.length, FILES_EACH); i++) {
    const path = files[random(files.length)];
    if (statSync(path).size > FILE_BYTES_MAX) continue;
    const text = readFileSync(path).toString(); // what is not UTF-8 becomes U+FFFD
    const length = 200 + random(6000);
    const start = random(Math.max(1, text.length - length));
    yield Buffer.from(text.slice(start, start + length)).toString(); // half a surrogate pair becomes U+FFFD
  }
}

const paragraph = (random) => {
  const script = pick(random, SCRIPTS);
  const word = () => repeat(random, 9, () => letterOf(random, script));
  return repeat(random, 40, () => word() + pick(random, [' ', ' ', ' ', ' ', ', ', '. ', ' — ', '\n', '。', "'s ", ' 12 '])) + '\n';
};
const odd = (random) => repeat(random, 60, () => atom(random));
const chat = (random) => repeat(random, 6, () => `${pick(random, SPECIAL)}${pick(random, INDENTS)}${paragraph(random)}${pick(random, SPECIAL)}`);
const numbers = (random) => repeat(random, 30, () => pick(random, NUMBERS) + pick(random, [' ', ',', '\t', '\n', ' = ', '+']));

/** Documents of about `bytes` bytes in all: half of it files, the other half made of what files rarely hold. */
export function* mixedTexts(bytes, seed, root, packages) {
  const random = randomFrom(seed);
  const files = SOURCES(root, packages).map(([folder, wanted]) => samplesOf(folder, wanted, random));
  const made = [paragraph, paragraph, odd, odd, chat, numbers];
  let turn = 0;
  let fromFiles = 0;
  for (let written = 0; written < bytes; turn++) {
    const file = files[turn % files.length].next().value;
    const text = file !== undefined && fromFiles * 2 <= written ? file : pick(random, made)(random);
    const size = Buffer.byteLength(text);
    if (text === file) fromFiles += size;
    written += size;
    yield text;
  }
}
