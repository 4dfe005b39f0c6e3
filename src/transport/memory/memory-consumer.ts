import type { CancelTimer } from '../../clock.ts';
import { messageOf, TransportError } from '../../errors.ts';
import type { Consumer, ConsumeHandlers, ConsumeOptions, Fetch, OffsetCommit, OwnedPartition } from '../transport.ts';
import { type Broker, type Gained, type Member, partitionKey } from './broker.ts';

/** What the consumer knows of a partition it owns. */
interface Held extends OwnedPartition {
  readonly key: string;
  /** Next offset to read. */
  position: bigint;
  paused: boolean;
  revoking: boolean;
  /** A fetch is under way; it is delivered even if the partition is paused meanwhile. */
  fetching: boolean;
}

export interface MemoryConsumerOptions extends ConsumeOptions {
  readonly maxFetchBytes: number;
  readonly maxFetchRecords: number;
  readonly revokeTimeoutMs: number | undefined;
}

// Deliveries in one go before timers and sockets get their turn.
const mostTurns = 16;

const ownedPart = ({ topic, partition, epoch }: OwnedPartition): OwnedPartition => ({ topic, partition, epoch });

/**
 * A member of a group. Everything it is told goes into one queue, and everything it delivers leaves through one loop,
 * which runs from the clock: so handlers are never called from within a call of ours, nor two at a time. Holds the
 * events of the rebalances that are not delivered yet, and one fetch per partition while `fetchMs` is set.
 */
export class MemoryConsumer implements Consumer, Member {
  readonly from: 'earliest' | 'latest';
  readonly #broker: Broker;
  readonly #options: MemoryConsumerOptions;
  readonly #handlers: ConsumeHandlers;
  readonly #events: (() => void)[] = [];
  readonly #owned = new Map<string, Held>();
  /** Partitions that may have something to deliver, the longest waiting first. */
  readonly #ready = new Set<string>();
  readonly #timers = new Set<CancelTimer>();
  #memberId: string;
  #epoch = 0;
  #closed = false;
  #scheduled = false;

  constructor(broker: Broker, options: MemoryConsumerOptions, handlers: ConsumeHandlers) {
    this.#broker = broker;
    this.#options = options;
    this.#handlers = handlers;
    this.from = options.from;
    this.#memberId = this.#join();
  }

  get memberId(): string {
    return this.#memberId;
  }

  pause(partitions: readonly OwnedPartition[]): void {
    for (const partition of partitions) {
      const held = this.#find(partition);
      if (held) held.paused = true;
    }
  }

  resume(partitions: readonly OwnedPartition[]): void {
    for (const partition of partitions) {
      const held = this.#find(partition);
      if (!held) continue;
      held.paused = false;
      this.#mayDeliver(held.key);
    }
  }

