import { sleep, systemClock } from '../../src/clock.ts';
import { formatPartition } from '../../src/record/record.ts';
import type {
  Assignment,
  ConsumeHandlers,
  Consumer,
  ConsumerHealth,
  Fetch,
  OwnedPartition,
  Transport,
} from '../../src/transport/transport.ts';

/** What a group of members did, in order; shared by them, so that overlaps can be seen. */
export interface Entry {
  readonly what: 'assigned' | 'released' | 'lost' | 'started' | 'done';
  readonly who: string;
  readonly key: string;
  readonly offset?: bigint;
}

/** A consumer that takes 20 to 80 ms for each record, commits every 100 ms, and drains before it lets go or leaves. */
export class Member implements ConsumeHandlers {
  readonly name: string;
  readonly log: Entry[];
  readonly health: (state: ConsumerHealth) => void;
  readonly healths: ConsumerHealth[] = [];
  failure: Error | undefined;
  /** Whether it commits by itself while it runs; to the broker a commit is a heartbeat. */
  commits = true;
  readonly #owned = new Map<string, { readonly part: OwnedPartition; next: bigint; readonly inFlight: Set<bigint> }>();
  #consumer: Consumer | undefined;
  #leaving = false;
  #stopped = false;
  #commits: Promise<void> = Promise.resolve();

  constructor(name: string, log: Entry[]) {
    this.name = name;
    this.log = log;
    this.health = (state) => this.healths.push(state);
  }

  get owned(): readonly OwnedPartition[] {
    return [...this.#owned.values()].map(({ part }) => part);
  }

  get consumer(): Consumer {
    if (!this.#consumer) throw new Error('not joined');
    return this.#consumer;
  }

  async join(transport: Transport, groupId: string, topics: readonly string[]): Promise<this> {
    this.#consumer = await transport.consume({ groupId, topics, from: 'earliest', clientId: this.name }, this);
    if (this.commits) this.#commits = this.#commitLoop();
    return this;
  }

  assigned(partitions: readonly Assignment[]): void {
    for (const { topic, partition, epoch, start } of partitions) {
      const key = formatPartition({ topic, partition });
      this.#owned.set(key, { part: { topic, partition, epoch }, next: start, inFlight: new Set() });
      this.log.push({ what: 'assigned', who: this.name, key });
    }
  }

  async revoking(partitions: readonly OwnedPartition[]): Promise<void> {
    const keys = partitions.map(formatPartition);
    await this.#drained(keys);
    await this.#commit(keys);
    for (const key of keys) if (this.#owned.delete(key)) this.log.push({ what: 'released', who: this.name, key });
  }

  lost(partitions: readonly OwnedPartition[]): void {
    for (const one of partitions) {
      const key = formatPartition(one);
      this.#owned.delete(key);
      this.log.push({ what: 'lost', who: this.name, key });
    }
  }

  fetched(fetch: Fetch): void {
    if (this.#leaving) return; // also of what is gained while it drains: not begun, so not committed
    const key = formatPartition(fetch);
    for (const { offset } of fetch.records) void this.#work(key, offset);
  }

  failed(error: Error): void {
    this.failure = error;
  }

  async leave(): Promise<void> {
    const { consumer } = this;
    this.#leaving = true;
    consumer.pause(this.owned);
    await this.#drained([...this.#owned.keys()]);
    this.#stopped = true;
    await this.#commits;
    await this.#commit([...this.#owned.keys()]);
    for (const key of this.#owned.keys()) this.log.push({ what: 'released', who: this.name, key });
    this.#owned.clear();
    await consumer.close();
  }

  async #work(key: string, offset: bigint): Promise<void> {
    const owned = this.#owned.get(key);
    this.log.push({ what: 'started', who: this.name, key, offset });
    owned?.inFlight.add(offset);
    await sleep(systemClock, 20 + Math.random() * 60);
    owned?.inFlight.delete(offset);
    if (owned && offset >= owned.next) owned.next = offset + 1n;
    if (owned === this.#owned.get(key)) this.log.push({ what: 'done', who: this.name, key, offset });
  }

  async #drained(keys: readonly string[]): Promise<void> {
    while (keys.some((key) => (this.#owned.get(key)?.inFlight.size ?? 0) > 0)) await sleep(systemClock, 5);
  }

  async #commit(keys: readonly string[]): Promise<void> {
    const offsets = keys.flatMap((key) => {
      const owned = this.#owned.get(key);
      if (!owned) return [];
      const offset = [...owned.inFlight].reduce((least, one) => (one < least ? one : least), owned.next);
      return [{ ...owned.part, offset, metadata: '' }];
    });
    if (offsets.length > 0) await this.consumer.commit(offsets).catch(() => undefined);
  }

  async #commitLoop(): Promise<void> {
    while (!this.#stopped) {
      await sleep(systemClock, 100);
      await this.#commit([...this.#owned.keys()]);
    }
  }
}

/** Starts of one partition's records by somebody else between a member's assignment and its end. */
export function overlaps(log: readonly Entry[]): readonly string[] {
  const owner = new Map<string, string>();
  const found: string[] = [];
  for (const { what, who, key, offset } of log) {
    const present = owner.get(key);
    if (what === 'assigned') {
      if (present !== undefined) found.push(`${key} assigned to ${who} while ${present} has it`);
      owner.set(key, who);
    } else if (what === 'released' || what === 'lost') {
      if (present === who) owner.delete(key);
    } else if (present !== who) found.push(`${key}@${String(offset)} ${what} by ${who} while ${String(present)} has it`);
  }
  return found;
}

/** How often each record was started, by `topic/partition@offset`. */
export function starts(log: readonly Entry[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { what, key, offset } of log) {
    if (what === 'started') counts.set(`${key}@${String(offset)}`, (counts.get(`${key}@${String(offset)}`) ?? 0) + 1);
  }
  return counts;
}

/** Waits until `check` is true. */
export async function until(what: string, check: () => boolean, limitMs = 40_000): Promise<void> {
  const end = systemClock.nowMs() + limitMs;
  while (!check()) {
    if (systemClock.nowMs() > end) throw new Error(`waited ${String(limitMs)} ms in vain for: ${what}`);
    await sleep(systemClock, 10);
  }
}
