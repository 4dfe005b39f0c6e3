// A member of a group that joins and leaves when it is told to, and writes down its calls.
import { defer, finalize, map, type Observable, timer } from 'rxjs';
import { type App, type Codec, type Envelope, createLogger, definePipeline, json, kafka, type LogLevel, start, topic } from 'millrace';
import { batchWithin, mapConcurrent, retryWithBackoff, unbatch } from 'millrace/operators';
import { givenToWorker, reportFrom } from '../worker.ts';
import { CallLog } from './call-log.ts';
import type { Item, WorkerCase } from './case.ts';

const given = givenToWorker() as WorkerCase;
const { concurrency, latencyMs, batchOf, retriedEvery } = given;
const calls = new CallLog(given.callLog);
const items = json() as Codec<Item>;

/** Waits a while, as a model would take it; the first attempt for some records fails. */
function work<T>(ids: readonly number[], attempt: number, result: T): Observable<T> {
  const ended = calls.started(ids);
  const fails = attempt === 1 && retriedEvery > 0 && ids.some((id) => id % retriedEvery === 0);
  let isOver = false;
  const end = (how: 'done' | 'failed' | 'aborted'): void => {
    if (!isOver) ended(how);
    isOver = true;
  };
  const [least, most] = latencyMs;
  return timer(least + Math.random() * (most - least)).pipe(
    map(() => {
      end(fails ? 'failed' : 'done');
      if (fails) throw Object.assign(new Error('a socket that broke'), { code: 'ECONNRESET' });
      return result;
    }),
    finalize(() => {
      end('aborted');
    }),
  );
}

/** Each attempt is a call of its own. */
function tried<T>(ids: readonly number[], result: T): Observable<T> {
  let attempt = 0;
  return defer(() => work(ids, (attempt += 1), result)).pipe(retryWithBackoff({ attempts: 3, initialMs: 5, maxMs: 20 }));
}

type Flow = Observable<Envelope<Item>>;
const one = (records: Flow): Flow => records.pipe(mapConcurrent((item: Item) => tried([item.id], item), { concurrency }));
const inBatches = (records: Flow): Flow =>
  records.pipe(
    batchWithin({ maxSize: batchOf, maxWaitMs: 20 }),
    mapConcurrent(
      (batch: readonly Item[]) =>
        tried(
          batch.map(({ id }) => id),
          batch,
        ),
      { concurrency: Math.ceil(concurrency / batchOf) },
    ),
    unbatch(),
  );
const withoutKey = (envelopes: Flow): Flow => envelopes.pipe(map((envelope) => envelope.with(envelope.value, { key: null })));

const pipeline = definePipeline({
  name: given.group,
  input: topic(given.input, items),
  output: topic(given.output, items),
  deadLetter: 'stop',
  process: (records) => {
    const results = (batchOf > 0 ? inBatches : one)(records);
    return given.keyless ? withoutKey(results) : results;
  },
});

const { brokers, sessionTimeoutMs } = given;
const level = (process.env['PROOF_LOG'] ?? 'error') as LogLevel;
let app: App | undefined;
let transport: ReturnType<typeof kafka> | undefined;

async function join(): Promise<void> {
  transport = kafka({ brokers, sessionTimeoutMs, clientId: given.who });
  app = await start(pipeline, { transport, log: createLogger({ level, fields: { who: given.who } }), signals: false });
  const present = app;
  present.done.catch((error: unknown) => {
    process.stderr.write(`${given.who}: ${String(error)}\n`);
    process.exit(1); // whoever started it sees that
  });
  reportFrom('joined');
}

async function leave(): Promise<void> {
  await app?.drain();
  await transport?.close();
  const { done = 0, givenBack = 0, completedBefore = 0 } = app?.stats() ?? {};
  app = undefined;
  reportFrom('left', { done, givenBack, completedBefore });
}

let last = Promise.resolve();
process.on('message', (said) => {
  last = last
    .then(() => (said === 'join' ? join() : said === 'leave' ? leave() : process.exit(0)))
    .catch((error: unknown) => {
      process.stderr.write(`${given.who}: ${String(error)}\n`);
      process.exit(1);
    });
});
process.on('disconnect', () => process.exit(0)); // whoever started it is gone
reportFrom('ready');
