// How far logits are from a reference's: rows of float32, read from the files that the workers wrote.
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** The file's rows in one array; an error where it has not as many as it should. */
export function readRows(path, rows, width) {
  const values = new Float32Array(rows * width);
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    if (size !== values.byteLength) throw new Error(`${path} has ${size} bytes, not the ${values.byteLength} of ${rows} rows of ${width} logits`);
    for (let done = 0; done < size;) done += readSync(file, new Uint8Array(values.buffer), done, Math.min(size - done, 1 << 30));
  } finally {
    closeSync(file);
  }
  return values;
}

const sumOfExp = (row, greatest) => {
  let sum = 0;
  for (const value of row) sum += Math.exp(value - greatest);
  return sum;
};

const bestOf = (row) => {
  let best = 0;
  for (let id = 1; id < row.length; id++) if (row[id] > row[best]) best = id;
  return best;
};

const secondOf = (row, best) => {
  let second = -Infinity;
  for (let id = 0; id < row.length; id++) if (id !== best && row[id] > second) second = row[id];
  return second;
};

/** One position: squares of errors and of the reference, the greatest error, whether the likeliest token is the same, and the divergence. */
function compareRow(reference, row) {
  let errors = 0;
  let squares = 0;
  let worst = 0;
  const best = bestOf(reference);
  const otherBest = bestOf(row);
  const shift = Math.log(sumOfExp(row, row[otherBest])) + row[otherBest] - Math.log(sumOfExp(reference, reference[best])) - reference[best];
  let weighted = 0; // sum of e^(reference - best) (reference - row)
  let sum = 0;
  for (let id = 0; id < row.length; id++) {
    const difference = reference[id] - row[id];
    const share = Math.exp(reference[id] - reference[best]);
    errors += difference * difference;
    squares += reference[id] * reference[id];
    worst = Math.max(worst, Math.abs(difference));
    weighted += share * difference;
    sum += share;
  }
  if (!Number.isFinite(errors + squares + weighted)) throw new Error('logits that are not finite numbers cannot be compared');
  return { positions: 1, errors, squares, worst, same: best === otherBest ? 1 : 0, divergence: weighted / sum + shift };
}

/** Sums over positions, from which figures() makes what is printed. */
export class Differences {
  constructor() {
    Object.assign(this, { positions: 0, errors: 0, squares: 0, worst: 0, same: 0, divergence: 0 });
  }

  /** Adds what one position, or some, differ by. */
  add({ positions, errors, squares, worst, same, divergence }) {
    this.positions += positions;
    this.errors += errors;
    this.squares += squares;
    this.worst = Math.max(this.worst, worst);
    this.same += same;
    this.divergence += divergence;
  }

  figures() {
    return {
      positions: this.positions, relative_rms: Math.sqrt(this.errors / this.squares), max_error: this.worst,
      top1: this.same / this.positions, mean_kl: this.divergence / this.positions };
  }
}

/** Differences over all positions of a prompt, and of its last one. */
export function compareRows(reference, values, width) {
  const all = new Differences();
  const last = new Differences();
  for (let at = 0; at < reference.length; at += width) {
    const position = compareRow(reference.subarray(at, at + width), values.subarray(at, at + width));
    all.add(position);
    if (at + width === reference.length) last.add(position);
  }
  return { all, last };
}

/** What kind of logits the reference has: squares of their size, and how far the likeliest is ahead of the next. */
export function describeRows(reference, width) {
  let squares = 0;
  const margins = [];
  for (let at = 0; at < reference.length; at += width) {
    const row = reference.subarray(at, at + width);
    for (const value of row) squares += value * value;
    const best = bestOf(row);
    margins.push(row[best] - secondOf(row, best));
  }
  return { squares, margins };
}
