// The token ids whose logits are compared.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { tokenAt } from '../peers/statistics.mjs';

const LENGTHS = [1, 17, 64, 300]; // one row; a tail of every kernel; whole tiles; more than one chunk
const STRETCH_TOKENS = 1024; // half of Ember's context
const REQUESTS = 40;

/** Prompts of made-up ids for a model of random weights; none begins as another does. */
export function sliceSets(folder, name, title) {
  const { vocab_size: vocabSize } = JSON.parse(readFileSync(join(folder, 'genai_config.json'), 'utf8')).model;
  const prompts = LENGTHS.map((length, i) => Array.from({ length }, (_, place) => tokenAt(1000 * i + place, vocabSize)));
  return [{ name, title: `${title}, prompts of ${LENGTHS.join(', ')} tokens`, prompts }];
}

const tokens = (settings, args, input) =>
  JSON.parse(execFileSync(join(settings.build, 'src/app/hearth'), ['tokenize', '--model', settings.ember, '--json', ...args], { input })).ids;

/** A text, and requests with tools and system prompts from those that score Ember. */
export function emberSets(settings) {
  const text = tokens(settings, ['--no-special'], readFileSync('models/ember/eval/text.txt'));
  const stretches = [];
  for (let at = 0; at < text.length; at += STRETCH_TOKENS) stretches.push(text.slice(at, at + STRETCH_TOKENS));
  const lines = readFileSync('models/ember/eval/held-out.jsonl', 'utf8').trim().split('\n');
  const chosen = Array.from({ length: REQUESTS }, (_, i) => lines[Math.floor((i * lines.length) / REQUESTS)]);
  const requests = chosen.map((line) => tokens(settings, ['--messages', '-'], line));
  return [
    { name: 'text', title: `Ember, eval/text.txt in stretches of ${STRETCH_TOKENS} tokens`, prompts: stretches },
    { name: 'requests', title: `Ember, ${REQUESTS} requests of eval/held-out.jsonl`, prompts: requests }];
}
