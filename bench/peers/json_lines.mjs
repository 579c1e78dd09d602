// The side of a measured Node process that the benchmark talks to: a line of JSON in, a line of JSON out.
import { createInterface } from 'node:readline';

// What libraries themselves want to print goes to standard error.
const write = process.stdout.write.bind(process.stdout);
process.stdout.write = process.stderr.write.bind(process.stderr);
const say = (object) => write(`${JSON.stringify(object)}\n`);

/** `open` returns {greeting, answers: {what: async (question) => answer}}. */
export async function answerLines(open) {
  let opened;
  try {
    opened = await open();
  } catch (error) {
    say({ error: String(error.message ?? error).slice(0, 300) });
    process.exit(1);
  }
  say(opened.greeting);
  const answers = { memory: () => ({ rss_bytes: process.memoryUsage.rss() }), ...opened.answers };
  for await (const line of createInterface({ input: process.stdin })) {
    try {
      const question = JSON.parse(line);
      say(await answers[question.do](question));
    } catch (error) {
      say({ error: String(error.message ?? error).slice(0, 300) });
    }
  }
  process.exit(0); // native threads of a library may wait for something
}
