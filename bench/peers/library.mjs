// One library in a process of its own, which answers lines of JSON; and how many of them fit in memory together.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

const TICKS_PER_S = 100; // of /proc/PID/stat on Linux
const MARGIN_BYTES = 1e9;
const DISTURBED = 0.05; // of one processor

/** `memoryBytes` is what the loaded library is expected to take. */
export class Library {
  constructor(name, command, memoryBytes) {
    Object.assign(this, { name, command, memoryBytes, process: null, error: null, greeting: null, lastUse: 0 });
  }

  async start() {
    const [program, ...args] = this.command;
    this.process = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.process.on('error', () => {}); // told by the line that does not come
    this.process.stdin.on('error', () => {});
    this.ended = new Promise((resolve) => { this.process.on('close', resolve); });
    this.lines = createInterface({ input: this.process.stdout })[Symbol.asyncIterator]();
    const first = await this.nextLine();
    if (first.error) await this.fail(first.error);
    else this.greeting = first;
  }

  /** The answer, {error} when there is none; a library that ended is not started again. */
  async ask(question) {
    if (this.error) return { error: this.error };
    this.lastUse = performance.now();
    this.process.stdin.write(`${JSON.stringify(question)}\n`);
    const answer = await this.nextLine();
    if (answer.gone) await this.fail(answer.error);
    return answer;
  }

  async nextLine() {
    const { value, done } = await this.lines.next();
    return done ? { error: 'the process ended', gone: true } : JSON.parse(value);
  }

  async fail(error) {
    this.error = error;
    await this.stop();
  }

  async stop() {
    if (!this.process) return;
    this.process.stdin.end();
    await this.ended;
    this.process = null;
  }

  /** Processor time that it has used so far. */
  cpuSeconds() {
    if (!this.process) return 0;
    try {
      const fields = readFileSync(`/proc/${this.process.pid}/stat`, 'utf8').split(') ')[1].split(' ');
      return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_S;
    } catch {
      return 0; // it has just ended
    }
  }
}

/** Processor time that everything on the machine has used so far, and what its host took from it. */
function machineSeconds() {
  const [user, nice, system, , , irq, softirq, steal] = /^cpu +(.*)$/m.exec(readFileSync('/proc/stat', 'utf8'))[1].split(' ').map(Number);
  return (user + nice + system + irq + softirq + steal) / TICKS_PER_S;
}

const availableBytes = () => Number(/MemAvailable:\s*(\d+)/.exec(readFileSync('/proc/meminfo', 'utf8'))[1]) * 1024;

/** Libraries by key. They stay loaded while the machine has the memory; otherwise those unused longest are ended and loaded again later. */
export class Libraries {
  constructor(entries, say) {
    this.all = new Map(entries);
    this.say = say;
    this.notes = new Set();
  }

  get running() { return [...this.all.values()].filter(({ process }) => process); }

  async get(key) {
    const library = this.all.get(key);
    if (!library.process && !library.error) {
      await this.makeRoomFor(library);
      await library.start();
      this.say(library.error ? `${library.name}: ${library.error}` : `${library.name} loaded in ${(library.greeting.load_s ?? 0).toFixed(1)} s`);
    }
    return library;
  }

  async makeRoomFor(library) {
    const fits = () => availableBytes() > library.memoryBytes + MARGIN_BYTES;
    for (const other of this.running.sort((a, b) => a.lastUse - b.lastUse)) {
      if (fits()) return;
      if (!other.memoryBytes) continue;
      this.notes.add('not all libraries fit in memory together: some were ended and loaded again between turns');
      await other.stop();
    }
    if (!fits()) this.notes.add(`${library.name} is expected to need ${(library.memoryBytes / 1e9).toFixed(1)} GB, more than the memory that was free`);
  }

  /** The answer; notes when something else was at work meanwhile: a library that should wait, or another program. */
  async ask(key, question) {
    const library = await this.get(key);
    const waiting = this.running.filter((other) => other !== library);
    const now = () => ({ at: performance.now() / 1e3, machine: machineSeconds(), mine: library.cpuSeconds(), waiting: waiting.reduce((sum, other) => sum + other.cpuSeconds(), 0) });
    const before = now();
    const answer = await library.ask(question);
    const after = now();
    const bound = DISTURBED * (after.at - before.at) + 4 / TICKS_PER_S;
    const used = (what) => after[what] - before[what];
    if (used('waiting') > bound) this.notes.add('libraries that waited for their turn used the processor');
    if (library.process && used('machine') - used('mine') - used('waiting') > bound) this.notes.add('other programs used the processor during measurements');
    return answer;
  }

  async stopAll() {
    for (const library of this.running) await library.stop();
  }
}
