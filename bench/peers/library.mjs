// One library in a process of its own, which answers lines of JSON; and how many of them fit in memory together.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

const TICKS_PER_S = 100; // of /proc/PID/stat on Linux
const MARGIN_BYTES = 1e9;

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
      this.notes.add(`not all libraries fit in memory together: some were ended and loaded again between turns`);
      await other.stop();
    }
    if (!fits()) this.notes.add(`${library.name} is expected to need ${(library.memoryBytes / 1e9).toFixed(1)} GB, more than the memory that was free`);
  }

  /** The answer, with the share of the time in which a library that should wait was at work. */
  async ask(key, question) {
    const library = await this.get(key);
    const others = this.running.filter((other) => other !== library);
    const used = () => others.reduce((sum, other) => sum + other.cpuSeconds(), 0);
    const [before, start] = [used(), performance.now()];
    const answer = await library.ask(question);
    const seconds = (performance.now() - start) / 1e3;
    if (used() - before > 0.05 * seconds + 2 / TICKS_PER_S) this.notes.add(`while ${library.name} was measured, a waiting library used the processor`);
    return answer;
  }

  async stopAll() {
    for (const library of this.running) await library.stop();
  }
}
