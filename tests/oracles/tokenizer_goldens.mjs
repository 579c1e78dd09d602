// Makes src/text/testdata/: small tokenizer.json files in the style of published ones, and the ids
// that the native `tokenizers` library gives for mixed text. Run by hand when a case is added:
//   npm install --prefix DIR tokenizers@0.23.2
//   node tests/oracles/tokenizer_goldens.mjs DIR
// The vocabularies are learned here, from the text below; only the library decides the ids.
import { createRequire } from 'node:module';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const oracleDir = process.argv[2];
if (!oracleDir) throw new Error('usage: node tokenizer_goldens.mjs DIR-WITH-node_modules');
const require = createRequire(resolve(oracleDir, 'package.json'));
const { Tokenizer } = require('tokenizers');
const out = join(dirname(fileURLToPath(import.meta.url)), '../../src/text/testdata');
mkdirSync(out, { recursive: true });

// ---------------------------------------------------------------- patterns, as published
const O200K = [
  "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
  "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
  '\\p{N}{1,3}', ' ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*', '\\s*[\\r\\n]+', '\\s+(?!\\S)', '\\s+'].join('|');
const LLAMA3 = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
const QWEN = LLAMA3.replace('\\p{N}{1,3}', '\\p{N}');

// ---------------------------------------------------------------- text
const learn = [
  'The quick brown fox jumps over the lazy dog. It\'s what they\'ve said, isn\'t it? HTTPServer handles the request; we\'ll see.',
  'int main(int argc, char** argv) {\n    for (int i = 0; i < 100; ++i) {\n        std::cout << "value: " << i << std::endl;\n    }\n    return 0;\n}\n',
  'def fibonacci(n):\n\tif n < 2:\n\t\treturn n\n\treturn fibonacci(n - 1) + fibonacci(n - 2)\n',
  '{"name": "get_weather", "arguments": {"city": "Paris", "unit": "celsius", "days": 12345}}',
  'Größe, Straße, naïve café, Übermut. Ελληνικά γράμματα. Русский текст для проверки. 日本語の文章です。中文字符测试。한국어 문장입니다. العربية نص. हिन्दी में पाठ। ภาษาไทย',
  '👩‍💻👨‍👩‍👧‍👦🏳️‍🌈 emoji 😀😀😀 ✅✅ — “quotes” … ½ ² Ⅷ 1234567890 3.14159',
  '    indented\n        more\r\nwindows\r\n\r\nthe the the and and of of to to in in that that is is',
].join('\n');