  async commit(offsets: readonly OffsetCommit[]): Promise<{ readonly fenced: readonly OwnedPartition[] }> {
    const current = offsets.filter((one) => this.#find(one) !== undefined);
    const stored = await this.#broker.commit(this.#options.groupId, this.#memberId, current);
    return { fenced: offsets.filter((one) => !stored.has(one)).map(ownedPart) };
  }

  close(): Promise<void> {
    this.#end();
    return Promise.resolve();
  }

  // what the broker tells

  gained(partitions: readonly Gained[]): void {
    this.#note(() => {
      this.#epoch += 1;
      const epoch = this.#epoch;
      for (const { topic, partition, start } of partitions) {
        const key = partitionKey(topic, partition);
        this.#owned.set(key, { topic, partition, epoch, key, position: start, paused: false, revoking: false, fetching: false });
        this.#ready.add(key);
      }
      this.#handlers.assigned(partitions.map((one) => ({ ...one, epoch })));
    });
  }

  revoked(keys: readonly string[]): void {
    this.#note(() => {
      const going = keys.flatMap((key) => this.#owned.get(key) ?? []);
      for (const held of going) held.revoking = true;
      this.#awaitRelease(going);
    });
  }

  appended(key: string): void {
    if (this.#owned.has(key)) this.#mayDeliver(key);
  }

  reachable(why: string | undefined): void {
    this.#note(() => {
      this.#handlers.health(why === undefined ? { state: 'ok' } : { state: 'reconnecting', why });
    });
  }

  expelled(noticeMs: number): void {
    const notice = (): void => {
      this.#note(() => {
        this.#lose();
        this.#memberId = this.#join();
      });
    };
    if (noticeMs > 0) this.#after(noticeMs, notice);
    else notice();
  }

  #join(): string {
    const { groupId, clientId = 'millrace', topics } = this.#options;
    return this.#broker.join(groupId, clientId, topics, this);
  }

  #find({ topic, partition, epoch }: OwnedPartition): Held | undefined {
    const held = this.#owned.get(partitionKey(topic, partition));
    return held?.epoch === epoch ? held : undefined;
  }

  #awaitRelease(going: readonly Held[]): void {
    const memberId = this.#memberId;
    const release = (): readonly Held[] => {
      const left = going.filter((held) => this.#owned.get(held.key) === held);
      for (const { key } of left) this.#owned.delete(key);
      this.#broker.released(
        memberId,
        left.map(({ key }) => key),
      );
      return left;
    };
    const cancel = this.#after(this.#options.revokeTimeoutMs, () => {
      this.#note(() => {
        const left = release();
        if (left.length > 0) this.#handlers.lost(left.map(ownedPart));
      });
    });
    const done = (): void => {
      cancel();
      release();
    };
    this.#handlers.revoking(going.map(ownedPart)).then(done, done); // must not reject; a drain that failed is over, too
  }

  #lose(): void {
    const lost = [...this.#owned.values()].map(ownedPart);
    this.#owned.clear();
    this.#ready.clear();
    if (lost.length > 0) this.#handlers.lost(lost);
  }

  // delivery

  #note(event: () => void): void {
    if (this.#closed) return;
    this.#events.push(event);
    this.#wake();
  }

  #mayDeliver(key: string): void {
    this.#ready.add(key);
    this.#wake();
  }

  #wake(): void {
    if (this.#scheduled || this.#closed) return;
    this.#scheduled = true;
    this.#after(0, () => {
      this.#scheduled = false;
      this.#run();
    });
  }

  #run(): void {
    try {
      for (let turn = 0; turn < mostTurns; turn += 1) {
        const deliver = this.#events.shift() ?? this.#nextFetch();
        if (!deliver) return;
        deliver();
      }
    } catch (error) {
      this.#fail(error instanceof Error ? error : new TransportError('transport_failed', `a handler threw: ${messageOf(error)}`));
    }
    this.#wake();
  }

  #nextFetch(): (() => void) | undefined {
    if (this.#broker.down !== undefined) return undefined;
    for (const key of this.#ready) {
      this.#ready.delete(key);
      const held = this.#owned.get(key);
      if (!held || held.paused || held.fetching) continue;
      const fetch = this.#read(held);
      if (!fetch) continue;
      if (this.#broker.fetchMs === 0)
        return () => {
          this.#deliver(held, fetch);
        };
      held.fetching = true;
      this.#after(this.#broker.fetchMs, () => {
        this.#note(() => {
          this.#deliver(held, fetch);
        });
      });
    }
    return undefined;
  }

  #read(held: Held): Fetch | undefined {
    const log = this.#broker.log(held.topic, held.partition);
    const { maxFetchBytes, maxFetchRecords } = this.#options;
    const { records, next } = log.read(held.position, maxFetchBytes, maxFetchRecords);
    held.position = next;
    return records.length === 0 ? undefined : { ...ownedPart(held), records, high: log.high };
  }

  #deliver(held: Held, fetch: Fetch): void {
    held.fetching = false;
    if (held.revoking || this.#owned.get(held.key) !== held) return;
    this.#ready.add(held.key);
    this.#handlers.fetched(fetch);
  }

  #after(delayMs: number | undefined, callback: () => void): CancelTimer {
    if (delayMs === undefined) return () => undefined;
    const cancel = this.#broker.options.clock.schedule(delayMs, () => {
      this.#timers.delete(cancel);
      callback();
    });
    this.#timers.add(cancel);
    return () => {
      this.#timers.delete(cancel);
      cancel();
    };
  }

  // A handler that throws has broken its side of the protocol; its owner is told once, and the group goes on without it.
  #fail(error: Error): void {
    const lost = [...this.#owned.values()].map(ownedPart);
    this.#end();
    try {
      if (lost.length > 0) this.#handlers.lost(lost);
    } finally {
      this.#handlers.failed(error);
    }
  }

  #end(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#events.length = 0;
    this.#owned.clear();
    for (const cancel of this.#timers) cancel();
    this.#timers.clear();
    this.#broker.leave(this.#memberId, this);
  }
}
