import type { CancelTimer } from '../../clock.ts';
import { messageOf, TransportError } from '../../errors.ts';
import { parsePartition } from '../../record/record.ts';
import type { Consumer, ConsumeHandlers, ConsumeOptions, Fetch, OffsetCommit, OwnedPartition } from '../transport.ts';
import type { Broker, Member } from './broker.ts';
import { ownedPart, type Tenure, Tenures } from './tenures.state.ts';

export interface MemoryConsumerOptions extends ConsumeOptions {
  readonly maxFetchBytes: number;
  readonly maxFetchRecords: number;
  readonly revokeTimeoutMs: number | undefined;
}

// Deliveries in one go before timers and sockets get their turn.
const mostTurns = 16;

/**
 * A member of a group. Everything it is told goes into one queue, and everything it delivers leaves through one loop,
 * which runs from the clock: so handlers are never called from within a call of ours, nor two at a time. Holds the
 * events of the rebalances that are not delivered yet, and one fetch per partition while `fetchMs` is set.
 */
export class MemoryConsumer implements Consumer, Member {
  readonly #broker: Broker;
  readonly #options: MemoryConsumerOptions;
  readonly #handlers: ConsumeHandlers;
  readonly #events: (() => void)[] = [];
  readonly #tenures = new Tenures();
  /** Partitions that may have something to deliver, the longest waiting first. */
  readonly #ready = new Set<string>();
  /** Gained while the broker was away: where they start is read when it is back. */
  readonly #unread: (readonly Tenure[])[] = [];
  readonly #timers = new Set<CancelTimer>();
  readonly verify = (): void => undefined; // that a member is expelled is known to the broker alone, which tells it
  #memberId: string;
  #closed = false;
  #scheduled = false;

  constructor(broker: Broker, options: MemoryConsumerOptions, handlers: ConsumeHandlers) {
    this.#broker = broker;
    this.#options = options;
    this.#handlers = handlers;
    this.#memberId = this.#join();
  }

  get memberId(): string {
    return this.#memberId;
  }

  pause(partitions: readonly OwnedPartition[]): void {
    for (const partition of partitions) {
      const held = this.#tenures.find(partition);
      if (held) held.paused = true;
    }
  }

  resume(partitions: readonly OwnedPartition[]): void {
    for (const partition of partitions) {
      const held = this.#tenures.find(partition);
      if (!held) continue;
      held.paused = false;
      this.#mayDeliver(held.key);
    }
  }

  async commit(offsets: readonly OffsetCommit[]): Promise<{ readonly fenced: readonly OwnedPartition[] }> {
    const current = offsets.filter((one) => this.#tenures.find(one) !== undefined);
    const stored = await this.#broker.commit(this.#options.groupId, this.#memberId, current);
    return { fenced: offsets.filter((one) => !stored.has(one)).map(ownedPart) };
  }

  stillOwned(partitions: readonly OwnedPartition[]): Promise<readonly OwnedPartition[]> {
    const { groupId } = this.#options;
    return this.#broker.stillOwned(
      groupId,
      this.#memberId,
      partitions.filter((one) => this.#tenures.find(one) !== undefined),
    );
  }

  close(): Promise<void> {
    this.#end();
    return Promise.resolve();
  }

  // what the broker tells

  gained(keys: readonly string[]): void {
    this.#note(() => {
      this.#beforeStart(this.#tenures.gain(keys.map((key) => ({ ...parsePartition(key), key }))));
    });
  }

  revoked(keys: readonly string[]): void {
    this.#note(() => {
      const { going, untold } = this.#tenures.revoke(keys);
      if (untold.length > 0) this.#release(this.#memberId, untold);
      if (going.length > 0) this.#awaitRelease(going);
    });
  }

  appended(key: string): void {
    if (this.#tenures.at(key)) this.#mayDeliver(key);
  }

  reachable(why: string | undefined): void {
    this.#note(() => this.#handlers.health(why === undefined ? { state: 'ok' } : { state: 'reconnecting', why }));
    if (why !== undefined) return;
    for (const gained of this.#unread.splice(0)) this.#noteStart(gained);
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

  #beforeStart(gained: readonly Tenure[]): void {
    const { beforeStart } = this.#options;
    if (!beforeStart) {
      this.#start(gained);
      return;
    }
    beforeStart(gained.map(ownedPart), () => this.#tenures.still(gained).length > 0).then(
      () => {
        this.#noteStart(gained);
      },
      (error: unknown) => {
        this.#note(() => {
          throw new TransportError('transport_failed', `beforeStart rejected: ${messageOf(error)}`, { cause: error });
        });
      },
    );
  }

  #noteStart(gained: readonly Tenure[]): void {
    this.#note(() => this.#start(gained));
  }

  /** Only now is it read where they start: what beforeStart has brought to an end is in it. */
  #start(gained: readonly Tenure[]): void {
    if (this.#broker.down !== undefined) {
      this.#unread.push(gained);
      return;
    }
    const { groupId, from, fromEarliest = [] } = this.#options;
    const assignments = this.#tenures.still(gained).map((held) => {
      const start = this.#broker.start(groupId, held.key, fromEarliest.includes(held.topic) ? 'earliest' : from);
      Object.assign(held, { phase: 'live', position: start.start, told: start.high } satisfies Partial<Tenure>);
      this.#ready.add(held.key);
      return { ...start, epoch: held.epoch };
    });
    if (assignments.length > 0) this.#handlers.assigned(assignments);
  }

  #release(memberId: string, going: readonly Tenure[]): readonly Tenure[] {
    const left = this.#tenures.release(going);
    this.#broker.released(
      memberId,
      left.map(({ key }) => key),
    );
    return left;
  }

  #awaitRelease(going: readonly Tenure[]): void {
    const memberId = this.#memberId;
    const release = (): readonly Tenure[] => this.#release(memberId, going);
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
    const lost = this.#tenures.lose();
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
      const held = this.#tenures.at(key);
      if (!held || held.phase === 'starting' || held.paused || held.fetching) continue;
      const fetch = this.#read(held);
      if (!fetch) continue;
      if (this.#broker.fetchMs === 0) return () => this.#deliver(held, fetch);
      held.fetching = true;
      this.#after(this.#broker.fetchMs, () => {
        this.#note(() => this.#deliver(held, fetch));
      });
    }
    return undefined;
  }

  #read(held: Tenure): Fetch | undefined {
    const log = this.#broker.log(held.topic, held.partition);
    const { maxFetchBytes, maxFetchRecords } = this.#options;
    const { records, next } = log.read(held.position, maxFetchBytes, maxFetchRecords);
    const missed = log.low > held.position ? { missed: log.low - held.position } : {};
    const isNews = records.length > 0 || next > held.position || log.high > held.told;
    Object.assign(held, { position: next, told: log.high } satisfies Partial<Tenure>);
    return isNews ? { ...ownedPart(held), records, next, high: log.high, ...missed } : undefined;
  }

  #deliver(held: Tenure, fetch: Fetch): void {
    held.fetching = false;
    if (held.phase === 'revoking' || this.#tenures.at(held.key) !== held) return;
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
    const lost = this.#tenures.lose();
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
    this.#tenures.lose();
    for (const cancel of this.#timers) cancel();
    this.#timers.clear();
    this.#broker.leave(this.#memberId, this);
  }
}
