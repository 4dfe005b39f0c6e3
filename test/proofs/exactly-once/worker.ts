// A member of the group whose transactions can be stopped in their middle, when everything is written and nothing is committed.
import { map, timer } from 'rxjs';
import { type Codec, createLogger, definePipeline, isStreamError, json, kafka, start, topic } from 'millrace';
import { mapConcurrent } from 'millrace/operators';
import type { Transaction, TransactionalProducer } from '../../../src/transport/transport.ts';
import { passThrough } from '../../helpers/pass-through.ts';
import { givenToWorker, reportFrom } from '../../helpers/worker.ts';
import { type Case, type Item, transactionHeader } from './case.ts';

const { brokers, input, output, sessionTimeoutMs, isFenced } = givenToWorker() as Case;
const inner = kafka({ brokers, sessionTimeoutMs });
const items = json() as Codec<Item>;
let stopsInWindow = false;

/**
 * Stops this very process, as SIGSTOP from outside would, until somebody sends SIGCONT. It goes on in the same breath: before
 * any timer could tell the engine that its session is over, so that nothing but the log can refuse what follows.
 */
async function standStill(partition: number): Promise<void> {
  stopsInWindow = false;
  reportFrom('in-window', { partition });
  await new Promise((resume) => setTimeout(resume, 20)); // until the word is out
  process.kill(process.pid, 'SIGSTOP');
  const untilMs = performance.now() + 50;
  while (performance.now() < untilMs); // the signal may take a moment; time passes while the process stands
}

let transactions = 0;

/** Marks what a transaction writes with its name, and tells which of them the log has refused. */
const windowed = (transaction: Transaction, partition: number): Transaction => {
  let hasSent = false;
  const name = `${String(process.pid)}.${String((transactions += 1))}`;
  const refusable = async (step: () => Promise<void>): Promise<void> => {
    try {
      await step();
    } catch (error) {
      if (isStreamError(error) && error.code === 'fenced') reportFrom('refused', { name });
      throw error;
    }
  };
  return {
    send: async (to, at, records) => {
      const base = await transaction.send(
        to,
        at,
        records.map((record) => ({ ...record, headers: [...record.headers, [transactionHeader, Buffer.from(name)]] })),
      );
      hasSent = true;
      return base;
    },
    storeOffsets: (...args) => refusable(() => transaction.storeOffsets(...args)),
    commit: async () => {
      if (stopsInWindow && hasSent) await standStill(partition);
      await refusable(() => transaction.commit());
    },
    abort: () => transaction.abort(),
  };
};

/** A writer that is opened when it is first used. */
function lazy(open: () => Promise<TransactionalProducer>): TransactionalProducer {
  let opened: Promise<TransactionalProducer> | undefined;
  return {
    begin: async () => (await (opened ??= open())).begin(),
    close: async () => (await opened?.catch(() => undefined))?.close(),
  };
}

const transport = passThrough(inner, {
  transact: async (options) => {
    const partition = Number(options.transactionalId.split('-').at(-1));
    const open = (): Promise<TransactionalProducer> => inner.transact(options);
    const writer = isFenced ? await open() : lazy(open);
    return { begin: async () => windowed(await writer.begin(), partition), close: () => writer.close() };
  },
  consume: (options, handlers) =>
    inner.consume(options, {
      ...handlers,
      assigned: (partitions) => {
        reportFrom('assigned', { partitions: partitions.map(({ partition }) => partition) });
        handlers.assigned(partitions);
      },
    }),
});

const app = await start(
  definePipeline({
    name: input,
    input: topic(input, items),
    output: topic(output, items),
    deadLetter: 'stop',
    delivery: 'exactly-once',
    process: (records) => records.pipe(mapConcurrent((item) => timer(1 + Math.random() * 20).pipe(map(() => item)), { concurrency: 64 })),
  }),
  { transport, log: createLogger({ level: 'error' }), signals: false },
);
app.done.catch((error: unknown) => {
  reportFrom('failed', { why: error instanceof Error ? error.message : String(error) });
  process.exitCode = 1;
});
reportFrom('started');

process.on('message', (message) => {
  if (message === 'stop-in-window') stopsInWindow = true;
  if (message !== 'end') return;
  void app
    .drain()
    .then(() => inner.close())
    .then(() => {
      const { transactions, done } = app.stats();
      reportFrom('ended', { ...transactions, done });
      process.disconnect();
    });
});
