// Writes a model of Phi-4-mini's shape with random weights as a GGUF file, every matrix in Q4_0: what llama.cpp is measured with.
//
// Usage: node write_gguf.mjs FILE LAYERS SEED
//
// The tokenizer section is the least that llama.cpp loads: bytes, made-up names and one end token. Nothing here encodes text.
import { closeSync, openSync, writeSync } from 'node:fs';
import { endianness } from 'node:os';

const [file, layersText, seedText] = process.argv.slice(2);
if (!seedText || endianness() !== 'LE') {
  console.error('usage: node write_gguf.mjs FILE LAYERS SEED (on a little-endian machine)');
  process.exit(2);
}
const SHAPE = { hidden: 3072, heads: 24, kvHeads: 8, headSize: 128, inner: 8192, vocab: 200064, rotated: 96, context: 131072, shortContext: 4096 };
const layers = Number(layersText);
const END_OF_TEXT = 199999;

// ---------------------------------------------------------------- the format's values
const TYPES = { u32: 4, i32: 5, f32: 6, string: 8, array: 9 };
const GGML = { f32: 0, q4_0: 2 };
const ALIGNMENT = 32;
const filled = (bytes, fill) => { const out = Buffer.alloc(bytes); fill(out); return out; };
const u32 = (value) => filled(4, (out) => out.writeUInt32LE(value));
const u64 = (value) => filled(8, (out) => out.writeBigUInt64LE(BigInt(value)));
const f32 = (value) => filled(4, (out) => out.writeFloatLE(value));
const string = (text) => Buffer.concat([u64(Buffer.byteLength(text)), Buffer.from(text)]);
const encoders = { u32, i32: u32, f32, string };
const value = (key, type, content) => Buffer.concat([string(key), u32(TYPES[type]), encoders[type](content)]);
const list = (key, type, items) =>
  Buffer.concat([string(key), u32(TYPES.array), u32(TYPES[type]), u64(items.length), ...items.map(encoders[type])]);

