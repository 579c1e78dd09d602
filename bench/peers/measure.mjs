// Measures Hearth beside ONNX Runtime and llama.cpp on one model, in turns: each row's questions go to one library after the
// other, and again, so that what disturbs the machine disturbs all of them. Called by bench/peers/run, which says what the
// options mean.
//
// Usage: node measure.mjs --build DIR --model DIR --gguf FILE --ort-packages DIR --llama-packages DIR --commit ID --layers N
//   --rounds N --steps N [--rows NAME,...] [--long-peers] [--json] [--check]
// --llama-packages is empty where they could not be installed; --check only says whether the rows exist.
import { readFileSync, statSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { firstBytes } from './first_byte.mjs';
import { Libraries, Library } from './library.mjs';
import { machineText, rowText } from './report.mjs';
import { allRows, longest } from './rows.mjs';
import { spread } from './statistics.mjs';

const TEXTS = ['build', 'model', 'gguf', 'ort-packages', 'llama-packages', 'commit', 'layers', 'rounds', 'steps', 'rows'];
const { values: settings } = parseArgs({ options: {
  ...Object.fromEntries(TEXTS.map((name) => [name, { type: 'string', default: '' }])),
  ...Object.fromEntries(['long-peers', 'json', 'check'].map((name) => [name, { type: 'boolean', default: false }])) } });
const rounds = Number(settings.rounds);
const here = dirname(fileURLToPath(import.meta.url));
const PROBED_MB = 2400;
const WARM_TOKENS = 512; // up to here a question is asked once before the rounds
const note = (line) => console.error(`hearth: ${line}`);
const say = (line) => { if (!settings.json) console.log(line); };

function chosenRows() {
  const rows = allRows({ longPeers: settings['long-peers'], steps: Number(settings.steps) });
  const names = settings.rows ? settings.rows.split(',') : rows.map(({ name }) => name);
  const unknown = names.filter((name) => !rows.some((row) => row.name === name));
  if (!unknown.length) return rows.filter(({ name }) => names.includes(name));
  note(`there is no row ${unknown.join(', ')}; the rows are ${rows.map(({ name }) => name).join(', ')}`);
  process.exit(2);
}

/** Every library that rows name. Memory is estimated from the files: packed or copied weights, plus the cache and what is around. */
function makeLibraries(threads, tokens) {
  const program = join(settings.build, 'bench/peers/hearth_worker');
  const data = statSync(join(settings.model, 'model.onnx.data')).size;
  const hearth = (name, ...way) => new Library(name, [program, settings.model, ...way], 0.5 * data + 0.5e9);
  const node = (name, script, bytes, ...args) => new Library(name, [process.execPath, join(here, script), ...args.map(String)], bytes);
  const llama = settings['llama-packages']
    ? node('llama.cpp', 'llama_worker.mjs', 1.2 * statSync(settings.gguf).size + 1e9, settings['llama-packages'], settings.gguf, threads, Math.ceil(tokens / 256) * 256 + 256)
    : Object.assign(new Library('llama.cpp'), { error: 'node-llama-cpp could not be installed' });
  return new Libraries([
    ['exact', hearth('Hearth, exact', 'exact')], ['fast', hearth('Hearth, fast', 'fast')], ['vnni', hearth('Hearth, avx512vnni', 'exact', 'avx512vnni')],
    ['stock', new Library('Hearth, stock', [program, settings.model, 'stock'], data)],
    ['ort', node('onnxruntime-node', 'ort_worker.mjs', data + 1e9, settings['ort-packages'], settings.model, threads)], ['llama', llama]], note);
}

async function warmUp(row, libraries) {
  for (const [, library, question] of row.asks) {
    if ((question.tokens ?? question.context ?? Infinity) <= WARM_TOKENS) await libraries.ask(library, question);
  }
}

/** Answers by label, and what the machine could do in each round. */
async function inTurns(row, libraries, machine) {
  const answers = new Map(row.asks.map(([label]) => [label, []]));
  const probes = { read: [], tiles: [] };
  for (let round = 0; round < rounds; round++) {
    if (row.reads) probes.read.push((await machine.ask({ do: 'read' })).bytes_per_s);
    if (row.tiles) probes.tiles.push((await machine.ask({ do: 'tiles' })).macs_per_s);
    for (const [label, library, question] of row.asks) {
      if (answers.get(label).at(-1)?.error) continue;
      answers.get(label).push(await libraries.ask(library, question));
    }
    note(`${row.name}: round ${round + 1} of ${rounds}`);
  }
  return { answers, probes };
}

async function inFreshProcesses(row, libraries) {
  const answers = new Map();
  for (const [label, library, question] of row.asks) {
    await libraries.stopAll();
    const prepared = await libraries.ask(library, row.before);
    answers.set(label, [prepared.error ? prepared : await libraries.ask(library, question)]);
  }
  return { answers, probes: { read: [], tiles: [] } };
}

function figureOf(row, question, answers, reads) {
  const failed = answers.find(({ error }) => error);
  if (failed) return { error: failed.error };
  const figure = { ...spread(answers.map((answer) => row.figure(answer, question))), rounds: answers.length };
  if (reads.length && answers[0].bytes) figure.share = spread(answers.map(({ bytes, seconds }, i) => bytes / seconds / reads[i]));
  if (answers[0].bytes) figure.bytes = answers[0].bytes;
  if (answers[0].flash_attention !== undefined) figure.flash_attention = answers[0].flash_attention;
  return figure;
}

function ratioOf(row, figures, [name, label, others]) {
  const medians = others.map((other) => figures[other]?.median).filter((value) => value !== undefined);
  if (figures[label].error || !medians.length) return { name, error: 'not measured' };
  const best = row.lowerIsBetter ? Math.min(...medians) : Math.max(...medians);
  const against = others.find((other) => figures[other]?.median === best);
  return { name: medians.length < others.length ? `${name} (${against} alone)` : name, against, ratio: figures[label].median / best };
}

async function measureRow(row, libraries, machine) {
  const result = { name: row.name, title: row.title, unit: row.unit, figures: {}, ratios: [] };
  if (row.firstByte) {
    await libraries.stopAll();
    const measured = await firstBytes(join(settings.build, 'src/app/hearth'), settings.model, rounds).catch((error) => ({ error: error.message }));
    result.figures['hearth run'] = measured.error ? measured : { ...spread(measured.map((seconds) => seconds * 1e3)), rounds: measured.length };
    return result;
  }
  if (!row.fresh) await warmUp(row, libraries);
  const { answers, probes } = await (row.fresh ? inFreshProcesses(row, libraries) : inTurns(row, libraries, machine));
  for (const [label, , question] of row.asks) result.figures[label] = figureOf(row, question, answers.get(label), probes.read);
  result.ratios = row.ratios.map((ratio) => ratioOf(row, result.figures, ratio));
  for (const [probe, values] of Object.entries(probes)) if (values.length && Math.max(...values) > 0) result[probe] = spread(values);
  return result;
}

function machineOf({ threads, isa }) {
  return { cpu: cpus()[0].model.trim(), threads, isa, memory_bytes: totalmem(), kernel: readFileSync('/proc/sys/kernel/osrelease', 'utf8').trim() };
}

/** What the libraries that took part said of themselves. */
const greetings = (libraries) => Object.fromEntries([...libraries.all.values()].filter(({ greeting }) => greeting).map(({ name, greeting }) => [name, greeting]));

const rows = chosenRows();
if (settings.check) process.exit(0);
const machine = new Library('the machine', [join(settings.build, 'bench/peers/machine_worker'), String(PROBED_MB)], 0);
await machine.start();
if (machine.error) throw new Error(machine.error);
const libraries = makeLibraries(machine.greeting.threads, longest(rows));
const report = { settings, machine: machineOf(machine.greeting), node: process.versions.node, libraries: {}, rows: [], notes: [] };
for (const row of rows) {
  report.rows.push(await measureRow(row, libraries, machine));
  say(rowText(report.rows.at(-1)));
}
await libraries.stopAll();
await machine.stop();
report.libraries = greetings(libraries);
report.notes = [...libraries.notes];
say(`\n${machineText(report)}`);
for (const line of report.notes) say(`note: ${line}`);
if (settings.json) console.log(JSON.stringify(report, null, 1));
