// One instance of a pipeline whose limit is shared with the others. SIGTERM drains it.
import { setTimeout as wait } from 'node:timers/promises';
import { call, type Codec, createLogger, definePipeline, json, kafka, OverloadError, start, tokenBudget, topic } from 'millrace';
import { mapConcurrent, retryWithBackoff, withinBudget } from 'millrace/operators';
import { givenToWorker, reportFrom } from '../../helpers/worker.ts';
import { type Case, type Item, mostTokens } from './case.ts';

const { brokers, input, output, url, tokensPerMinute, windowMs } = givenToWorker() as Case;
const items = json() as Codec<Item>;

async function ask(item: Item, signal: AbortSignal): Promise<object> {
  const response = await fetch(url, { method: 'POST', body: JSON.stringify(item), signal });
  if (response.status === 429) throw new OverloadError('429', { status: 429, retryAfterMs: 500 });
  return (await response.json()) as object;
}

const app = await start(
  definePipeline({
    name: input,
    input: topic(input, items),
    output: topic(output, json() as Codec<object>),
    deadLetter: 'stop',
    ordering: 'none',
    resources: {
      // all clocks of the proof are one machine's
      budget: tokenBudget({ tokensPerMinute, windowMs, sharedBy: 'partitions', clockSkewMs: 20, jitterMs: 150 }),
    },
    process: (records, { budget }) =>
      records.pipe(
        mapConcurrent(
          (item) => call(({ signal }) => ask(item, signal)).pipe(withinBudget(budget, { estimate: () => mostTokens }), retryWithBackoff()),
          { concurrency: 24 },
        ),
      ),
  }),
  { transport: kafka({ brokers, sessionTimeoutMs: 3_000 }), log: createLogger({ level: 'error' }) },
);

void app.done.then(() => process.disconnect());
while (app.stats().done === 0 && app.state === 'running') await wait(5);
reportFrom('output');
