import { call, isStreamError, scripted } from 'millrace';
import { clean, inputs, isolated, parallel, type Results, steps } from 'millrace/parallel';

/* What a user does with millrace/parallel: a line for each thing that is true, or is not. */
const ok = (what: string, is: boolean): void => console.log(`${is ? 'ok' : 'not ok'} ${what}`);
const sleep = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    };
    signal.addEventListener('abort', stop, { once: true });
  });

const model = scripted(({ text }) => ({ text: `about ${text}`, latencyMs: 10 }));
await using asking = parallel({ model, maxWorkers: 4, batchSize: 8, gpu: 'auto' });
const startedMs = performance.now();
const results: Results<unknown, string> = asking.submit(['a', 'b'], { priority: 2, deadlineMs: 5_000 });
ok('submit returns at once', performance.now() - startedMs < 50);
const seen: string[] = [];
for await (const one of results) if (one.status === 'success') seen.push(one.result);
ok('for await', seen.sort().join() === 'about a,about b');
ok(
  'all, in the order of the input',
  (await asking.submit(['x', 'y', 'z']).all()).map((one) => one.status === 'success' && one.result).join() === 'about x,about y,about z',
);
ok('promise', (await asking.submit(['p', 'q']).promise).join() === 'about p,about q');
const streamed = await new Promise<number>((resolve, reject) => {
  let count = 0;
  asking.submit(['1', '2', '3']).observable.subscribe({ next: () => (count += 1), error: reject, complete: () => resolve(count) });
});
ok('observable', streamed === 3);

let most = 0;
let now = 0;
await using engine = parallel({
  maxWorkers: 8,
  shares: { search: 3, backfill: { weight: 1, memory: 0.5 } },
  memory: 8,
  memoryOf: () => 1,
  run: (ms: number) =>
    call(async (ctx) => {
      most = Math.max(most, (now += 1));
      try {
        await sleep(ms, ctx.signal);
      } finally {
        now -= 1;
      }
      return ms;
    }),
});
const long = engine.submit([20, 60_000, 60_000]);
setTimeout(() => long.cancel(), 300);
ok('cancel', (await long.all()).map((one) => one.status).join() === 'success,cancelled,cancelled');
const [late] = await engine.submit([60_000], { deadlineMs: 100 }).all();
ok('deadline', late?.status === 'error' && isStreamError(late.error) && late.error.code === 'deadline_exceeded');
most = 0;
await engine.submit([5, 5, 5, 5], { serial: true }).all();
ok('serial tasks one after the other', most === 1);
most = 0;
await Promise.all([engine.submit([5, 5], { key: 'k' }).all(), engine.submit([5, 5], { key: (ms) => `k${ms > 9 ? '2' : ''}` }).all()]);
ok('tasks with one key one after the other', most === 1);
most = 0;
const backfill = engine.submit(
  Array.from({ length: 12 }, () => 20),
  { share: 'backfill', priority: -1 },
);
await backfill.all();
ok('a share of the memory', most === 4);
engine.setShare('backfill', { memory: 1 });
most = 0;
await engine
  .submit(
    Array.from({ length: 12 }, () => 20),
    { share: 'backfill' },
  )
  .all();
ok('which is adjusted while it runs', most === 8);

const apart = isolated<{ readonly n: number }, number>(new URL('./step.ts', import.meta.url));
await using separate = parallel({ run: apart.run, attempts: 1 });
const ends = await separate.submit([1, 2, 3].map((n) => ({ n }))).all();
ok(
  'a step in processes of its own, one of which ends',
  ends.map((one) => (one.status === 'success' ? one.result : one.status)).join() === '10,error,30',
);
await separate.close();
await apart.close();

const tidy = steps(clean.whitespace(), clean.regex(/\d+/));
const batches: number[] = [];
for await (const batch of inputs.batch(inputs.shuffle([' a 1', 'b  2', 'c'].map(tidy), { seed: 3 }), { size: 2 }))
  batches.push(batch.length);
ok('an input pipeline', batches.join() === '2,1');
console.log('ok the end');
