// The same through the engine, with everything it guarantees: order of keys, commits behind what is settled, bounded memory.
import { definePipeline, json, kafka, start, topic } from 'millrace';
import { mapValue } from 'millrace/operators';
import { givenToWorker, reportFrom } from '../../helpers/worker.ts';
import { Meter } from './meter.ts';
import { type Order, type Task, work } from './work.ts';

const { brokers, group, input, output, records, delivery = 'at-least-once' } = givenToWorker() as Task;
const lookEveryMs = 10;

const transport = kafka({ brokers });
const pipeline = definePipeline({
  name: group,
  input: topic(input, json()),
  output: topic(output, json()),
  deadLetter: 'stop',
  delivery,
  process: (orders) =>
    orders.pipe(
      mapValue((order) => {
        meter.first();
        return work(order as Order);
      }),
    ),
});
const meter = new Meter(records, async () => {
  clearInterval(looking);
  await app.drain();
  await transport.close();
});
const app = await start(pipeline, { transport });
reportFrom('ready');
const looking = setInterval(() => {
  if (records !== undefined) meter.done(app.stats().done);
}, lookEveryMs);
