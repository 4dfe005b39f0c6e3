import { mapConcurrent, retryWithBackoff, withinBudget } from '../../../operators/index.ts';
import type { Codec } from '../../../src/codec/codec.ts';
import { json } from '../../../src/codec/json.ts';
import { TransportError } from '../../../src/errors.ts';
import { definePipeline, topic } from '../../../src/pipeline.ts';
import { tokenBudget, type TokenBudgetOptions } from '../../../src/policies/token-budget.ts';
import { silentLog } from '../../../src/runtime/logging.ts';
import { start } from '../../../src/runtime/start.ts';
import type { MemoryTransport } from '../../../src/transport/memory/memory.ts';
import type { Consumer, Transport } from '../../../src/transport/transport.ts';
import type { VirtualClock } from '../../../src/virtual-clock.ts';
import { limit, type StrictServer } from './strict-server.ts';

export interface InstanceOptions {
  readonly delivery: 'at-least-once' | 'exactly-once';
  /** @defaultValue 'partitions' */
  readonly sharedBy?: TokenBudgetOptions['sharedBy'];
  /** @defaultValue the server's limit */
  readonly tokensPerMinute?: number;
}

export interface Instance {
  leave(): Promise<void>;
  /** Its partitions are others'; it hears of nothing for a while, and goes on calling. The result lets it reach the log again. */
  expel(noticeMs: number): () => void;
  crash(): Promise<void>;
}

/** An instance with a budget of its own, and its end of the log, which can be cut. */
export async function instanceOf(
  clock: VirtualClock,
  shared: MemoryTransport,
  server: StrictServer,
  { delivery, sharedBy = 'partitions', tokensPerMinute = limit }: InstanceOptions,
): Promise<Instance> {
  let isCut = false;
  let consumer: Consumer | undefined;
  const transport: Transport = {
    ...shared,
    name: shared.name,
    consume: async (options, handlers) => {
      const joined = (consumer = await shared.consume(options, handlers));
      return {
        ...joined,
        pause: (all) => joined.pause(all),
        resume: (all) => joined.resume(all),
        verify: () => undefined, // it stands for one that does not notice
        stillOwned: (all) => joined.stillOwned(all),
        close: () => joined.close(),
        commit: (offsets) => (isCut ? Promise.reject(new TransportError('transport_unavailable', 'cut')) : joined.commit(offsets)),
      };
    },
    produce: (options) => shared.produce(options),
    transact: (options) => (isCut ? Promise.reject(new TransportError('transport_unavailable', 'cut')) : shared.transact(options)),
    committed: (group, all) => shared.committed(group, all),
    describeTopics: (names) => shared.describeTopics(names),
    createTopics: (topics) => shared.createTopics(topics),
    close: () => Promise.resolve(),
  };
  const pipeline = definePipeline({
    name: 'shared',
    input: topic('in', json() as Codec<number>),
    output: topic('out', json()),
    deadLetter: topic('dead'),
    ordering: 'none',
    delivery,
    deadlineMs: 3_600_000,
    resources: { budget: tokenBudget({ tokensPerMinute, requestsPerMinute: 6_000, sharedBy }) },
    process: (numbers, { budget }) =>
      numbers.pipe(
        mapConcurrent(
          (number) =>
            server
              .call(number)
              .pipe(withinBudget(budget, { estimate: () => ({ inputTokens: 200, outputTokens: 700 }) }), retryWithBackoff()),
          { concurrency: 40 },
        ),
      ),
  });
  const starting = start(pipeline, { transport, clock, log: silentLog, signals: false });
  await clock.advance(200);
  const app = await starting;
  app.done.catch(() => undefined);
  return {
    leave: async () => {
      const left = app.drain({ deadlineMs: 5_000 });
      await clock.advance(8_000);
      await left;
    },
    expel: (noticeMs: number) => {
      isCut = true;
      if (consumer) shared.broker.expel(consumer, { noticeMs });
      return () => (isCut = false);
    },
    crash: async () => {
      isCut = true;
      if (consumer) shared.broker.expel(consumer, { noticeMs: 0 });
      const left = app.drain({ deadlineMs: 0 });
      await clock.advance(3_000);
      await left;
    },
  };
}
