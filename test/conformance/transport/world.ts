import { expect } from 'vitest';
import { sleep, systemClock } from '../../../src/clock.ts';
import type { OutputRecord } from '../../../src/record/record.ts';
import type {
  Consumer,
  ConsumeOptions,
  Producer,
  StoredOffset,
  TransactionalProducer,
  TransactOptions,
  Transport,
} from '../../../src/transport/transport.ts';
import { Watcher } from './watcher.ts';

/** What a transport gives to be tested. Rules that need a hook which is missing fail, unless they are skipped with a reason. */
export interface TransportUnderTest {
  readonly transport: Transport;
  /** A name that nothing on this broker has; for topics, groups. */
  freshName(prefix: string): string;
  close(): Promise<void>;
  /** Another client of the same broker, as a second process would have. */
  newTransport?(): Transport | Promise<Transport>;
  /** Ends a consumer's membership without its knowledge, as the end of its session does. */
  expel?(consumer: Consumer): void | Promise<void>;
  /** Deletes the records before an offset. */
  truncate?(topic: string, partition: number, before: bigint): void | Promise<void>;
  /** Makes a topic a compacted one. */
  setCompacted?(topic: string): void | Promise<void>;
  /** Makes the next offset of a partition one that holds no record. */
  leaveGap?(topic: string, partition: number): void | Promise<void>;
  /** Takes the broker away and brings it back with its data. */
  readonly bounceBroker?: { down(): void | Promise<void>; up(): void | Promise<void> };
}

export interface Patience {
  /** How long something may take that must happen. @defaultValue 30 s */
  readonly eventuallyMs: number;
  /** How long something is watched that must not happen. @defaultValue 100 ms */
  readonly quietMs: number;
}

export interface Joined {
  readonly watcher: Watcher;
  readonly consumer: Consumer;
}

const encoder = new TextEncoder();

export const record = (value: string, rest: Partial<OutputRecord> = {}): OutputRecord => ({
  key: null,
  value: encoder.encode(value),
  headers: [],
  ...rest,
});
export const numbered = (count: number, prefix = 'v'): OutputRecord[] =>
  Array.from({ length: count }, (_, index) => record(`${prefix}${String(index)}`));

export const stored = (topic: string, offset: bigint, metadata = '', partition = 0): StoredOffset => ({
  topic,
  partition,
  offset,
  metadata,
});

/** What one test of the suite works with; everything it opens is closed after the test. */
export class World {
  readonly under: TransportUnderTest;
  readonly #patience: Patience;
  readonly #closers: (() => Promise<void>)[] = [];
  readonly #watchers: Watcher[] = [];
  #writer: Promise<Producer> | undefined;

  constructor(under: TransportUnderTest, patience: Patience) {
    this.under = under;
    this.#patience = patience;
  }

  get transport(): Transport {
    return this.under.transport;
  }

  /** A hook that the rule cannot do without. */
  hook<K extends 'newTransport' | 'expel' | 'truncate' | 'setCompacted' | 'leaveGap' | 'bounceBroker'>(
    name: K,
  ): Exclude<TransportUnderTest[K], undefined> {
    const hook = this.under[name];
    if (hook === undefined) throw new Error(`this rule needs the hook ${name}: give it in make(), or skip the rule with a reason`);
    return hook as Exclude<TransportUnderTest[K], undefined>;
  }

  async topic(partitions = 1): Promise<string> {
    const name = this.under.freshName('topic');
    await this.transport.createTopics([{ name, partitions }]);
    return name;
  }

  group(): string {
    return this.under.freshName('group');
  }

  async producer(transport = this.transport): Promise<Producer> {
    const producer = await transport.produce();
    this.#closers.push(() => producer.close());
    return producer;
  }

  /** A transactional writer; without a name one that nobody else has. */
  async transact(transactionalId = this.under.freshName('writer'), options: Partial<TransactOptions> = {}): Promise<TransactionalProducer> {
    const writer = await this.transport.transact({ transactionalId, ...options });
    this.#closers.push(() => writer.close());
    return writer;
  }

  /** What a group has committed for one partition. */
  async committed(groupId: string, topic: string, partition = 0): Promise<StoredOffset | undefined> {
    return (await this.transport.committed(groupId, [{ topic, partition }]))[0];
  }

  async high(topic: string, partition = 0): Promise<bigint | undefined> {
    return (await this.transport.describeTopics([topic])).get(topic)?.partitions[partition]?.high;
  }

  async send(topic: string, partition: number, records: readonly OutputRecord[]): Promise<bigint> {
    this.#writer ??= this.producer();
    return (await this.#writer).send(topic, partition, records);
  }

  /** Joins a group. Returns once the group is joined, with or without partitions. */
  async join(
    groupId: string,
    topics: readonly string[],
    options: Partial<ConsumeOptions> & { readonly transport?: Transport; readonly watch?: (watcher: Watcher) => void } = {},
  ): Promise<Joined> {
    const { transport = this.transport, watch, ...rest } = options;
    const watcher = new Watcher(rest.maxFetchBytes ?? 2 ** 18);
    watch?.(watcher);
    this.#watchers.push(watcher);
    const consumer = await transport.consume({ groupId, topics, from: 'earliest', ...rest }, watcher);
    this.#closers.push(() => consumer.close());
    return { watcher, consumer };
  }

  /** Joins a group of its own. */
  reader(topic: string): Promise<Joined> {
    return this.join(this.group(), [topic]);
  }

  /** Everything that was delivered, in its order, is these values, now or before long. */
  sees({ watcher }: Joined, values: readonly string[]): Promise<void> {
    return this.eventually(() => {
      expect(watcher.values).toEqual(values);
    });
  }

  /** Joins, and waits until exactly these partitions are owned. */
  async joinOwning(owned: readonly string[], ...args: Parameters<World['join']>): Promise<Joined> {
    const joined = await this.join(...args);
    await this.owns(joined, owned);
    return joined;
  }

  owns({ watcher }: Joined, owned: readonly string[]): Promise<void> {
    return this.eventually(() => {
      expect(watcher.owned).toEqual([...owned].sort());
    });
  }

  /** Waits until `check` no longer throws; then what it threw last is the test's failure. */
  async eventually(check: () => void | Promise<void>): Promise<void> {
    const endMs = systemClock.nowMs() + this.#patience.eventuallyMs;
    for (;;) {
      try {
        await check();
        return;
      } catch (error) {
        if (systemClock.nowMs() > endMs) throw error;
      }
      await sleep(systemClock, 10);
    }
  }

  /** Time in which something that must not happen would have happened. */
  async quiet(): Promise<void> {
    await sleep(systemClock, this.#patience.quietMs);
  }

  async close({ consumer, watcher }: Joined): Promise<void> {
    await consumer.close();
    watcher.closed = true;
  }

  /** Closes everything and returns the breaches of the rules that hold at all times. */
  async end(): Promise<readonly string[]> {
    for (const close of this.#closers.reverse()) await close();
    for (const watcher of this.#watchers) watcher.closed = true;
    return this.#watchers.flatMap((watcher) => watcher.breaches);
  }
}
