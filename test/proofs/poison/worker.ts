// The pipeline of the proof: it fails where a record says so, and tells how far it is.
import { map, timer } from 'rxjs';
import { createLogger, definePipeline, json, kafka, start, topic } from 'millrace';
import { mapConcurrent } from 'millrace/operators';
import { z } from 'zod';
import { givenToWorker, reportFrom } from '../../helpers/worker.ts';
import type { Case } from './case.ts';

const { brokers, input, output, deadLetter, concurrency, records: expected } = givenToWorker() as Case;
const transport = kafka({ brokers });
type Nested = readonly Nested[];
const Nested: z.ZodType<Nested> = z.lazy(() => z.array(Nested));
const Item = z.object({ id: z.number(), does: z.enum(['pass', 'throws', 'ends']), more: Nested.optional() });

const app = await start(
  definePipeline({
    name: 'poison',
    input: topic(input, json(Item)),
    output: topic(output, json(Item)),
    deadLetter: topic(deadLetter),
    process: (items) =>
      items.pipe(
        // outside of any operator of ours: this ends the stream, with all that is in it
        map((envelope) => {
          if (envelope.value.does === 'ends') throw new Error('this record ends the stream');
          return envelope;
        }),
        mapConcurrent(
          (item) => {
            if (item.does === 'throws') throw new Error('this record always throws');
            return timer(1).pipe(map(() => item));
          },
          { concurrency },
        ),
      ),
  }),
  { transport, log: createLogger({ level: 'silent' }), signals: false },
);

let rss = 0;
const timer50 = setInterval(() => {
  rss = Math.max(rss, process.memoryUsage.rss());
  const { done, failed, restarts } = app.stats();
  if (done + failed < expected) return;
  clearInterval(timer50);
  void app
    .drain()
    .then(() => transport.close())
    .then(() => {
      reportFrom('stopped', { done, failed, restarts, rss });
      process.disconnect();
    });
}, 50);
reportFrom('started', { rss: process.memoryUsage.rss() });
