// The table for people. Every number in it comes from the report, and so from this invocation.
const digits = (value) => value.toFixed(value < 10 ? 2 : value < 1000 ? 1 : 0);
const range = ({ median, min, max }, unit) => `${`${digits(median)} ${unit}`.padEnd(17)} (${digits(min)} to ${digits(max)})`;
const percent = ({ median, min, max }) => `${(median * 100).toFixed(0)}% of the streaming read (${(min * 100).toFixed(0)} to ${(max * 100).toFixed(0)})`;

export function machineText({ machine, libraries, node, settings }) {
  return [
    `${machine.cpu}, ${machine.threads} ${machine.threads > 1 ? 'threads' : 'thread'}, ${machine.isa}, ${(machine.memory_bytes / 1e9).toFixed(1)} GB of memory`,
    [`Hearth ${settings.commit}`, ...new Set(Object.values(libraries).map(({ version }) => version)), `Node ${node}`].join(', '),
    `${settings.layers} layers of Phi-4-mini's shape, random weights, rounds: ${settings.rounds}; medians (least to most)`].join('\n');
}

export function rowText(row) {
  const lines = [`\n${row.title}`];
  for (const [label, figure] of Object.entries(row.figures)) {
    const extra = [figure.share && percent(figure.share), figure.flash_attention !== undefined && `flash attention ${figure.flash_attention ? 'on' : 'off'}`].filter(Boolean);
    lines.push(`  ${label.padEnd(28)} ${figure.error ? `not measured: ${figure.error}` : [range(figure, row.unit), ...extra].join('  ')}`);
  }
  for (const { name, ratio, error } of row.ratios) lines.push(`  ${name.padEnd(40)} ${error ?? ratio.toFixed(2)}`);
  if (row.read) lines.push(`  ${'streaming read'.padEnd(28)} ${range({ median: row.read.median / 1e9, min: row.read.min / 1e9, max: row.read.max / 1e9 }, 'GB/s')}`);
  if (row.tiles) lines.push(`  ${'AMX bf16 peak'.padEnd(28)} ${range({ median: row.tiles.median / 1e12, min: row.tiles.min / 1e12, max: row.tiles.max / 1e12 }, 'TMAC/s')}`);
  return lines.join('\n');
}
