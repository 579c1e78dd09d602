// The other side of the tokenizer benchmark: one library in one process, with the commands and answers of encode_bench.cc.
//
// Usage: node worker.mjs PACKAGES LIBRARY TOKENIZER.json
//
// Each library is used as it is fastest:
// - tokenizers (native): a document a call of encode(), or all of them in one encodeBatch(), whichever the first round
//   shows to be faster. Its ids stay in Rust: only their number is asked for, which spares it the copy into JavaScript.
// - @huggingface/tokenizers: encode() of each document.
// - tiktoken (WebAssembly): encode() of each document, with the added tokens as its special tokens.
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const [packages, library, file] = process.argv.slice(2);
const require = createRequire(resolve(packages) + '/');

const LIBRARIES = {
  tokenizers: () => {
    const { Tokenizer } = require('tokenizers');
    const load = () => Tokenizer.fromFile(file);
    const one = async (tokenizer, documents) => {
      let tokens = 0;
      for (const document of documents) tokens += (await tokenizer.encode(document)).getLength();
      return tokens;
    };
    const batch = async (tokenizer, documents) => (await tokenizer.encodeBatch(documents)).reduce((n, encoding) => n + encoding.getLength(), 0);
    return { load, ways: [one, batch] };
  },
  '@huggingface/tokenizers': async () => {
    const { Tokenizer } = await import(pathToFileURL(join(packages, 'node_modules/@huggingface/tokenizers/dist/tokenizers.mjs')));
    const load = () => new Tokenizer(JSON.parse(readFileSync(file, 'utf8')), {});
    const each = (tokenizer, documents) => documents.reduce((n, document) => n + tokenizer.encode(document).ids.length, 0);
    return { load, ways: [each] };
  },
  tiktoken: () => {
    const { Tiktoken } = require('tiktoken/lite');
    const encoder = JSON.parse(readFileSync(join(packages, 'node_modules/tiktoken/encoders/o200k_base.json'), 'utf8'));
    const added = JSON.parse(readFileSync(file, 'utf8')).added_tokens;
    const specials = Object.fromEntries(added.map((token) => [token.content, token.id]));
    const load = () => new Tiktoken(encoder.bpe_ranks, specials, encoder.pat_str);
    const each = (tokenizer, documents) => documents.reduce((n, document) => n + tokenizer.encode(document, 'all').length, 0);
    return { load, ways: [each] };
  },
};

const secondsSince = (start) => Number(process.hrtime.bigint() - start) / 1e9;
const { load, ways } = await LIBRARIES[library]();
const tokenizer = load();
const fastestWay = new Map();

async function measure(way, documents, repeats) {
  const start = process.hrtime.bigint();
  let tokens = 0;
  for (let i = 0; i < repeats; i++) tokens = await way(tokenizer, documents);
  return { seconds: secondsSince(start) / repeats, tokens };
}

async function encode(path, repeats) {
  const documents = readFileSync(path, 'utf8').split('\0').slice(0, -1);
  if (!fastestWay.has(path)) {
    const tried = [];
    for (const way of ways) tried.push([(await measure(way, documents, 1)).seconds, way]);
    fastestWay.set(path, tried.sort((a, b) => a[0] - b[0])[0][1]);
  }
  return measure(fastestWay.get(path), documents, repeats);
}

function timeLoad() {
  const start = process.hrtime.bigint();
  const loaded = load();
  const seconds = secondsSince(start);
  loaded.free?.(); // WebAssembly's memory is not collected
  return { seconds, tokens: 0 };
}

for await (const line of createInterface({ input: process.stdin })) {
  const [command, argument, repeats] = line.split(' ');
  try {
    console.log(JSON.stringify(command === 'load' ? timeLoad() : await encode(argument, Number(repeats))));
  } catch (error) {
    console.log(JSON.stringify({ error: String(error).slice(0, 200) }));
  }
}
