// How long a user waits for `hearth run`: from the program's start to the first byte of its answer.
import { spawn } from 'node:child_process';

const DIGITS = '7 3 9 1 4 8 2 6 5 0 8 3 1 7 4 9 2 5 6 0 '.repeat(4);

// Settings of the caller's shell must not reach what is measured; the cache folder may.
const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('HEARTH_') || name === 'HEARTH_CACHE_DIR'));

/** Runs a task: {text, seconds to the first byte}. */
function runTask(hearth, model, task, ...flags) {
  return new Promise((resolve, reject) => {
    const args = ['run', '--model', model, '--task', task, '--temperature', '0', ...flags];
    const start = performance.now();
    const child = spawn(hearth, args, { stdio: ['ignore', 'pipe', 'inherit'], env: environment });
    let [text, seconds] = ['', null];
    child.stdout.on('data', (bytes) => {
      seconds ??= (performance.now() - start) / 1e3;
      text += bytes;
    });
    child.on('error', reject);
    child.on('close', (code) => (code === 0 ? resolve({ text, seconds }) : reject(new Error(`hearth run ended with ${code}`))));
  });
}

/** A task of exactly `tokens` tokens, template included, whose first generated token can be seen. */
async function findTask(hearth, model, tokens) {
  for (let from = 0; from < 12; from++) {
    let length = tokens;
    for (let tries = 0; tries < 12 && length > 0; tries++) {
      const task = DIGITS.slice(from, from + length).trim();
      const reply = JSON.parse((await runTask(hearth, model, task, '--max-tokens', '1', '--json')).text);
      if (reply.usage.input_tokens === tokens) {
        const { text } = await runTask(hearth, model, task, '--max-tokens', '1', '--min-tokens', '1');
        if (text.trim()) return task;
        break;
      }
      length += tokens - reply.usage.input_tokens;
    }
  }
  throw new Error(`no task of ${tokens} tokens whose answer begins with a visible token was found`);
}

/** Seconds of `rounds` runs; those that looked for the task have brought all pages into memory. */
export async function firstBytes(hearth, model, rounds) {
  const task = await findTask(hearth, model, 16);
  const seconds = [];
  for (let i = 0; i < rounds; i++) seconds.push((await runTask(hearth, model, task, '--max-tokens', '4', '--min-tokens', '4')).seconds);
  return seconds;
}
