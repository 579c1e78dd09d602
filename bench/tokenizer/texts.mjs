// The texts of the tokenizer benchmark: from this repository, from packages that Debian installs with a compiler, and
// from the names that every Node knows in each language. Documents of about 16 kB, as agents send them.
import { readFileSync, readdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';

const DOCUMENT = 16000;
const cut = (text) => {
  const documents = [];
  for (let at = 0; at < text.length; at += DOCUMENT) documents.push(text.slice(at, at + DOCUMENT));
  // NUL ends documents; half a surrogate pair at a cut becomes U+FFFD.
  return documents.map((document) => Buffer.from(document.replaceAll('\0', ' ')).toString());
};

function filesOf(folder, wanted) {
  try {
    return readdirSync(folder).filter((name) => wanted.test(name)).sort().map((name) => realpathSync(join(folder, name)));
  } catch {
    return []; // not on this machine
  }
}
const textOf = (files, bytes) => {
  let text = '';
  for (const file of new Set(files)) {
    if (text.length >= bytes) break;
    text += readFileSync(file, 'utf8');
  }
  return text.slice(0, bytes);
};

const english = (root, bytes) => textOf([...filesOf(join(root, 'docs'), /\.md$/), join(root, 'README.md'), join(root, 'ARCHITECTURE.md'),
  ...filesOf('/usr/share/common-licenses', /./)], bytes);
const code = (root, bytes) => textOf([...['base', 'text', 'runtime', 'engine', 'app', 'protocol'].flatMap((room) => filesOf(join(root, 'src', room), /\.(cc|h)$/)),
  ...filesOf('/usr/include', /\.h$/)], bytes);

const LANGUAGES = ['de', 'fr', 'es', 'ru', 'el', 'ja', 'zh', 'ko', 'ar', 'he', 'hi', 'th', 'ta', 'ka', 'am', 'vi', 'tr', 'pl', 'fa', 'bn', 'uk', 'my'];
const CODES = ['DE', 'FR', 'JP', 'CN', 'BR', 'IN', 'EG', 'GE', 'CH', 'US', 'ZA', 'NZ', 'TH', 'IS', 'UA', 'KE', 'MM', 'PE', 'GR', 'AQ'];
// Real words of each language, in its own way of writing lists and dates.
function multilingual(bytes) {
  let text = '';
  for (let round = 0; text.length < bytes; round++) {
    for (const language of LANGUAGES) {
      const regions = new Intl.DisplayNames(language, { type: 'region' });
      const languages = new Intl.DisplayNames(language, { type: 'language' });
      const date = new Intl.DateTimeFormat(language, { dateStyle: 'full', timeZone: 'UTC' }).format(round * 86400000 * 37);
      const some = (names, list, count) => new Intl.ListFormat(language).format(Array.from({ length: count }, (_, i) => names.of(list[(round * 7 + i * 3) % list.length])));
      text += `${date}: ${some(regions, CODES, 6)}. ${some(languages, LANGUAGES, 5)}.\n`;
    }
  }
  return text.slice(0, bytes);
}

// One long conversation: questions, answers and files, as an agent sends it again each turn.
function chat(prose, source, bytes) {
  let text = '<|system|>You are a helpful assistant.<|end|>';
  for (let at = 0; text.length < bytes; at += 3000) {
    const from = at % Math.min(prose.length, source.length);
    text += `<|user|>${prose.slice(from, from + 1500).trim()}<|end|><|assistant|>${source.slice(from, from + 3000).trim()}<|end|>`;
  }
  return `${text}<|assistant|>`;
}

const HOSTILE = {
  spaces: (n) => ' '.repeat(n), 'letters a': (n) => 'a'.repeat(n), 'one emoji': (n) => '😀'.repeat(n), newlines: (n) => '\n'.repeat(n),
  'a and space in turn': (n) => 'a '.repeat(n / 2), 'letters ab': (n) => 'ab'.repeat(n / 2), 'exclamation marks': (n) => '!'.repeat(n), 'digits': (n) => '7'.repeat(n),
};

/** [name, documents, is hostile] of each input; `bytes` each of the ordinary ones, hostile ones of each of the lengths. */
export function benchTexts(root, bytes, lengths) {
  const prose = english(root, bytes);
  const source = code(root, bytes);
  const ordinary = [['English prose', cut(prose)], ['code', cut(source)], ['20 languages', cut(multilingual(bytes))],
    ['chat in one text', [Buffer.from(chat(prose, source, 400000)).toString()]]].map((row) => [...row, null]);
  const hostile = Object.entries(HOSTILE).flatMap(([name, make]) => lengths.map((length) => [`${name} × ${length}`, [make(length)], name]));
  return [...ordinary, ...hostile];
}
