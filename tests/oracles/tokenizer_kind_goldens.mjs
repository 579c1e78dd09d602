// Makes src/text/testdata/tokenizer_kind_goldens.json: ids and text that the native `tokenizers` library gives for
// every kind of normalizer, pre-tokenizer, BPE option, post-processor and decoder, each in a small tokenizer.json.
// Run by hand, after tokenizer_goldens.mjs, when a case is added:
//   npm install --prefix DIR tokenizers@0.23.2
//   node tests/oracles/tokenizer_kind_goldens.mjs DIR
// The SentencePiece-style vocabulary is learned here, from the text below; only the library decides the ids.
import { createRequire } from 'node:module';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const oracleDir = process.argv[2];
if (!oracleDir) throw new Error('usage: node tokenizer_kind_goldens.mjs DIR-WITH-node_modules');
const require = createRequire(resolve(oracleDir, 'package.json'));
const { Tokenizer } = require('tokenizers');
const out = join(dirname(fileURLToPath(import.meta.url)), '../../src/text/testdata');

// ---------------------------------------------------------------- a vocabulary written in characters
const learn = [
  'The quick brown fox jumps over the lazy dog. It\'s what they\'ve said: the weather of the day is the weather of the day.',
  'int main() { for (int i = 0; i < 100; ++i) { std::cout << i; } return 0; }', 'Größe naïve café Ελληνικά Русский текст 日本語の文章',
  'and and of of to to in in that that is is the the  the   the    the 1234567890',
].join(' ');

function trainCharacters(count) {
  const words = learn.split(/(?<=[^ ])(?=  *)/).map((w) => Array.from(w.replaceAll(' ', '▁')));
  const merges = [];
  while (merges.length < count) {
    const pairs = new Map();
    for (const word of words) for (let i = 0; i + 1 < word.length; i++) { const k = word[i] + ' ' + word[i + 1]; pairs.set(k, (pairs.get(k) ?? 0) + 1); }
    const best = [...pairs].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))[0];
    const [a, b] = best[0].split(' ');
    merges.push(a + ' ' + b);
    for (const word of words) for (let i = 0; i + 1 < word.length; i++) if (word[i] === a && word[i + 1] === b) word.splice(i, 2, a + b);
  }
  return merges;
}

const merges = trainCharacters(150);
const vocab = {};
const entry = (text) => { if (!(text in vocab)) vocab[text] = Object.keys(vocab).length; };
['<unk>', '<s>', '</s>'].forEach(entry);
for (let b = 0; b < 256; b++) entry(`<0x${b.toString(16).toUpperCase().padStart(2, '0')}>`);
for (const merge of merges) entry(merge.replace(' ', ''));
[...new Set(learn.replaceAll(' ', '▁'))].sort().forEach(entry);
const added = (id, content, flags = {}) => ({ id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true, ...flags });
const sequence = (kind, ...list) => ({ type: 'Sequence', [kind]: list });
const normalizers = (...list) => sequence('normalizers', ...list);
const pretokenizers = (...list) => sequence('pretokenizers', ...list);
const decoders = (...list) => sequence('decoders', ...list);
const replace = (pattern, content) => ({ type: 'Replace', pattern: typeof pattern === 'string' ? { String: pattern } : { Regex: pattern.source }, content });
const prepend = (text) => ({ type: 'Prepend', prepend: text });
const strip = (content, start, stop) => ({ type: 'Strip', content, start, stop });
const metaspace = (scheme, split = true) => ({ type: 'Metaspace', replacement: '▁', prepend_scheme: scheme, split });
const byteLevel = (prefix, regex) => ({ type: 'ByteLevel', add_prefix_space: prefix, trim_offsets: true, use_regex: regex });
const split = (pattern, behavior, invert = false) => ({ type: 'Split', pattern: typeof pattern === 'string' ? { String: pattern } : { Regex: pattern.source }, behavior, invert });
const fallback = { type: 'ByteFallback' }, fuse = { type: 'Fuse' };

