import { TransportError } from '../../src/errors.ts';
import { callCache, type CallCache, type CallCacheOptions } from '../../src/policies/call-cache.ts';
import { topicStore, type TopicStoreOptions } from '../../src/policies/topic-store.ts';
import type { SourceRecord } from '../../src/record/record.ts';
import { connect } from '../../src/runtime/connect.ts';
import { silentLog } from '../../src/runtime/logging.ts';
import type { StartOptions } from '../../src/runtime/options.ts';
import { type App, start } from '../../src/runtime/start.ts';
import { memory, type MemoryTransport } from '../../src/transport/memory/memory.ts';
import { type VirtualClock, virtualClock } from '../../src/virtual-clock.ts';
import { askingPipeline } from './asking-pipeline.ts';

export const answers = 'answers';

/** One instance: a pipeline with topics of its own, whose calls go through a cache that is kept in the topic `answers`. */
export interface Instance {
  readonly app: App;
  readonly cache: CallCache;
  readonly outputs: () => readonly string[];
  /** Asks for these, and waits until they are answered. How many calls that took. */
  readonly ask: (...keys: readonly string[]) => Promise<number>;
  readonly store: () => Readonly<Record<string, number>> | undefined;
}

export interface Given {
  readonly store?: Partial<TopicStoreOptions>;
  readonly cache?: CallCacheOptions;
  readonly options?: Partial<StartOptions>;
}

export interface Rig {
  readonly clock: VirtualClock;
  readonly transport: MemoryTransport;
  /** Begins one; the result waits for its start, while time passes. */
  readonly begin: (given?: Given) => Promise<() => Promise<Instance>>;
  /** Starts one. */
  readonly instance: (given?: Given) => Promise<Instance>;
  readonly stop: (instance: Instance) => Promise<void>;
  /** What stands in the topic. */
  readonly stored: () => readonly SourceRecord[];
  /** From now on, requests for the topic of answers fail as long as the result says so; all others work. */
  readonly brokenAnswers: () => { writing: boolean; reading: boolean };
}

/** Instances that keep answers in a topic of three partitions, in virtual time. */
export async function answersRig(): Promise<Rig> {
  const clock = virtualClock(1_000_000);
  const transport = memory({ clock, maxRecordBytes: 4096 });
  await transport.createTopics([{ name: answers, partitions: 3, compacted: true }]);
  let instances = 0;
  const begin = async ({ store, cache: limits, options }: Given = {}): Promise<() => Promise<Instance>> => {
    instances += 1;
    const cache = callCache({ ...limits, store: topicStore({ topic: answers, ...store }) });
    const { pipeline, input, output, calls } = askingPipeline(`p${String(instances)}`, cache);
    await transport.createTopics([input, output]).catch(() => undefined);
    const starting = start(pipeline, { transport, clock, log: silentLog, signals: false, ...options });
    starting.catch(() => undefined);
    const client = connect(transport, { clock });
    return async () => {
      const app = await starting;
      return {
        app,
        cache,
        outputs: () => transport.broker.records(output.name, 0).map(({ value }) => Buffer.from(value ?? []).toString()),
        ask: async (...keys) => {
          const before = calls.length;
          for (const key of keys) await client.produce(input, [{ value: key }]);
          await clock.advance(1_000);
          return calls.length - before;
        },
        store: () => app.stats().policies.find(({ name }) => name === 'cache/store')?.numbers,
      };
    };
  };

  const instance = async (given: Given = {}): Promise<Instance> => {
    const started = await begin(given);
    await clock.advance(100);
    return started();
  };

  const stored = (): readonly SourceRecord[] => [0, 1, 2].flatMap((partition) => transport.broker.records(answers, partition));
  const stop = async ({ app }: Instance): Promise<void> => {
    const drained = app.drain();
    await clock.advance(10_000);
    await drained;
  };

  const brokenAnswers = () => {
    const away = { writing: false, reading: false };
    const { produce, consume } = transport;
    const refused = (why: string): Promise<never> => Promise.reject(new TransportError('transport_unavailable', why));
    transport.produce = async () => {
      const inner = await produce.call(transport);
      return {
        partitionsOf: (name) => inner.partitionsOf(name),
        close: () => inner.close(),
        send: (name, partition, records) =>
          name === answers && away.writing ? refused('no leader') : inner.send(name, partition, records),
      };
    };
    transport.consume = (options, handlers) =>
      options.topics.includes(answers) && away.reading ? refused('no broker') : consume.call(transport, options, handlers);
    return away;
  };
  return { clock, transport, begin, instance, stop, stored, brokenAnswers };
}