// ---------------------------------------------------------------- what stands in the file
function tokens() {
  // The 256 bytes in the byte-level alphabet: those that print stand for themselves, the others for characters from U+0100 on.
  const prints = (byte) => (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
  const bytes = Array.from({ length: 256 }, (_, byte) => byte);
  const names = [...bytes.filter(prints).map((byte) => String.fromCodePoint(byte)),
    ...bytes.filter((byte) => !prints(byte)).map((_, i) => String.fromCodePoint(0x100 + i))];
  while (names.length < SHAPE.vocab) names.push(`tok${names.length - 256}`);
  names[END_OF_TEXT] = '<|endoftext|>';
  return names;
}

function metadata() {
  const NORMAL = 1;
  const CONTROL = 3;
  const kinds = Array.from({ length: SHAPE.vocab }, (_, id) => (id === END_OF_TEXT ? CONTROL : NORMAL));
  return [
    value('general.architecture', 'string', 'phi3'), value('general.name', 'string', 'random weights'), value('general.file_type', 'u32', 2),
    value('phi3.context_length', 'u32', SHAPE.context), value('phi3.rope.scaling.original_context_length', 'u32', SHAPE.shortContext),
    value('phi3.embedding_length', 'u32', SHAPE.hidden), value('phi3.feed_forward_length', 'u32', SHAPE.inner), value('phi3.block_count', 'u32', layers),
    value('phi3.attention.head_count', 'u32', SHAPE.heads), value('phi3.attention.head_count_kv', 'u32', SHAPE.kvHeads),
    value('phi3.attention.layer_norm_rms_epsilon', 'f32', 1e-5), value('phi3.attention.sliding_window', 'u32', 0),
    value('phi3.rope.dimension_count', 'u32', SHAPE.rotated), value('phi3.rope.freq_base', 'f32', 10000), value('phi3.vocab_size', 'u32', SHAPE.vocab),
    value('tokenizer.ggml.model', 'string', 'gpt2'), value('tokenizer.ggml.pre', 'string', 'gpt-4o'),
    list('tokenizer.ggml.tokens', 'string', tokens()), list('tokenizer.ggml.token_type', 'i32', kinds), list('tokenizer.ggml.merges', 'string', ['t o', 'to k']),
    value('tokenizer.ggml.bos_token_id', 'u32', END_OF_TEXT), value('tokenizer.ggml.eos_token_id', 'u32', END_OF_TEXT)];
}

/** Name, and rows by columns of a matrix or the length of a vector. The embedding serves as the last matrix too. */
function tensors() {
  const { hidden, heads, kvHeads, headSize, inner, vocab } = SHAPE;
  const all = [['token_embd.weight', vocab, hidden], ['output_norm.weight', hidden]];
  for (let layer = 0; layer < layers; layer++) {
    const named = (name, ...size) => all.push([`blk.${layer}.${name}.weight`, ...size]);
    named('attn_norm', hidden);
    named('attn_qkv', (heads + 2 * kvHeads) * headSize, hidden);
    named('attn_output', hidden, heads * headSize);
    named('ffn_norm', hidden);
    named('ffn_up', 2 * inner, hidden);
    named('ffn_down', hidden, inner);
  }
  return all.map(([name, rows, columns]) => ({ name, rows, columns, bytes: columns ? (rows * columns) / BLOCK_WEIGHTS * BLOCK_BYTES : rows * 4 }));
}

// ---------------------------------------------------------------- random weights
const BLOCK_WEIGHTS = 32;
const BLOCK_BYTES = 18; // a scale in half precision and 32 nibbles
const CHUNK_BYTES = BLOCK_BYTES * (1 << 16);

/** Positive normal numbers only. */
function halfBits(number) {
  const exponent = Math.floor(Math.log2(number));
  return ((exponent + 15) << 10) | Math.round((number / 2 ** exponent - 1) * 1024);
}

/** Marsaglia's xorshift of 32 bits; fills `words` and returns the next state. */
function fillRandom(words, state) {
  for (let i = 0; i < words.length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[i] = state;
  }
  return state;
}

/** Writes `bytes` of blocks whose weights spread like 1 / sqrt(columns), so that activations keep their size from layer to layer. */
function writeMatrix(out, bytes, columns, seed) {
  const chunk = Buffer.alloc(CHUNK_BYTES);
  const words = new Uint32Array(chunk.buffer, chunk.byteOffset, CHUNK_BYTES / 4);
  const NIBBLE_SPREAD = 4.6; // standard deviation of a nibble from -8 to 7
  const scales = Uint16Array.from({ length: 256 }, (_, i) => halfBits((0.75 + i / 512) / Math.sqrt(columns) / NIBBLE_SPREAD));
  let state = Math.imul(seed, 0x9e3779b1) | 1;
  for (let left = bytes; left > 0; left -= CHUNK_BYTES) {
    state = fillRandom(words, state);
    for (let at = 0; at < CHUNK_BYTES; at += BLOCK_BYTES) chunk.writeUInt16LE(scales[chunk[at]], at);
    writeAll(out, left < CHUNK_BYTES ? chunk.subarray(0, left) : chunk);
  }
}

function writeAll(out, bytes) {
  for (let done = 0; done < bytes.length;) done += writeSync(out, bytes, done);
}

const padding = (size) => Buffer.alloc((ALIGNMENT - (size % ALIGNMENT)) % ALIGNMENT);

// ---------------------------------------------------------------- the file
const all = tensors();
const pairs = metadata();
const head = [Buffer.from('GGUF'), u32(3), u64(all.length), u64(pairs.length), ...pairs];
let offset = 0;
for (const { name, rows, columns, bytes } of all) {
  const sizes = columns ? [columns, rows] : [rows];
  head.push(string(name), u32(sizes.length), ...sizes.map(u64), u32(columns ? GGML.q4_0 : GGML.f32), u64(offset));
  offset += bytes + padding(bytes).length;
}
const out = openSync(file, 'w');
const headBytes = Buffer.concat(head);
writeAll(out, Buffer.concat([headBytes, padding(headBytes.length)]));
all.forEach(({ rows, columns, bytes }, i) => {
  if (columns) writeMatrix(out, bytes, columns, Number(seedText) * 1000003 + i);
  else writeAll(out, Buffer.from(new Float32Array(rows).fill(1).buffer));
  writeAll(out, padding(bytes));
});
closeSync(out);
