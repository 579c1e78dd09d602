// The statistics that benchmarks print.
export const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

/** What is kept of the values of several rounds. */
export const spread = (values) => ({ median: median(values), min: Math.min(...values), max: Math.max(...values) });

export const secondsSince = (start) => (performance.now() - start) / 1e3;

/** The ids that hearth_worker.cc feeds: they jump about the vocabulary and leave out its end. */
export const tokenAt = (place, vocabSize) => (place * 7919 + 13) % (vocabSize - 64);