const base = {
  version: '1.0', truncation: null, padding: null, added_tokens: ['<unk>', '<s>', '</s>'].map((t, i) => added(i, t)),
  normalizer: normalizers(prepend('▁'), replace(' ', '▁')), pre_tokenizer: null,
  post_processor: { type: 'TemplateProcessing', single: [{ SpecialToken: { id: '<s>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
    pair: [{ SpecialToken: { id: '<s>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }, { Sequence: { id: 'B', type_id: 1 } }],
    special_tokens: { '<s>': { id: '<s>', ids: [1], tokens: ['<s>'] } } },
  decoder: decoders(replace('▁', ' '), fallback, fuse, strip(' ', 1, 0)),
  model: { type: 'BPE', dropout: null, unk_token: '<unk>', continuing_subword_prefix: null, end_of_word_suffix: null, fuse_unk: true, byte_fallback: true, ignore_merges: false, vocab, merges },
};
const gpt2 = JSON.parse(readFileSync(join(out, 'gpt2_style.tokenizer.json'), 'utf8'));
const size = Object.keys(vocab).length;
const gptSize = Object.keys(gpt2.model.vocab).length;

// ---------------------------------------------------------------- texts
const texts = [
  '', ' ', '   ', 'the weather', ' the  weather ', 'The day.\nThe\r\n\tdog', 'a▁b ▁ c', '☃', 'x☃☃ ☃y', '你好 café cafe\u0301', '\ufb01ne ½ Ⅷ ﾊﾞ 가 \u1100\u1161\u11a8 \u00c5\u212b\u1e9b\u0323',
  '\u0130İiI ẞß ΑΣ ΆΣ Ǆ \u1c89 \u{10D50}', 'a\u0301\u0327\u0308b\u0327\u0301 \u0301x q\u0307\u0323', '\u{11938} \u{11935}\u{11930} \u{10781} \u{1e030} ㋿ \ua7f2', '\u0000\u0001\u007f\u0085\u200b\u2028\ufeff\ufffd\u00ad',
  'Hello, world! (x)[y]{z} a-b_c $5+3=8 “q” ¿ 、。 \u166d \u061d', '1 12 ٣٤ ½ 一 x1y22z', "it's we'll", '<0x41> <s>x</s> <unk>', '😀👩‍💻', '    indented\n        more', 'hw,hw; the-the',
];
let seed = 2024;
const random = (n) => { seed = (Math.imul(seed, 1103515245) + 12345) >>> 0; return (seed >>> 8) % n; };
const atoms = ['the', 'weather', ' ', '  ', '▁', '\n', 'e\u0301', 'é', 'ﬁ', 'Å', '가', '☃', '中', '😀', '1', '.', ',', '-', 'The', 'of', '\u0327', '\u0301', '<s>', '</s>', 'x', '\u00a0', '\u3000', '\u0000', 'İ', 'ᄀ', 'ᅡ', 'ᆨ'];
const generated = (extra, count) => Array.from({ length: count }, () => Array.from({ length: 1 + random(12) }, () => { const all = atoms.concat(extra); return all[random(all.length)]; }).join(''));

// ---------------------------------------------------------------- what is asked
const variants = [];
const add = (name, overrides = {}, more = {}) => variants.push({ name, base: 'sentencepiece_style', overrides, ...more });
const addBytes = (name, overrides = {}, more = {}) => variants.push({ name, base: 'gpt2_style', overrides, ...more });

add('sentencepiece', {}, { extra: ['<unk>'] });
add('metaspace first, no split', { normalizer: null, pre_tokenizer: metaspace('first', false), decoder: decoders(replace('▁', ' '), fallback, fuse, strip(' ', 1, 0)) });
for (const scheme of ['always', 'first', 'never']) add(`metaspace ${scheme}`, { normalizer: null, pre_tokenizer: metaspace(scheme), decoder: metaspace(scheme) });
add('metaspace of old files', { normalizer: null, pre_tokenizer: { type: 'Metaspace', replacement: '▁', add_prefix_space: true }, decoder: { type: 'Metaspace', replacement: '▁', add_prefix_space: true } });
add('metaspace after another cut', { normalizer: null, pre_tokenizer: pretokenizers({ type: 'WhitespaceSplit' }, metaspace('first')), decoder: metaspace('first') });
add('gemma', { normalizer: replace(' ', '▁'), pre_tokenizer: split(' ', 'MergedWithPrevious'), decoder: decoders(replace('▁', ' '), fallback, fuse) });
add('no decoder', { decoder: null });
add('ignored merges', { model: { ignore_merges: true }, normalizer: null }, { texts: ['▁the', 'the', 'the the', '<0x0A>'] });
add('unknown tokens one by one', { model: { byte_fallback: false, fuse_unk: false } });
add('unknown tokens fused', { model: { byte_fallback: false } });
add('no unknown token', { model: { byte_fallback: false, unk_token: null } });
add('some bytes only', { model: { vocab: Object.fromEntries(Object.entries(vocab).filter(([t]) => t !== '<0xE2>' && t !== '<0xF0>')) } }, { texts: ['☃é☃', '☃\n☃\n', 'x☃☃é'] });
add('some bytes only, not fused', { model: { fuse_unk: false, vocab: Object.fromEntries(Object.entries(vocab).filter(([t]) => t !== '<0xE2>')) } }, { texts: ['☃é☃', '☃\n☃\n'] });
add('a merge across words', { model: { vocab: { ...vocab, 'e▁': size, 'e▁the': size + 1 }, merges: ['e ▁', ...merges, 'e▁ the'] } });
add('a merge given twice', { model: { merges: [...merges.slice(5), ...merges] } });
add('normalized added tokens', { added_tokens: [...base.added_tokens, added(size, 'dog', { normalized: true, special: false }), added(size + 1, 'a b', { normalized: true, special: false }), added(size + 2, '[X]', { special: false, lstrip: true, rstrip: true }), added(size + 3, 'Day', { special: false, normalized: true, single_word: true })] },
  { texts: ['dog dogs hotdog a b', 'the dog', 'a b', 'xa b', 'the [X] the', 'Day Days Day', 'the Day.'], extra: ['dog', 'a b', '[X]', 'Day'] });
add('lowercase and added tokens', { normalizer: normalizers({ type: 'Lowercase' }, replace(' ', '▁')), added_tokens: [...base.added_tokens, added(size, 'DOG', { normalized: true, special: false })] }, { texts: ['a DOG dog Dog'], extra: ['DOG', 'dog'] });
for (const form of ['NFC', 'NFD', 'NFKC', 'NFKD']) addBytes(form, { normalizer: { type: form } }, { slice: [8, 17] });
addBytes('strip accents', { normalizer: normalizers({ type: 'NFD' }, { type: 'StripAccents' }) }, { texts: ['\u1cf2\u1cf3\u0bd7\u{1D165}'], slice: [9, 15] });
addBytes('accents alone', { normalizer: { type: 'StripAccents' } }, { slice: [10, 22] });
addBytes('lowercase', { normalizer: { type: 'Lowercase' } }, { slice: [9, 16] });
addBytes('nmt', { normalizer: { type: 'Nmt' } }, { slice: [10, 22] });
addBytes('strip', { normalizer: { type: 'Strip', strip_left: true, strip_right: true } }, { texts: [' \u3000\t'] });
addBytes('strip left', { normalizer: { type: 'Strip', strip_left: true, strip_right: false } }, { slice: [1, 9] });
addBytes('strip right', { normalizer: normalizers({ type: 'Strip', strip_left: false, strip_right: true }, prepend('>')) }, { slice: [1, 9] });
addBytes('replace by pattern', { normalizer: normalizers(replace(/\s+/, ' '), replace(/[aeiou]{1,2}$|^t/, '$0'), replace(/x+|(?=b)/, '-')) });
addBytes('nfc and added tokens', { normalizer: { type: 'NFC' }, added_tokens: [added(gptSize, 'cafe\u0301', { normalized: true, special: false }), added(gptSize + 1, 'e\u0301!', { special: false })] }, { texts: ['café cafe\u0301 é! e\u0301!'], extra: ['cafe\u0301', 'e\u0301!', '!'] });
addBytes('byte-level normalizer', { normalizer: { type: 'ByteLevel' }, pre_tokenizer: null });
addBytes('byte-level normalizer after NFC, and a cut', { normalizer: normalizers({ type: 'NFC' }, { type: 'ByteLevel' }), pre_tokenizer: split(/Ġ?[a-zA-Z]+|[^a-zA-Z]/, 'Isolated'), added_tokens: [added(gptSize, ' x', { normalized: true, special: false })] }, { extra: [' x'] });
addBytes('falcon', { pre_tokenizer: pretokenizers({ type: 'Punctuation', behavior: 'Contiguous' }, byteLevel(false, true), { type: 'Digits', individual_digits: false }, split(/[0-9][0-9][0-9]/, 'Isolated')) });
addBytes('cuts behind the byte-level spelling', { pre_tokenizer: pretokenizers(byteLevel(true, false), { type: 'Whitespace' }) });
addBytes('byte-level twice', { pre_tokenizer: pretokenizers(byteLevel(false, true), byteLevel(false, false)) }, { slice: [10, 22] });
for (const behavior of ['Removed', 'Isolated', 'MergedWithPrevious', 'MergedWithNext', 'Contiguous']) addBytes(`punctuation ${behavior}`, { pre_tokenizer: pretokenizers({ type: 'Punctuation', behavior }, byteLevel(false, false)) }, { slice: [15, 22] });
addBytes('whitespace', { pre_tokenizer: pretokenizers({ type: 'Whitespace' }, byteLevel(false, false)) }, { texts: ['a\u200db \u24d0ⓐ _x_ \u0903k a\u0301b'] });
addBytes('whitespace split', { pre_tokenizer: pretokenizers({ type: 'WhitespaceSplit' }, byteLevel(true, false)) });
addBytes('bert pre-tokenizer', { pre_tokenizer: pretokenizers({ type: 'BertPreTokenizer' }, byteLevel(false, false)) });
addBytes('a delimiter', { pre_tokenizer: pretokenizers({ type: 'CharDelimiterSplit', delimiter: '-' }, byteLevel(false, false)) }, { slice: [10, 22] });
addBytes('fixed length', { pre_tokenizer: pretokenizers({ type: 'FixedLength', length: 3 }, byteLevel(false, false)) }, { slice: [10, 22] });
addBytes('no pre-tokenizer', { pre_tokenizer: null });
addBytes('bytes without tokens', { model: { vocab: Object.fromEntries(Object.entries(gpt2.model.vocab).filter(([t]) => t !== 'â' && t !== 'x')), merges: gpt2.model.merges.filter((m) => !/[âx]/.test(m)) }, added_tokens: [] });
addBytes('bert processing', { post_processor: { type: 'BertProcessing', sep: ['!', gpt2.model.vocab['!']], cls: ['#', gpt2.model.vocab['#']] } }, { slice: [0, 4] });
addBytes('roberta processing', { post_processor: sequence('processors', byteLevel(true, true), { type: 'RobertaProcessing', sep: ['!', gpt2.model.vocab['!']], cls: ['#', gpt2.model.vocab['#']], trim_offsets: true, add_prefix_space: true }) }, { slice: [0, 4] });
// Words end in </w>, others than the first begin with ##: every letter in each form, and a few merges.
const letters = [...new Set(learn.replaceAll(' ', ''))].sort();
const clip = {}; [...letters, ...letters.map((c) => c + '</w>'), 'th', 'the</w>', 'of</w>', 'da', 'day</w>'].forEach((t, i) => { clip[t] = i; });
addBytes('a suffix ends words', { normalizer: normalizers({ type: 'NFC' }, replace(/\s+/, ' '), { type: 'Lowercase' }), added_tokens: [], pre_tokenizer: { type: 'Whitespace' }, decoder: { type: 'BPEDecoder', suffix: '</w>' }, model: { unk_token: 't', end_of_word_suffix: '</w>', vocab: clip, merges: ['t h', 'th e</w>', 'o f</w>', 'd a', 'da y</w>'] } });
const pieces = {}; [...letters, ...letters.map((c) => '##' + c), 'th', 'the', '##er', 'of'].forEach((t, i) => { pieces[t] = i; });
addBytes('a prefix continues words', { added_tokens: [], pre_tokenizer: { type: 'WhitespaceSplit' }, decoder: null, model: { continuing_subword_prefix: '##', vocab: pieces, merges: ['t ##h', 'th ##e', '##e ##r', 'o ##f'] } });
// Decoders: arbitrary ids say most.
const odd = (name, decoder, more = {}) => add(`decoder ${name}`, { decoder, ...more }, { slice: [3, 8], decodes: 40 });
odd('byte fallback alone', fallback);
odd('fuse alone', fuse);
odd('fuse, then replace', decoders(fuse, replace('▁', ' ')));
odd('strip of each token', decoders(strip('▁', 2, 0), strip('e', 1, 0)));
odd('strip at both ends of the text', decoders(replace('▁', ' '), fallback, fuse, strip(' ', 1, 0), replace(' ', '..'), fuse));
odd('byte-level over characters', byteLevel(true, true));
odd('byte-level, then replace', decoders(byteLevel(true, true), replace('the', 'THE'), strip('e', 0, 0)));
odd('suffix', decoders({ type: 'BPEDecoder', suffix: 'e' }, strip(' ', 1, 0)));
odd('metaspace after fallback', decoders(fallback, metaspace('always')));
odd('byte fallback, digits with a sign', decoders(replace('the', '<0x+9>'), replace('of', '<0xe9>'), fallback));

// ---------------------------------------------------------------- ask
const goldens = [];
for (const variant of variants) {
  const from = variant.base === 'gpt2_style' ? gpt2 : base;
  const json = { ...from, ...variant.overrides, model: { ...from.model, ...(variant.overrides.model ?? {}) } };
  const tokenizer = Tokenizer.fromString(JSON.stringify(json));
  const all = [...(variant.texts ?? []), ...texts.slice(...(variant.slice ?? [0])), ...generated(variant.extra ?? [], variant.slice ? 3 : 5)];
  const cases = [];
  for (const text of all) {
    const ids = (await tokenizer.encode(text, null, { addSpecialTokens: true })).getIds();
    const plain = (await tokenizer.encode(text, null, { addSpecialTokens: false })).getIds();
    const decoded = await tokenizer.decode(ids, false);
    const skipped = await tokenizer.decode(ids, true);
    const golden = { text, ids };
    if (plain.join() !== ids.join()) golden.ids_without_post = plain;
    if (decoded !== text) golden.decoded = decoded;
    if (skipped !== decoded) golden.decoded_skip_special = skipped;
    cases.push(golden);
  }
  // Any ids at all must decode alike, byte tokens that make no characters above all.
  const known = Object.values(json.model.vocab).concat(json.added_tokens.map((t) => t.id));
  const isBytes = json.model.vocab['<0x00>'] !== undefined;
  const characters = isBytes ? ['<0xE4>', '<0xBD>', '<0xA0>', '<0xC3>', '<0xA9>', '<0x0A>', '▁', '▁the', '▁'].map((t) => json.model.vocab[t]).filter((id) => id !== undefined) : [];
  const decodes = [];
  for (let i = 0; i < (variant.decodes ?? 6); i++) {
    const ids = Array.from({ length: 1 + random(9) }, () => (isBytes && random(3) > 0 ? characters[random(characters.length)] : known[random(known.length)]));
    decodes.push({ ids, decoded: await tokenizer.decode(ids, false) });
  }
  goldens.push({ name: variant.name, base: variant.base, overrides: variant.overrides, cases, decodes });
}
const lines = (list) => list.map((x) => JSON.stringify(x)).join(',\n');
writeFileSync(join(out, 'sentencepiece_style.tokenizer.json'), JSON.stringify(base) + '\n');
writeFileSync(join(out, 'tokenizer_kind_goldens.json'), '[\n' + goldens.map((g) => `{"name": ${JSON.stringify(g.name)}, "base": ${JSON.stringify(g.base)}, "overrides": ${JSON.stringify(g.overrides)},\n"cases": [\n${lines(g.cases)}],\n"decodes": [\n${lines(g.decodes)}]}`).join(',\n') + '\n]\n');
console.log(`${goldens.length} kinds, ${goldens.reduce((n, g) => n + g.cases.length, 0)} texts`);
