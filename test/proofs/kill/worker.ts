// The pipeline of the proofs: it tells of each call before it is made, so that a kill hides none, and of its first output. SIGTERM drains it.
import { setTimeout as wait } from 'node:timers/promises';
import { map, timer } from 'rxjs';
import { call, type Codec, createLogger, definePipeline, json, kafka, start, topic } from 'millrace';
import { mapConcurrent } from 'millrace/operators';
import type { OffsetCommit, Transport } from '../../../src/transport/transport.ts';
import { givenToWorker, reportFrom } from '../../helpers/worker.ts';
import type { Case, Item } from './case.ts';

const given = givenToWorker() as Case;
const { brokers, input, output, concurrency, latencyMs, slowEvery, hang = 0, sessionTimeoutMs, drainDeadlineMs } = given;
const inner = kafka({ brokers, ...(sessionTimeoutMs === undefined ? {} : { sessionTimeoutMs }) });
/** The same, and it tells how long each commit took. */
const transport: Transport = {
  ...inner,
  consume: async (options, handlers) => {
    const consumer = await inner.consume(options, handlers);
    const commit = consumer.commit.bind(consumer);
    return Object.assign(consumer, {
      commit: async (offsets: readonly OffsetCommit[]) => {
        const startedMs = performance.now();
        const result = await commit(offsets);
        reportFrom('commit', { ms: performance.now() - startedMs });
        return result;
      },
    });
  },
};
const items = json() as Codec<Item>;
const forever = 2 ** 31 - 1;

const app = await start(
  definePipeline({
    name: input,
    input: topic(input, items),
    output: topic(output, items),
    deadLetter: 'stop',
    process: (records) =>
      records.pipe(
        mapConcurrent(
          (item) => {
            reportFrom('call', { id: item.id });
            if (item.id < hang) return call(() => wait(forever, item));
            const [least, most] = latencyMs;
            return timer((item.id + 1) % slowEvery === 0 ? most * 20 : least + Math.random() * (most - least)).pipe(map(() => item));
          },
          { concurrency },
        ),
      ),
  }),
  { transport, log: createLogger({ level: 'error' }), ...(drainDeadlineMs === undefined ? {} : { drainDeadlineMs }) },
);

void app.done.then(() => {
  const { completedBefore, done, aborted } = app.stats();
  reportFrom('stopped', { completedBefore, done, aborted });
  process.disconnect();
});
while (app.stats().done === 0 && app.state === 'running') await wait(5);
reportFrom('output');
