// The pipeline of the proof: its calls fail for as long as their records say, in a way that may pass. SIGTERM drains it.
import { map, throwError, timer } from 'rxjs';
import { type Codec, createLogger, definePipeline, json, kafka, start, topic } from 'millrace';
import { mapConcurrent } from 'millrace/operators';
import { givenToWorker, reportFrom } from '../../helpers/worker.ts';
import type { Answer, Case, Item } from './case.ts';

const { brokers, topics, delivery, delaysMs, sessionTimeoutMs } = givenToWorker() as Case;

const app = await start(
  definePipeline({
    name: topics.group,
    input: topic(topics.input, json() as Codec<Item>),
    output: topic(topics.output, json() as Codec<Answer>),
    deadLetter: topic(topics.dead),
    delivery,
    retry: 'none',
    retryTopics: { delaysMs, prefix: `${topics.group}.retry`, orderLoss: 'accept' },
    process: (items) =>
      items.pipe(
        mapConcurrent(
          ({ id, failsUntilMs = 0 }) => {
            const calledMs = Date.now();
            // at once, so that the time of the failure is that of the call
            if (failsUntilMs === null || calledMs < failsUntilMs)
              return throwError(() => Object.assign(new Error('a socket that broke'), { code: 'ECONNRESET' }));
            return timer(5).pipe(map(() => ({ id, calledMs })));
          },
          { concurrency: 64 },
        ),
      ),
  }),
  { transport: kafka({ brokers, sessionTimeoutMs }), log: createLogger({ level: 'error' }) },
);

void app.done.then(() => {
  const { done, failed, retriedLater } = app.stats();
  reportFrom('stopped', { done, failed, retriedLater });
  process.disconnect();
});
reportFrom('started');
