// Prompts for the greedy comparison: token ids of chats of many kinds, made by the native tokenizers library from the
// model's own tokenizer.json. The same arguments always give the same prompts.
//
// Usage: node greedy_prompts.mjs PACKAGES MODEL_FOLDER COUNT > PROMPTS.jsonl
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';

const [packages, folder, countText] = process.argv.slice(2);
if (!countText) {
  console.error('usage: node greedy_prompts.mjs PACKAGES MODEL_FOLDER COUNT');
  process.exit(2);
}
const { Tokenizer } = createRequire(resolve(packages) + '/')('tokenizers');
const tokenizer = Tokenizer.fromFile(join(folder, 'tokenizer.json'));

const nouns = ['river', 'compiler', 'violin', 'harbour', 'linked list', 'Straße', '東京', 'lemon', 'queue', 'glacier'];
const tasks = [
  (i) => `What is ${(i * 37) % 90 + 10} + ${(i * 53) % 90 + 10}?`,
  (i) => `Tell me about a ${nouns[i % 10]}.`,
  (i) => `read src/${nouns[i % 10].replace(/\W/g, '_')}_${i}.cc`,
  (i) => `Write a function that reverses ${i} items of a ${nouns[(i * 7) % 10]}.`,
  (i) => `List ${i % 7 + 2} things:\n1. ${nouns[(i * 3) % 10]}\n2.`,
  (i) => `{"n": ${i}, "name": "${nouns[(i * 9) % 10]}"}  # why? 🙂`,
];
const wraps = [
  (text) => `<|user|>${text}<|end|><|assistant|>`,
  (text) => `<|system|>You are a helpful assistant.<|end|><|user|>${text}<|end|><|assistant|>`,
  (text) => `<|user|>Hello!<|end|><|assistant|>Hello.<|end|><|user|>${text}<|end|><|assistant|>`,
  (text) => text,
];
for (let i = 0; i < Number(countText); i++) {
  const encoding = await tokenizer.encode(wraps[i % wraps.length](tasks[i % tasks.length](i)));
  console.log(JSON.stringify({ ids: Array.from(encoding.getIds()) }));
}
