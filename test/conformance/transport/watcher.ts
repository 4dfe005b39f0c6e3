import { formatPartition, type SourceRecord } from '../../../src/record/record.ts';
import type { Assignment, ConsumeHandlers, ConsumerHealth, Fetch, OwnedPartition } from '../../../src/transport/transport.ts';

export type Seen =
  | { readonly kind: 'assigned'; readonly partitions: readonly Assignment[] }
  | { readonly kind: 'revoking' | 'released' | 'lost'; readonly partitions: readonly OwnedPartition[] }
  | { readonly kind: 'fetched'; readonly fetch: Fetch }
  | { readonly kind: 'health'; readonly state: ConsumerHealth }
  | { readonly kind: 'failed'; readonly error: Error };

export const valueOf = (record: SourceRecord): string => (record.value === null ? '' : Buffer.from(record.value).toString('utf8'));

/** Takes down what a consumer is told, and holds every call against those rules that hold at all times. */
export class Watcher implements ConsumeHandlers {
  readonly seen: Seen[] = [];
  /** Breaches of the protocol; empty at the end of every test. */
  readonly breaches: string[] = [];
  /** What `revoking` waits for. */
  whenRevoking: (partitions: readonly OwnedPartition[]) => Promise<void> = () => Promise.resolve();
  /** Called within `fetched`. */
  whenFetched: (fetch: Fetch) => void = () => undefined;
  /** Set by the test once `close` has resolved. */
  closed = false;
  readonly #maxFetchBytes: number;
  readonly #owned = new Map<string, { readonly epoch: number; revoking: boolean; next: bigint }>();
  #lastEpoch = -Infinity;
  #inside = false;

  constructor(maxFetchBytes: number) {
    this.#maxFetchBytes = maxFetchBytes;
  }

  get owned(): readonly string[] {
    return [...this.#owned.keys()].sort();
  }

  /** What was gained so far, the latest assignment of each partition. */
  get assignments(): ReadonlyMap<string, Assignment> {
    return new Map(
      this.seen.flatMap((one) => (one.kind === 'assigned' ? one.partitions.map((part) => [formatPartition(part), part] as const) : [])),
    );
  }

  get fetches(): readonly Fetch[] {
    return this.seen.flatMap((one) => (one.kind === 'fetched' ? [one.fetch] : []));
  }

  get records(): readonly SourceRecord[] {
    return this.fetches.flatMap((fetch) => fetch.records);
  }

  get values(): readonly string[] {
    return this.records.map(valueOf);
  }

  /** The partition as this consumer owns it now. */
  partition(topic: string, partition: number): OwnedPartition {
    const owned = this.#owned.get(formatPartition({ topic, partition }));
    if (!owned) throw new Error(`${formatPartition({ topic, partition })} is not owned; owned are ${this.owned.join(', ')}`);
    return { topic, partition, epoch: owned.epoch };
  }

  assigned(partitions: readonly Assignment[]): void {
    this.#within('assigned', () => {
      this.seen.push({ kind: 'assigned', partitions });
      if (partitions.length === 0) this.#breach('assigned nothing');
      const before = this.#lastEpoch;
      for (const { epoch, start, ...part } of partitions) {
        if (this.#owned.has(formatPartition(part))) this.#breach(`assigned ${formatPartition(part)}, which is owned already`);
        if (epoch <= before) this.#breach(`epoch of ${formatPartition(part)} is ${String(epoch)} after ${String(before)}`);
        this.#lastEpoch = Math.max(this.#lastEpoch, epoch);
        this.#owned.set(formatPartition(part), { epoch, revoking: false, next: start });
      }
    });
  }

  async revoking(partitions: readonly OwnedPartition[]): Promise<void> {
    this.#within('revoking', () => {
      this.seen.push({ kind: 'revoking', partitions });
      for (const part of partitions) {
        const owned = this.#expectOwned('revoking', part);
        if (owned?.revoking === true) this.#breach(`revoking ${formatPartition(part)} twice`);
        if (owned) owned.revoking = true;
      }
    });
    await this.whenRevoking(partitions);
    for (const part of partitions)
      if (this.#owned.get(formatPartition(part))?.epoch === part.epoch) this.#owned.delete(formatPartition(part));
    this.seen.push({ kind: 'released', partitions });
  }

  lost(partitions: readonly OwnedPartition[]): void {
    this.#within('lost', () => {
      this.seen.push({ kind: 'lost', partitions });
      for (const part of partitions) {
        this.#expectOwned('lost', part);
        this.#owned.delete(formatPartition(part));
      }
    });
  }

  fetched(fetch: Fetch): void {
    this.#within('fetched', () => {
      this.seen.push({ kind: 'fetched', fetch });
      const owned = this.#expectOwned('fetched', fetch);
      if (owned?.revoking === true) this.#breach(`fetched ${formatPartition(fetch)} while it is revoked`);
      this.#checkRecords(fetch, owned);
      this.whenFetched(fetch);
    });
  }

  health(state: ConsumerHealth): void {
    this.#within('health', () => {
      this.seen.push({ kind: 'health', state });
    });
  }

  failed(error: Error): void {
    this.#within('failed', () => {
      this.seen.push({ kind: 'failed', error });
      this.#breach(`failed: ${error.message}`);
    });
  }

  #checkRecords(fetch: Fetch, owned: { next: bigint } | undefined): void {
    const before = this.fetches.findLast(
      (one) => one !== fetch && formatPartition(one) === formatPartition(fetch) && one.epoch === fetch.epoch,
    );
    if (fetch.records.length === 0 && fetch.next === before?.next && fetch.high === before.high)
      this.#breach(`fetched nothing new of ${formatPartition(fetch)}`);
    const bytes = fetch.records.reduce((sum, record) => sum + (record.key?.length ?? 0) + (record.value?.length ?? 0), 0);
    if (fetch.records.length > 1 && bytes > this.#maxFetchBytes)
      this.#breach(`fetched ${String(bytes)} bytes, at most ${String(this.#maxFetchBytes)} were asked for`);
    for (const record of fetch.records) {
      if (owned && record.offset < owned.next)
        this.#breach(`${formatPartition(fetch)}: offset ${String(record.offset)} where ${String(owned.next)} was next`);
      if (record.offset >= fetch.high)
        this.#breach(`${formatPartition(fetch)}: offset ${String(record.offset)} at or above high ${String(fetch.high)}`);
      if (owned) owned.next = record.offset + 1n;
    }
    if (owned && fetch.next < owned.next)
      this.#breach(`${formatPartition(fetch)}: next ${String(fetch.next)} is below ${String(owned.next)}`);
    if (fetch.next > fetch.high) this.#breach(`${formatPartition(fetch)}: next ${String(fetch.next)} is above high ${String(fetch.high)}`);
    if (owned) owned.next = fetch.next;
  }

  #expectOwned(what: string, part: OwnedPartition): { revoking: boolean; next: bigint } | undefined {
    const owned = this.#owned.get(formatPartition(part));
    if (owned?.epoch === part.epoch) return owned;
    this.#breach(`${what} ${formatPartition(part)} of epoch ${String(part.epoch)}, owned is ${String(owned?.epoch)}`);
    return undefined;
  }

  #within(what: string, body: () => void): void {
    if (this.#inside) this.#breach(`${what} was called within another handler`);
    if (this.closed) this.#breach(`${what} was called after close had resolved`);
    this.#inside = true;
    body();
    this.#inside = false;
  }

  #breach(what: string): void {
    this.breaches.push(what);
  }
}
