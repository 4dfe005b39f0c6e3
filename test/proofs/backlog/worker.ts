// The pipeline of the proof: in a process of its own, so that its memory is its own.
import { map } from 'rxjs';
import { type App, createLogger, definePipeline, json, kafka, scripted, start, topic } from 'millrace';
import { mapConcurrent } from 'millrace/operators';
import { givenToWorker, reportFrom } from '../../helpers/worker.ts';
import type { Case, Memory } from './case.ts';

const { brokers, warmUp, backlog, output, concurrency, latencyMs } = givenToWorker() as Case;
const everyMs = 250;

const transport = kafka({ brokers });
const model = scripted('fine', { latencyMs, rememberPrompts: 1_000 });
const log = createLogger({ level: 'warn' });

const work = (input: string): Promise<App> =>
  start(
    definePipeline({
      name: input,
      input: topic(input, json()),
      output: topic(output, json()),
      deadLetter: 'stop',
      resources: { model },
      process: (records, resources) =>
        records.pipe(
          mapConcurrent(
            (value, ctx) =>
              resources.model.classify(JSON.stringify(value), { labels: ['fine', 'bad'] }, ctx).pipe(map(({ label }) => ({ label }))),
            { concurrency },
          ),
        ),
    }),
    { transport, log, signals: false },
  );

const apps = [await work(warmUp)];
const telling = setInterval(() => {
  const { rss, heapUsed, external, arrayBuffers } = process.memoryUsage();
  const stats = apps.at(-1)?.stats();
  const { done = 0, failed = 0, recordsInFlight = 0, bytesInFlight = 0, bytesAhead = 0, lag = 0n } = stats ?? {};
  reportFrom('memory', {
    rss,
    heapUsed,
    external,
    arrayBuffers,
    done,
    failed,
    recordsInFlight,
    bytesInFlight,
    bytesAhead,
    lag: Number(lag),
  } satisfies Memory);
}, everyMs);

process.on('message', (message) => {
  if (message === 'work') void work(backlog).then((app) => apps.push(app));
  if (message !== 'stop') return;
  clearInterval(telling);
  void Promise.all(apps.map((app) => app.drain()))
    .then(() => transport.close())
    .then(() => {
      process.disconnect();
    });
});
