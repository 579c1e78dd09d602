// The rows of the table: who is asked what, how an answer becomes a figure, and which figures are compared.
//
// A row's `asks` are put in turns, one round after the other: [label, library, question]. `figure` turns an answer into
// the row's unit. `ratios` compare medians: [words, label, labels]; of several labels the best counts.

const rate = (tokens) => ({ seconds }) => tokens / seconds;
const ORT = ['Hearth, stock', 'onnxruntime-node']; // the same engine through two loops: the better one is ONNX Runtime
const PEERS = [['Hearth, stock', 'stock'], ['onnxruntime-node', 'ort'], ['llama.cpp', 'llama']];
const asked = (libraries, question) => libraries.map(([label, library]) => [label, library, question]);
const overPeers = (label) => [[`${label} / ONNX Runtime`, label, ORT], [`${label} / llama.cpp`, label, ['llama.cpp']]];

function decodeRow(name, context, steps, peers) {
  const question = { do: 'decode', context, steps };
  return {
    name, title: `decode, 1 sequence, ${context} tokens of context`, unit: 'tokens/s', reads: true,
    asks: asked([['Hearth', 'exact'], ...peers], question), figure: rate(1), ratios: peers.length ? overPeers('Hearth') : [] };
}

function promptRow() {
  return {
    name: 'prompt256', title: 'prompt of 256 tokens', unit: 'tokens/s', figure: rate(256), tiles: true,
    asks: asked([['Hearth, exact', 'exact'], ['Hearth, fast', 'fast'], ...PEERS], { do: 'prompt', tokens: 256 }),
    ratios: [...overPeers('Hearth, exact'), ...overPeers('Hearth, fast')] };
}

/** A long prompt against one of 256 tokens by the same library in the same round. */
function longPromptRow(tokens, peers) {
  const libraries = [['Hearth, exact', 'exact'], ['Hearth, fast', 'fast'], ...peers];
  const both = ([label, library]) => [256, tokens].map((count) => [`${label}, ${count}`, library, { do: 'prompt', tokens: count }]);
  return {
    name: `prompt${tokens}`, title: `prompt of ${tokens} tokens against 256`, unit: 'tokens/s',
    asks: libraries.flatMap(both), figure: (answer, question) => question.tokens / answer.seconds,
    ratios: libraries.map(([label]) => [`${label}: ${tokens} / 256`, `${label}, ${tokens}`, [`${label}, 256`]]) };
}

function narrowRow() {
  return {
    name: 'vnni256', title: 'prompt of 256 tokens, kernels of avx512vnni', unit: 'tokens/s', figure: rate(256),
    asks: asked([['Hearth, exact, avx512vnni', 'vnni'], ...PEERS.slice(0, 2)], { do: 'prompt', tokens: 256 }),
    ratios: [['Hearth, avx512vnni / ONNX Runtime', 'Hearth, exact, avx512vnni', ORT]] };
}

function batchRow() {
  const COUNTS = [1, 8, 16, 32];
  const label = (count) => `Hearth, ${count} sequence${count > 1 ? 's' : ''}`;
  return {
    name: 'batch', title: 'one step, 64 tokens of context each', unit: 'ms', figure: ({ seconds }) => seconds * 1e3, lowerIsBetter: true,
    asks: COUNTS.map((sequences) => [label(sequences), 'exact', { do: 'decode', context: 64, steps: 8, sequences }]),
    ratios: COUNTS.slice(1).map((count) => [`${count} sequences / 1`, label(count), [label(1)]]) };
}

/** Each library in a fresh process, once: memory does not come back when a library has used it. */
function memoryRow(peers) {
  return {
    name: 'memory', title: 'resident memory with 4096 tokens of cache', unit: 'GB', fresh: true, lowerIsBetter: true,
    before: { do: 'decode', context: 4095, steps: 1 }, asks: asked([['Hearth', 'exact'], ...peers], { do: 'memory' }),
    figure: ({ rss_bytes: bytes }) => bytes / 1e9, ratios: [] };
}

/** All rows in the order in which they are measured. With `longPeers` the others take part where they need minutes, too. */
export function allRows({ longPeers, steps }) {
  const patient = longPeers ? PEERS : [];
  return [
    decodeRow('decode', 64, steps, PEERS),
    promptRow(),
    narrowRow(),
    batchRow(),
    longPromptRow(1024, patient),
    longPromptRow(4096, patient),
    // The last step ends at 4096 tokens: one more would change the rotary table and compute everything again.
    decodeRow('decode4096', 4096 - steps, steps, patient),
    { name: 'first-byte', title: 'hearth run: from exec to the first byte of the answer, 16-token prompt', unit: 'ms', lowerIsBetter: true, firstByte: true },
    memoryRow(patient)];
}

/** The most tokens that a sequence of these rows holds. */
export function longest(rows) {
  const questions = rows.flatMap((row) => [row.before, ...(row.asks ?? []).map(([, , question]) => question)]).filter(Boolean);
  return Math.max(1, ...questions.map(({ tokens, context, steps }) => tokens ?? (context ?? 0) + (steps ?? 0)));
}
