// The pipeline of the proof, in a process of its own with a small heap: a wide window, a cache that could grow beyond the heap, and ballast.
import { map } from 'rxjs';
import { call, callCache, type Codec, createLogger, definePipeline, json, memory, start, topic } from 'millrace';
import { cachedBy, mapConcurrent } from 'millrace/operators';
import { memoryInUse } from '../../../src/runtime/memory-guard.ts';
import { reportFrom } from '../../helpers/worker.ts';
import { hardHeapBytes, type Sample } from './case.ts';

const answerBytes = 10_000;
const aSend = 50;
const everyMs = 100;

const transport = memory({ retentionBytes: 4 * 2 ** 20 });
const ids = json() as Codec<number>;
const cache = callCache({ maxBytes: 2 ** 30, bytesOf: () => answerBytes });
/** A string of its own on the heap. */
const answerTo = (id: number): string => Buffer.alloc(answerBytes, String(id)).toString('latin1');

const app = await start(
  definePipeline({
    name: 'memory',
    input: topic('in', ids),
    output: topic('out', ids),
    deadLetter: 'stop',
    ordering: 'none',
    resources: { cache },
    process: (records, { cache: opened }) =>
      records.pipe(
        mapConcurrent(
          (id) =>
            call(() => Promise.resolve(answerTo(id))).pipe(
              cachedBy(opened, String(id)),
              map(() => id),
            ),
          { concurrency: 32 },
        ),
      ),
  }),
  { transport, memory: { hardHeapBytes }, createTopics: true, log: createLogger({ level: 'error' }), signals: false },
);

const ballast: string[][] = [];
let written = 0;
let sendEveryMs = 10;
const feed = new AbortController();
const writer = await transport.produce();
const feeding = (async () => {
  while (!feed.signal.aborted) {
    const records = Array.from({ length: aSend }, (_, i) => ({ key: null, value: ids.encode(written + i), headers: [] }));
    await writer.send('in', 0, records);
    written += aSend;
    await new Promise((resolve) => setTimeout(resolve, app.stats().lag > 5_000n ? 200 : sendEveryMs)); // what the broker keeps is bounded
  }
})();

const sample = (): Sample => {
  const { intakeShare: share, pausedBy, troubles, done, failed, recordsInFlight: inFlight, policies } = app.stats();
  return { heap: memoryInUse().heap, share, pausedBy, troubles, cached: policies[0]?.used ?? 0, written, done, failed, inFlight };
};
const telling = setInterval(() => {
  reportFrom('sample', sample());
}, everyMs);

process.on('message', (message) => {
  if (message === 'slower') sendEveryMs = 100; // a leak fills the heap then, not what is done meanwhile
  if (message === 'heavier') ballast.push(Array.from({ length: 40 }, (_, i) => answerTo(i)));
  if (message === 'lighter') ballast.length = 0;
  if (message === 'dry') feed.abort();
  if (message !== 'stop') return;
  clearInterval(telling);
  void feeding
    .then(() => app.drain())
    .then(() => {
      reportFrom('stopped', sample());
      process.disconnect();
    });
});
