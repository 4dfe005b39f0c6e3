// The pipeline of the proof: it tells of each call before it is made, so that a kill hides none.
import { map, timer } from 'rxjs';
import { type Codec, createLogger, definePipeline, json, kafka, start, topic } from 'millrace';
import { mapConcurrent } from 'millrace/operators';
import { givenToWorker, reportFrom } from '../../helpers/worker.ts';
import type { Case, Item } from './case.ts';

const { brokers, input, output, concurrency, latencyMs, slowEvery, sessionTimeoutMs } = givenToWorker() as Case;
const transport = kafka({ brokers, sessionTimeoutMs });
const items = json() as Codec<Item>;

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
            const [least, most] = latencyMs;
            return timer(item.id % slowEvery === 0 ? most * 20 : least + Math.random() * (most - least)).pipe(map(() => item));
          },
          { concurrency },
        ),
      ),
  }),
  { transport, log: createLogger({ level: 'error' }), signals: false },
);

process.on('message', () => {
  void app
    .drain()
    .then(() => transport.close())
    .then(() => {
      const { completedBefore, done } = app.stats();
      reportFrom('stopped', { completedBefore, done });
      process.disconnect();
    });
});