const sentences = [
  '', ' ', '  ', 'a', 'Hello, world!', ' Hello  world   ', 'The quick brown fox', 'THE QUICK BROWN FOX',
  "It's IT'S it’s we'll WE'LL they'Ve I'm I'd can't o'clock 'tis 'S 'ſ 'quoted'",
  'HTTPServer XMLHttpRequest camelCase snake_case kebab-case SCREAMING_SNAKE iPhone McDonald',
  '1 12 123 1234 12345 123456 1234567 3.14159 1,000,000 1e-10 0xDEADBEEF ٣٤٥ ½²Ⅷ 一二三',
  'int main() {\n    return 0;\n}\n', 'def f(x):\n\treturn x**2  # square\n', 'a\nb\r\nc\rd\n\n\n e\n  f\r\n\r\n  \r\n g',
  'tabs\t\ttabs \t mixed \t\n \t x', 'spaces' + ' '.repeat(40) + 'end', ' '.repeat(33), '\n'.repeat(17), '\r\n'.repeat(5) + ' ',
  'trailing   ', 'trailing\n', 'trailing \n ', '   leading', '\n\nleading', 'x  y   z    w',
  '// comment //// path/to/file.cc:10 https://example.org/a/b?c=d&e=f#g ...///\n/\n',
  'a+b==c && !d || (e<=f) ? g[h] : {i} ;;; ### *** --- ___ === <<< >>> $$$ @@@ %%% ^^^ ~~~ ```js```',
  'Größe Straße ÄÖÜ naïve café e\u0301 a\u0308 \u0301lone ñ n\u0303 İstanbul ıIi ǅ ʰ ªº',
  'Русский текст, Ελληνικά γράμματα; ΑΒΓ αβγ', '日本語の文章です。ひらがなカタカナｶﾀｶﾅ中文字符测试、「引用」',
  '한국어 문장입니다. 가나다 ㄱㄴㄷ 각', 'العربية نص مع تَشْكِيل ١٢٣', 'हिन्दी में पाठ। क्षत्रिय ज़', 'ภาษาไทยไม่มีช่องว่าง', 'עברית שָׁלוֹם',
  '😀 😀😀 👩‍💻 👨‍👩‍👧‍👦 🏳️‍🌈 🇩🇪🇫🇷 1️⃣ ✅✅ ❤️ ☺ 👍🏽', '𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𝟙𝟚𝟛 𐍈 𒀀 🜁 \u{10FFFF} \u{E000} \u{F8FF}',
  '\u0000\u0001\u0002\u001b[31m\u007f\u0080\u0085\u009f', 'a\u00a0b\u00a0\u00a0c \u2003d\u3000e\u200bf\u200df\u2028g\u2029h\u180ei\ufeffj\u001cj\u001dk\u205fl\u1680m',
  '\u0085\u0085x', 'x\u2028\u2028 y', ' \u00a0 ', '“curly” ‘single’ «guillemets» … — – ‐ • ™ © € £ ¥ ₹',
  '\ufffd\ufffe\uffff', '{"name": "get_weather", "arguments": {"city": "Paris"}}', 'Ġthe Ċ ĉ Ã© â', 'ĠĠ Ģ ł Ń',
  'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 'thethethethethethe', 'abababababababab',
  'the and of to in that is', ' the the  the\tthe\nthe', 'x' + '\u0300'.repeat(20), '🇩'.repeat(9), '\t \t \t', '\v\f x \v\f', 'a.\nb', 'a.\r\n/b', '!\n\n?', "''''", "don''t",
  learn,
];
const phiTokens = ['<|endoftext|>', '<|endofprompt|>', '<|assistant|>', '<|end|>', '<|user|>', '<|system|>', '<|tool|>', '<|/tool|>', '<|tool_call|>', '<|/tool_call|>', '<|tool_response|>', '<|tag|>'];
const phiTexts = [
  '<|system|>You are a helpful assistant.<|end|><|user|>Hello!<|end|><|assistant|>',
  '<|system|>S<|tool|>[{"name": "f", "parameters": {}}]<|/tool|><|end|><|user|>U<|end|><|assistant|>',
  '<|user|>\nHi<|end|>\n<|assistant|>\n', '<|user|> \t\n\u00a0\u3000Hi <|end|>', '<|endoftext|> \n x', '<|end|>  <|end|>  ', '  <|user|>  <|user|>',
  '<|tool_call|> [1] <|/tool_call|> x', '<|endofprompt|>  y', '<|<|end|>|>', '<|end', '|end|>', '<|END|>', '<| end |>', '<|end|><|endoftext|><|end|>', 'a<|end|>b', '<|user|>\u200bx', '<|user|>\u180ex', '<|user|>\u0085x', '<|user|>\u001cx',
  '<|tool|><|tool_response|>\r\n\r\nok<|tag|> z', '<|assistant|>' + ' '.repeat(50) + 'x', '<|dummy|><|/tool', 'text <|user|>',
];

// A deterministic stream of odd strings.
let seed = 12345;
const random = (n) => { seed = (Math.imul(seed, 1103515245) + 12345) >>> 0; return (seed >>> 8) % n; };
const atoms = ['a', 'B', 'the', ' ', '  ', '\n', '\r\n', '\t', "'s", "'LL", '1', '42', '9999', 'é', 'e\u0301', 'ß', 'Я', '中', '日本', '가', 'ا', 'ก', '😀', '\u200d', '\ufe0f', '!', '...', '/', '"', '{', '}', '_', '\u00a0', '\u3000', '\u2028', 'ǅ', 'ʰ', '²', 'Ⅷ', '\u0000', '\u0085', '<|', '|>', 'HTTP', 'return', ' of', '𝔘', '\u0903', '"name": ', "'"];
const generated = (extra) => Array.from({ length: 60 }, () => Array.from({ length: 1 + random(24) }, () => { const all = atoms.concat(extra); return all[random(all.length)]; }).join(''));

