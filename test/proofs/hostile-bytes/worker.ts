// The pipeline of the proof: it reads what its codecs make of three topics, and says of each record when that was sent.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { createLogger, definePipeline, json, kafka, start, topic } from 'millrace';
import { mapValue } from 'millrace/operators';
import { givenToWorker, reportFrom } from '../../helpers/worker.ts';
import { codecOf } from './codec-of.ts';
import { type Answer, inputs, type Progress, type Scene, isGood } from './scene.ts';

const { brokers, output, deadLetter } = givenToWorker() as Scene;
const transport = kafka({ brokers });

const app = await start(
  definePipeline({
    name: 'hostile-bytes',
    input: {
      avro: topic(inputs.avro, codecOf('avro')),
      framed: topic(inputs['avro framed'], codecOf('avro framed')),
      schemas: topic(inputs['json schema framed'], codecOf('json schema framed')),
      json: topic(inputs.json, codecOf('json')),
      numbers: topic(inputs['json with a schema'], codecOf('json with a schema')),
    },
    output: topic(output, json()),
    deadLetter: topic(deadLetter),
    process: (all) =>
      all.pipe(
        mapValue(
          (value, { position: { partition }, timestampMs }): Answer => ({ appendedMs: isGood(value) ? timestampMs : null, partition }),
        ),
      ),
  }),
  { transport, log: createLogger({ level: 'silent' }), signals: false },
);

process.once('disconnect', () => {
  process.exit(1); // whoever wanted to know is gone
});
const loop = monitorEventLoopDelay({ resolution: 5 });
loop.enable();
const before = process.memoryUsage.rss();
let records = Number.POSITIVE_INFINITY; // to be waited for, once that is known
process.once('message', (count) => {
  records = Number(count);
});
const looking = setInterval(() => {
  const { done, failed } = app.stats();
  if (done + failed < records) return;
  clearInterval(looking);
  void app
    .drain()
    .then(() => transport.close())
    .then(() => {
      process.removeAllListeners('disconnect');
      reportFrom('stopped', {
        done,
        failed,
        grown: process.resourceUsage().maxRSS * 1024 - before,
        longestMs: loop.max / 1e6,
      } satisfies Progress);
      process.disconnect();
    });
}, 250); // each look adds up all that is counted
reportFrom('started');
