// The tables for people. Every number in them comes from the report, and so from this invocation.
export function headText({ machine, versions, settings, node }) {
  return [
    `${machine.cpu}, ${versions.isa}`,
    `Hearth ${settings.commit}, ${versions.ort}, Node ${node}`,
    'Errors: RMS of the difference of logits from the same graph in float32 arithmetic, over the RMS of those',
    'Ratios: to the error of ONNX Runtime as released (accuracy level 4); first over all positions, then over the last one of each prompt'].join('\n');
}

const percent = (share) => `${(100 * share).toFixed(3)}%`;
const columns = (cells) => cells.map((cell, i) => (i ? cell.padStart(10) : `  ${cell.padEnd(34)}`)).join('');

function wayText({ label, all, last }) {
  return columns([label, percent(all.relative_rms), all.ratio.toFixed(3), percent(last.relative_rms), last.ratio.toFixed(3),
    all.max_error.toFixed(4), `${(100 * all.top1).toFixed(2)}%`, all.mean_kl.toExponential(2)]);
}

export function setText({ title, reference, ways }) {
  const { positions } = ways[0].last;
  return [
    `\n${title}: ${reference.positions} positions; reference logits of RMS ${reference.rms.toFixed(3)}, the likeliest ahead by ${reference.median_margin.toFixed(3)} (median)`,
    columns(['', 'error', 'ratio', `last ${positions}`, 'ratio', 'greatest', 'top-1', 'mean KL']),
    ...ways.map(wayText)].join('\n');
}