// ---------------------------------------------------------------- a small trainer
const isSelf = (b) => (b >= 0x21 && b <= 0x7e) || (b >= 0xa1 && b <= 0xac) || b >= 0xae;
const alphabet = []; { let n = 256; for (let b = 0; b < 256; b++) alphabet.push(String.fromCodePoint(isSelf(b) ? b : n++)); }
const spell = (text) => Array.from(Buffer.from(text), (b) => alphabet[b]);

function train(pattern, merges) {
  const counts = new Map();
  for (const piece of learn.match(new RegExp(pattern, 'gu'))) counts.set(piece, (counts.get(piece) ?? 0) + 1);
  const words = [...counts].map(([piece, count]) => [spell(piece), count]);
  const list = [];
  while (list.length < merges) {
    const pairs = new Map();
    for (const [word, count] of words) for (let i = 0; i + 1 < word.length; i++) { const k = word[i] + ' ' + word[i + 1]; pairs.set(k, (pairs.get(k) ?? 0) + count); }
    const best = [...pairs].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))[0];
    if (!best) break;
    const [a, b] = best[0].split(' ');
    list.push([a, b]);
    for (const entry of words) {
      const word = entry[0]; const merged = [];
      for (let i = 0; i < word.length; i++) if (word[i] === a && word[i + 1] === b) { merged.push(a + b); i++; } else merged.push(word[i]);
      entry[0] = merged;
    }
  }
  return list;
}
const jsPattern = (p) => p.replaceAll("(?i:'s|'t|'re|'ve|'m|'ll|'d)", "(?:'(?:[sStTmMdD]|[rR][eE]|[vV][eE]|[lL][lL]))");

function vocabulary(merges) {
  const vocab = {}; let id = 0;
  for (const c of [...alphabet].sort()) vocab[c] = id++;
  for (const [a, b] of merges) if (!(a + b in vocab)) vocab[a + b] = id++;
  return vocab;
}
const added = (id, content, flags = {}) => ({ id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true, ...flags });
const byteLevel = (prefix, regex) => ({ type: 'ByteLevel', add_prefix_space: prefix, trim_offsets: true, use_regex: regex });
const split = (pattern, behavior, invert = false) => ({ type: 'Split', pattern, behavior, invert });
const sequence = (...pretokenizers) => ({ type: 'Sequence', pretokenizers });

function tokenizerJson({ merges, mergesAsText, addedTokens, preTokenizer, postProcessor = null, ignoreMerges = false, extraVocab = [] }) {
  const vocab = vocabulary(merges);
  for (const piece of extraVocab) { const s = spell(piece).join(''); if (!(s in vocab)) vocab[s] = Object.keys(vocab).length; }
  const first = Object.keys(vocab).length;
  return {
    version: '1.0', truncation: null, padding: null, added_tokens: addedTokens(first), normalizer: null,
    pre_tokenizer: preTokenizer, post_processor: postProcessor && postProcessor(first),
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: { type: 'BPE', dropout: null, unk_token: null, continuing_subword_prefix: '', end_of_word_suffix: '', fuse_unk: false, byte_fallback: false, ignore_merges: ignoreMerges, vocab, merges: mergesAsText ? merges.map((m) => m.join(' ')) : merges },
  };
}

