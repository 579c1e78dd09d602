// How far each way of computing a quantised model is from the same graph in float32 arithmetic. Called by
// bench/quality/run, which says what the options mean.
//
// Usage: node measure.mjs --build DIR --slice DIR --outliers DIR --ember DIR --packages DIR --work DIR --commit ID --layers N [--json]
//   --work: an empty folder for logits, which the caller removes
// All model folders hold model.accuracy1.onnx beside their model: the graph whose products are computed in float32.
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { cpus } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Library } from '../peers/library.mjs';
import { median } from '../peers/statistics.mjs';
import { compareRows, describeRows, Differences, readRows } from './compare.mjs';
import { emberSets, sliceSets } from './prompts.mjs';
import { headText, setText } from './report.mjs';

const TEXTS = ['build', 'slice', 'outliers', 'ember', 'packages', 'work', 'commit', 'layers'];
const { values: settings } = parseArgs({ options: {
  ...Object.fromEntries(TEXTS.map((name) => [name, { type: 'string', default: '' }])), json: { type: 'boolean', default: false } } });
const here = dirname(fileURLToPath(import.meta.url));
const say = (line) => { if (!settings.json) console.log(line); };
const note = (line) => console.error(`hearth: ${line}`);

const REFERENCE = { label: 'ONNX Runtime, float32 arithmetic', graph: 'model.accuracy1.onnx' };
const PEER = { label: 'ONNX Runtime, as released', graph: 'model.onnx' };
// The caches bf16 and fp32 each have a bound on their ratio to the peer's error (issue 4).
const HEARTH = ['bf16', 'fp32', 'int8'].flatMap((cache) => [['exact', cache], ['fast', cache]])
  .map(([recipe, cache]) => ({ label: `Hearth, ${recipe}, ${cache} cache`, recipe, cache }));

const commandOf = (way, model) => way.graph
  ? [process.execPath, join(here, 'ort_logits_worker.mjs'), settings.packages, model, way.graph]
  : [join(settings.build, 'bench/quality/logits_worker'), model, way.recipe, way.cache];

/** Has `way` write the logits of every prompt of every set into a folder; returns what it said of itself. */
async function write(way, model, sets, folder) {
  note(`${way.label} on ${model}`);
  mkdirSync(folder, { recursive: true });
  const library = new Library(way.label, commandOf(way, model), 0);
  await library.start();
  if (library.error) throw new Error(`${way.label} cannot load ${model}: ${library.error}`);
  for (const { name, prompts } of sets) {
    for (const [i, ids] of prompts.entries()) {
      const answer = await library.ask({ do: 'logits', ids, file: join(folder, `${name}-${i}`) });
      if (answer.error) throw new Error(`${way.label} on ${model}, ${name}, prompt ${i + 1} of ${ids.length} tokens: ${answer.error}`);
    }
  }
  await library.stop();
  return library.greeting;
}

/** Every prompt of a set: its reference logits, and those of `folder` where one is given. */
function* logitsOf(set, width, reference, folder) {
  for (const [i, ids] of set.prompts.entries()) {
    const rows = (from) => readRows(join(from, `${set.name}-${i}`), ids.length, width);
    yield [rows(reference), folder && rows(folder)];
  }
}

function describe(set, width, reference) {
  let squares = 0;
  const margins = [];
  for (const [logits] of logitsOf(set, width, reference)) {
    const described = describeRows(logits, width);
    squares += described.squares;
    margins.push(...described.margins);
  }
  return { positions: margins.length, rms: Math.sqrt(squares / (margins.length * width)), median_margin: median(margins) };
}

function compare(set, width, reference, folder) {
  const all = new Differences();
  const last = new Differences();
  const prompts = [];
  for (const [expected, logits] of logitsOf(set, width, reference, folder)) {
    const prompt = compareRows(expected, logits, width);
    all.add(prompt.all);
    last.add(prompt.last);
    prompts.push(prompt.all.figures());
  }
  return { all: all.figures(), last: last.figures(), prompts };
}

/** All ways on one model, one after the other; logits of only two are on the disk at a time. */
async function measureModel(model, sets) {
  const reference = join(settings.work, 'reference');
  const other = join(settings.work, 'other');
  const { vocab_size: width } = await write(REFERENCE, model, sets, reference);
  const results = sets.map((set) => ({ name: set.name, title: set.title, reference: describe(set, width, reference), ways: [] }));
  const greetings = {};
  for (const way of [PEER, ...HEARTH]) {
    greetings[way.label] = await write(way, model, sets, other);
    sets.forEach((set, i) => {
      const figures = compare(set, width, reference, other);
      const peer = results[i].ways[0] ?? figures;
      for (const part of ['all', 'last']) figures[part].ratio = figures[part].relative_rms / peer[part].relative_rms;
      results[i].ways.push({ label: way.label, recipe: way.recipe, cache: way.cache, ...figures });
    });
    rmSync(other, { recursive: true });
  }
  rmSync(reference, { recursive: true });
  return { results, greetings };
}

const models = () => [
  [settings.slice, sliceSets(settings.slice, 'slice', `${settings.layers} layers of Phi-4-mini's shape`)],
  [settings.outliers, sliceSets(settings.outliers, 'outliers', 'the same with outlier channels')],
  [settings.ember, emberSets(settings)]];
const report = { settings, machine: { cpu: cpus()[0].model.trim() }, node: process.versions.node, sets: [] };
try {
  for (const [model, sets] of models()) {
    const { results, greetings } = await measureModel(model, sets);
    if (!report.versions) {
      report.versions = { ort: greetings[PEER.label].version, isa: greetings[HEARTH[0].label].isa };
      say(headText(report));
    }
    report.sets.push(...results);
    for (const result of results) say(setText(result));
  }
} catch (error) {
  note(error.message);
  note(`run it again; if a model is damaged, \`scripts/cache clean ${basename(settings.slice)} ${basename(settings.outliers)}\` has them made anew`);
  process.exit(1);
}
if (settings.json) console.log(JSON.stringify(report, null, 1));
