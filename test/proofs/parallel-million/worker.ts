import { parallel } from '../../../pipelines/parallel/index.ts';
import { scripted } from '../../../src/inference/scripted/scripted.ts';

/*
 * Works on so many tasks in one submission, and says on stdout how many results there were, what they add up to, and how much memory was held, at each 5 % of them.
 */
const [given = ''] = process.argv.slice(2);
const count = Number(given);

function* tasks(): Generator<string, void, undefined> {
  for (let n = 0; n < count; n += 1) yield String(n);
}

const say = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);
await using engine = parallel({ model: scripted(({ text }) => text, { rememberPrompts: 1_000 }), maxWorkers: 16, batchSize: 4 });
const results = engine.submit(tasks());
const startedMs = performance.now();
const seen = new Uint8Array(count);
const counts = { read: 0, right: 0, twice: 0, mostInFlight: 0, firstMs: 0 };
for await (const one of results) {
  counts.read += 1;
  if (counts.read === 1) counts.firstMs = performance.now() - startedMs;
  if (seen[one.index] === 1) counts.twice += 1;
  seen[one.index] = 1;
  if (one.status === 'success' && one.result === String(one.index) && one.input === one.result) counts.right += 1;
  if (counts.read % 16 === 0) counts.mostInFlight = Math.max(counts.mostInFlight, engine.stats().inFlight);
  if (counts.read % Math.ceil(count / 20) > 0) continue;
  globalThis.gc?.();
  const { rss, heapUsed } = process.memoryUsage();
  say({ read: counts.read, rss, heapUsed });
}
say({ ...counts, ms: performance.now() - startedMs });