const o200kMerges = train(jsPattern(O200K), 420);
const files = {
  o200k_style: tokenizerJson({
    merges: o200kMerges, mergesAsText: false,
    addedTokens: (n) => phiTokens.map((t, i) => added(n + i, t, i < 2 ? {} : { rstrip: true, special: !/tool/.test(t) })),
    preTokenizer: sequence(split({ Regex: O200K }, 'Removed', true), byteLevel(false, false)),
    postProcessor: () => byteLevel(true, true),
  }),
  gpt2_style: tokenizerJson({
    merges: train("'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+", 300), mergesAsText: true,
    addedTokens: (n) => [added(n, '<|endoftext|>', { normalized: true })],
    preTokenizer: byteLevel(false, true), postProcessor: () => byteLevel(true, true),
  }),
  llama3_style: tokenizerJson({
    merges: train(jsPattern(LLAMA3), 300), mergesAsText: true, ignoreMerges: true,
    extraVocab: [' weather', ' HTTPServer', 'fibonacci', '中文字符测试', '\n\n\n', 'Server', ' lazy dog'],
    addedTokens: (n) => ['<|begin_of_text|>', '<|end_of_text|>', '<|start_header_id|>', '<|end_header_id|>', '<|eot_id|>', '<|python_tag|>'].map((t, i) => added(n + i, t)),
    preTokenizer: sequence(split({ Regex: LLAMA3 }, 'Isolated'), byteLevel(false, false)),
    postProcessor: (n) => ({ type: 'Sequence', processors: [byteLevel(true, true), {
      type: 'TemplateProcessing', single: [{ SpecialToken: { id: '<|begin_of_text|>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
      pair: [{ SpecialToken: { id: '<|begin_of_text|>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }, { Sequence: { id: 'B', type_id: 1 } }],
      special_tokens: { '<|begin_of_text|>': { id: '<|begin_of_text|>', ids: [n], tokens: ['<|begin_of_text|>'] } } }] }),
  }),
};
const gptSize = Object.keys(files.gpt2_style.model.vocab).length;
const wild = [
  added(gptSize, '[L]', { lstrip: true }), added(gptSize + 1, '[R]', { rstrip: true, special: false }), added(gptSize + 2, '[LR]', { lstrip: true, rstrip: true, normalized: true }),
  added(gptSize + 3, 'word', { single_word: true, special: false }), added(gptSize + 4, 'wordy', { single_word: true, normalized: true, special: false }),
  added(gptSize + 5, '  ', { special: false }), added(gptSize + 6, 'über', { single_word: true, lstrip: true }), added(gptSize + 7, '[LRX]', {}), added(gptSize + 8, '<｜sep▁x｜>', {}), added(gptSize + 9, 'Ġodd', { special: false }), added(-1, '[', { normalized: true, special: false }), added(-1, ' the'.trim(), { special: false, normalized: true }),
];
// A token that is in the vocabulary keeps its id there.
for (const token of wild) token.id = files.gpt2_style.model.vocab[token.content] ?? token.id;
const wildTexts = ['a [L] b [R] c [LR] d', '[L][R][LR]', '   [L]   [R]   [LR]   x', 'word wordy a_word word_ (word) word-word swordfish word', 'über  über überall über', '[LRX] [LR', '<｜sep▁x｜>', 'xĠodd y', 'the the', 'word\u0301 word\u200d word٣ wordª word²', '\n[L]\n\n[R]\n\nx', '[R]  [L]', '[R]\u00a0\u3000[L]', 'wordyword wordy.'];

const variants = [
  { name: 'o200k_style', base: 'o200k_style', texts: phiTexts, extra: phiTokens },
  { name: 'gpt2_style', base: 'gpt2_style', texts: ['a<|endoftext|> b'], extra: ['<|endoftext|>'] },
  { name: 'llama3_style', base: 'llama3_style', texts: ['<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|>', ' weather HTTPServer fibonacci 中文字符测试\n\n\nServer lazy dog'], extra: ['<|eot_id|>', ' weather'] },
  { name: 'qwen pattern', base: 'gpt2_style', overrides: { pre_tokenizer: sequence(split({ Regex: QWEN }, 'Isolated'), byteLevel(false, false)) } },
  { name: 'prefix space and single digits', base: 'gpt2_style', overrides: { pre_tokenizer: sequence({ type: 'Digits', individual_digits: true }, byteLevel(true, true)) } },
  { name: 'digit runs', base: 'gpt2_style', overrides: { pre_tokenizer: sequence({ type: 'Digits', individual_digits: false }, byteLevel(false, false)) } },
  { name: 'prefix space alone', base: 'gpt2_style', overrides: { pre_tokenizer: byteLevel(true, false) } },
  ...['Removed', 'Isolated', 'MergedWithPrevious', 'MergedWithNext', 'Contiguous'].flatMap((behavior) => [false, true].map((invert) => (
    { name: `split on spaces, ${behavior}, invert ${invert}`, base: 'gpt2_style', few: true, overrides: { pre_tokenizer: sequence(split({ Regex: '\\s' }, behavior, invert), byteLevel(false, false)) } }))),
  { name: 'split on a literal', base: 'gpt2_style', few: true, overrides: { pre_tokenizer: sequence(split({ String: '.' }, 'Isolated'), split({ String: '::' }, 'MergedWithNext'), byteLevel(false, true)) } },
  { name: 'shorthands and anchors', base: 'gpt2_style', few: true, overrides: { pre_tokenizer: sequence(split({ Regex: '\\s?\\w+|\\s+$|^[^\\w\\d]|[^\\s\\w]+|\\S' }, 'Isolated'), byteLevel(false, false)) } },
  { name: 'line ends', base: 'gpt2_style', few: true, overrides: { pre_tokenizer: sequence(split({ Regex: '^|$' }, 'Isolated'), split({ Regex: '\\u0041|[\\u4e00-\\u9fa5]+|\\h{2}|[^\\S\\n]+' }, 'Isolated'), byteLevel(false, false)) } },
  { name: 'added tokens', base: 'gpt2_style', few: true, overrides: { added_tokens: wild }, texts: wildTexts, extra: ['[L]', '[R]', '[LR]', 'word', 'wordy', 'über', '['] },
];

const goldens = [];
for (const variant of variants) {
  const json = { ...files[variant.base], ...(variant.overrides ?? {}) };
  const tokenizer = Tokenizer.fromString(JSON.stringify(json));
  const texts = [...(variant.texts ?? []), ...(variant.few ? sentences.slice(0, 40) : sentences), ...generated(variant.extra ?? [])];
  const cases = [];
  for (const text of texts) {
    const ids = (await tokenizer.encode(text, null, { addSpecialTokens: true })).getIds();
    const plain = (await tokenizer.encode(text, null, { addSpecialTokens: false })).getIds();
    const decoded = await tokenizer.decode(ids, false);
    const skipped = await tokenizer.decode(ids, true);
    const entry = { text, ids };
    if (plain.join() !== ids.join()) entry.ids_without_post = plain;
    if (decoded !== text) entry.decoded = decoded;
    if (skipped !== decoded) entry.decoded_skip_special = skipped;
    cases.push(entry);
  }
  // Any ids at all must decode alike, also such that make no characters.
  const size = tokenizer.getVocabSize(true);
  const decodes = [];
  for (let i = 0; i < 20; i++) { const ids = Array.from({ length: 1 + random(12) }, () => random(size)); decodes.push({ ids, decoded: await tokenizer.decode(ids, false) }); }
  goldens.push({ name: variant.name, base: variant.base, overrides: variant.overrides ?? {}, cases, decodes });
}
const lines = (list) => list.map((x) => JSON.stringify(x)).join(',\n');
for (const [name, json] of Object.entries(files)) writeFileSync(join(out, `${name}.tokenizer.json`), JSON.stringify(json) + '\n');
writeFileSync(join(out, 'tokenizer_goldens.json'), '[\n' + goldens.map((g) => `{"name": ${JSON.stringify(g.name)}, "base": ${JSON.stringify(g.base)}, "overrides": ${JSON.stringify(g.overrides)},\n"cases": [\n${lines(g.cases)}],\n"decodes": [\n${lines(g.decodes)}]}`).join(',\n') + '\n]\n');
console.log(goldens.map((g) => `${g.name}: ${g.cases.length} texts`).join('\n'));
