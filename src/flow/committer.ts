import { type Clock, sleep } from '../clock.ts';
import { messageOf } from '../errors.ts';
import { formatPartition } from '../record/record.ts';
import type { Consumer } from '../transport/transport.ts';
import { Backoff } from './backoff.state.ts';
import { snapshotOf } from './commit-snapshot.ts';
import type { Owned } from './owned.ts';

export interface CommitterOptions {
  readonly clock: Clock;
  /** Longest time between settling and committing, in ms. */
  readonly commitIntervalMs: number;
  /** A commit leaves earlier when this many records were settled since the last. */
  readonly commitEveryRecords: number;
  readonly partitions: () => readonly Owned[];
  readonly trouble: (why: string | undefined) => void;
  /** Offsets were stored. */
  readonly committed?: () => void;
}

/**
 * Stores watermarks, and what is completed above them. One commit is under way at a time; each says how things stand when it
 * leaves, so that commits within an epoch never go back. Holds nothing but the time of the next.
 */
export class Committer {
  readonly #options: CommitterOptions;
  readonly #backoff = new Backoff(50, 5_000);
  #consumer: Pick<Consumer, 'commit'> | undefined;
  #settled = 0;
  #running: Promise<void> | undefined;
  #cancelTimer: (() => void) | undefined;
  #retryWaits = false;
  #stopped = false;

  constructor(options: CommitterOptions) {
    this.#options = options;
  }

  attach(consumer: Pick<Consumer, 'commit'>): void {
    this.#consumer = consumer;
    this.#schedule(this.#options.commitIntervalMs); // a transport may deliver before its consumer is at hand
  }

  /** A record was settled. */
  settled(): void {
    this.#settled += 1;
    if (this.#running) return; // looked at again when that one is over
    if (this.#settled >= this.#options.commitEveryRecords && !this.#retryWaits) void this.#begin();
    else this.#schedule(this.#options.commitIntervalMs);
  }

  /** Commits what has moved; resolves when one commit that began after this call is over, whatever came of it. */
  async commit(): Promise<void> {
    while (this.#running) await this.#running;
    await this.#begin();
  }

  #begin(): Promise<void> {
    const running = this.#commitOnce().then(() => {
      this.#running = undefined;
      if (this.#settled > 0) this.#schedule(this.#settled >= this.#options.commitEveryRecords ? 0 : this.#options.commitIntervalMs);
    });
    this.#running = running;
    return running;
  }

  /** Commits until nothing of `partitions` is behind, or `giveUp` says so. */
  async flush(partitions: readonly Owned[], giveUp: () => boolean): Promise<void> {
    for (;;) {
      await this.commit();
      if (!partitions.some((owned) => owned.isBehind) || giveUp()) return;
      await sleep(this.#options.clock, 20);
    }
  }

  /** Commits nothing more; a commit that is under way ends by itself. */
  stop(): void {
    this.#cancelTimer?.();
    this.#consumer = undefined;
    this.#stopped = true;
  }

  async #commitOnce(): Promise<void> {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#settled = 0;
    const behind = this.#options.partitions().filter((owned) => owned.isBehind);
    if (behind.length === 0 || !this.#consumer) return;
    const offsets = behind.map((owned) => {
      const notes = owned.notes.write();
      return { owned, notes, ...snapshotOf(owned, notes.text) };
    });
    try {
      const { fenced } = await this.#consumer.commit(
        offsets.map(({ owned: { topic, partition, epoch }, offset, metadata }) => ({ topic, partition, epoch, offset, metadata })),
      );
      // fenced ones are about to be reported lost: they must not be tried again
      const refused = new Set(fenced.map(formatPartition));
      for (const { owned, notes, offset, changes } of offsets) {
        if (refused.has(formatPartition(owned))) {
          owned.fenced = true;
          notes.dropped();
        } else {
          notes.stored();
          owned.committed = offset;
          owned.floor = offset;
          owned.committedChanges = changes;
        }
      }
      this.#options.committed?.();
      if (this.#backoff.failures > 0) this.#options.trouble(undefined);
      this.#backoff.succeeded();
    } catch (error) {
      for (const { notes } of offsets) notes.failed();
      this.#options.trouble(`committing fails and is tried again: ${messageOf(error)}`);
      this.#schedule(this.#backoff.failed());
      this.#retryWaits = true;
    }
  }

  #schedule(delayMs: number): void {
    if (this.#stopped) return; // a commit that fails, or a late acknowledgement, must not keep the process alive
    this.#cancelTimer ??= this.#options.clock.schedule(delayMs, () => {
      this.#cancelTimer = undefined;
      this.#retryWaits = false;
      if (!this.#running) void this.#begin();
    });
  }
}
