// llama.cpp through node-llama-cpp's prebuilt library for processors, with the questions and answers of hearth_worker.cc.
//
// Usage: node llama_worker.mjs PACKAGES MODEL.gguf THREADS CONTEXT_TOKENS
//
// Each kind of question is first asked with and without flash attention; the faster way is kept. Weights are read into memory:
// mapped, they were no faster.
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { answerLines } from './json_lines.mjs';
import { median, secondsSince, tokenAt } from './statistics.mjs';

const VOCAB_SIZE = 200064;
const QUICK_TOKENS = 512; // up to here a way is tried twice, because the first time warms up
const [packages, file, threads, contextTokens] = process.argv.slice(2);
const { getLlama, getModuleVersion } = await import(pathToFileURL(join(resolve(packages), 'node_modules/node-llama-cpp/dist/index.js')));
const tokens = (from, count) => Array.from({ length: count }, (_, i) => tokenAt(from + i, VOCAB_SIZE));

/** A context of the library and the one sequence in it. */
class Way {
  static async open(model, flashAttention) {
    const way = new Way();
    way.context = await model.createContext({ contextSize: Number(contextTokens), batchSize: 512, sequences: 1, flashAttention,
      threads: { ideal: Number(threads), min: Number(threads) } });
    way.sequence = way.context.getSequence();
    way.flashAttention = flashAttention;
    return way;
  }

  /** Forgets what is behind the first `to` tokens; the library may forget more. */
  async rewind(to) {
    const end = this.sequence.nextTokenIndex;
    if (end > to) await this.sequence.eraseContextTokenRanges([{ start: to, end }]);
    if (this.sequence.nextTokenIndex > to) throw new Error('the sequence could not be rewound');
  }

  /** Makes the sequence hold `context` tokens, if it can from those of the question before. */
  async hold(context) {
    if (this.filled === context) await this.rewind(context);
    if (this.filled === context && this.sequence.nextTokenIndex === context) return;
    await this.rewind(0);
    await this.sequence.evaluateWithoutGeneratingNewTokens(tokens(0, context));
    this.filled = context;
  }

  async prompt({ tokens: count }) {
    await this.rewind(0);
    this.filled = 0;
    const start = performance.now();
    await this.sequence.evaluateWithoutGeneratingNewTokens(tokens(0, count));
    return { seconds: secondsSince(start) };
  }

  async decode({ context, steps }) {
    await this.hold(context);
    const seconds = [];
    let start = performance.now();
    for await (const _ of this.sequence.evaluate(tokens(context, 1), { temperature: 0, yieldEogToken: true })) {
      seconds.push(secondsSince(start));
      if (seconds.length >= steps) break;
      start = performance.now();
    }
    if (seconds.length < steps) throw new Error(`the library ended after ${seconds.length} of ${steps} tokens`);
    return { seconds: median(seconds) };
  }
}

async function open() {
  const start = performance.now();
  const llama = await getLlama({ gpu: false, build: 'never', usePrebuiltBinaries: true, skipDownload: true, maxThreads: Number(threads), progressLogs: false });
  const model = await llama.loadModel({ modelPath: resolve(file), useMmap: false });
  const chosen = new Map(); // way of each kind of question
  const ways = { true: null, false: null };
  const wayOf = async (flashAttention) => (ways[flashAttention] ??= await Way.open(model, flashAttention));

  const closeUnused = async () => {
    for (const [name, way] of Object.entries(ways)) {
      if (way && ![...chosen.values()].includes(way)) { await way.context.dispose(); ways[name] = null; }
    }
  };
  const tryBoth = async (question, kind) => {
    const tried = [];
    for (const flashAttention of [false, true]) {
      const way = await wayOf(flashAttention);
      let answer = await way[question.do](question);
      if ((question.tokens ?? question.context) <= QUICK_TOKENS) answer = await way[question.do](question);
      tried.push([answer, way]);
    }
    const [answer, way] = tried.sort((a, b) => a[0].seconds - b[0].seconds)[0];
    chosen.set(kind, way);
    await closeUnused();
    return { ...answer, flash_attention: way.flashAttention };
  };
  const answer = async (question) => {
    const kind = JSON.stringify(question);
    if (!chosen.has(kind)) return tryBoth(question, kind);
    const way = chosen.get(kind);
    return { ...(await way[question.do](question)), flash_attention: way.flashAttention };
  };
  return { greeting: { load_s: secondsSince(start), version: `node-llama-cpp ${await getModuleVersion()}, llama.cpp ${llama.llamaCppRelease.release}`, system: llama.systemInfo }, answers: { prompt: answer, decode: answer } };
}

await answerLines(open);
