import { type CancelTimer, type Clock, sleep } from '../clock.ts';
import { isStreamError, messageOf, PipelineError } from '../errors.ts';
import type { Verdict } from '../record/outcome.ts';
import { formatPartition } from '../record/record.ts';
import type { Failure } from './failure-story.ts';
import { Backoff } from './backoff.state.ts';
import type { Bundle } from './bundle.ts';
import { type CommitSnapshot, snapshotOf } from './commit-snapshot.ts';
import type { FencedWriter } from './fenced-writer.ts';
import type { WrittenNote } from '../policies/partition-notes.ts';
import type { Owned, Taken } from './owned.ts';
import { loadOf, Pace } from './transaction.state.ts';
import { type LetterBox, writeBundles } from './transaction-write.ts';

export interface TransactionLoopOptions {
  readonly clock: Clock;
  readonly groupId: string;
  /** Longest time between a record's completion and its transaction, in ms. */
  readonly commitIntervalMs: number;
  /** A transaction begins earlier when this many records wait. */
  readonly commitEveryRecords: number;
  /** Where failed records go; undefined where none may fail. */
  readonly box: LetterBox | undefined;
  /** A record was committed like this. */
  readonly committed: (bundle: Bundle, verdicts: ReadonlyMap<Taken, Verdict>) => void;
  /** Whether a failure like this ends the pipeline. */
  readonly isFinal: (taken: Taken, failure: Pick<Failure, 'error' | 'outputs'>) => boolean;
  /** A record has failed like that: nothing of its bundle is written, and it is to be given back. */
  readonly refused: (bundle: Bundle, error: Error) => void;
  readonly ended: (how: 'committed' | 'aborted') => void;
  readonly trouble: (why: string | undefined) => void;
  readonly fail: (error: Error) => void;
}

interface Batch {
  readonly bundles: readonly Bundle[];
  readonly snapshot: CommitSnapshot;
  readonly notes: WrittenNote;
}

const caps = { maxRecords: 5_000, maxBytes: 8 * 1024 * 1024 };
const lookAgainMs = 20;

/**
 * The transactions of one owned partition, one after the other: what is complete goes into the next one, outputs and dead
 * letters first, then the offset and the map of what is completed above it, as they stand when exactly these records are
 * settled. A transaction that fails is written again from memory until it is committed, or the ownership ends; its records
 * are settled when it is committed. Holds what the source's window lets in.
 */
export class TransactionLoop {
  readonly #owned: Owned;
  readonly #writer: FencedWriter;
  readonly #options: TransactionLoopOptions;
  readonly #pace: Pace;
  readonly #backoff = new Backoff(50, 5_000);
  #queue: Bundle[] = [];
  #running = false;
  readonly #stopping = new AbortController();
  #hurried = false;
  #timer: { readonly atMs: number; readonly cancel: CancelTimer } | undefined;

  constructor(owned: Owned, writer: FencedWriter, options: TransactionLoopOptions) {
    this.#owned = owned;
    this.#writer = writer;
    this.#options = options;
    this.#pace = new Pace(options.commitIntervalMs, options.commitEveryRecords);
  }

  /** Whether something waits to be committed, or is being committed. */
  get isBusy(): boolean {
    return !this.#isOver() && (this.#running || this.#queue.length > 0 || this.#owned.isBehind);
  }

  #isOver(): boolean {
    return this.#stopping.signal.aborted || this.#owned.phase === 'gone';
  }

  /** The next of what is complete. */
  add(bundle: Bundle): void {
    this.#queue.push(bundle);
    this.#pace.added(bundle.records, this.#options.clock.nowMs());
    this.wake();
    if (!this.#options.box) queueMicrotask(() => this.#refuseFailed([bundle])); // a failure is counted right after it is handed over
  }

  /** Something has changed that a transaction may wait for, or should store. */
  wake(): void {
    if (this.#running || this.#isOver()) return;
    const nowMs = this.#options.clock.nowMs();
    if (this.#owned.isBehind) this.#pace.added(0, nowMs);
    const dueMs = this.#pace.dueMs();
    if (dueMs !== undefined) this.#runAt(this.#hurried ? nowMs : dueMs);
  }

  /** From now on no transaction waits for company. */
  hurry(): void {
    this.#hurried = true;
    this.wake();
  }

  /** Writes and commits nothing more; a commit that the log was asked for may still come about. */
  stop(): void {
    this.#stopping.abort();
    this.#timer?.cancel();
    this.#queue = [];
  }

  #runAt(atMs: number): void {
    if (this.#timer && this.#timer.atMs <= atMs) return;
    this.#timer?.cancel();
    const cancel = this.#options.clock.schedule(Math.max(0, atMs - this.#options.clock.nowMs()), () => {
      this.#timer = undefined;
      void this.#run();
    });
    this.#timer = { atMs, cancel };
  }

  async #run(): Promise<void> {
    if (this.#running || this.#isOver()) return;
    this.#running = true;
    this.#timer?.cancel();
    this.#timer = undefined;
    const batch = this.#next();
    if (batch) await this.#commit(batch);
    this.#running = false;
    if (batch) this.wake();
    else if (this.#queue.length > 0) this.#runAt(this.#options.clock.nowMs() + lookAgainMs);
  }

  #next(): Batch | undefined {
    this.#refuseFailed(this.#queue);
    const { isBehind } = this.#owned; // before its notes are written, which are not behind then
    if (this.#queue.length === 0 && !isBehind) return undefined;
    const notes = this.#owned.notes.write();
    const batch = this.#load(notes, isBehind);
    if (!batch) notes.dropped();
    return batch;
  }

  #load(notes: WrittenNote, isBehind: boolean): Batch | undefined {
    let snapshot: CommitSnapshot | undefined;
    const fits = (count: number): boolean => {
      snapshot = snapshotOf(this.#owned, notes.text, ticketsOf(this.#queue.slice(0, count)));
      return snapshot.isWhole;
    };
    const count = loadOf(this.#queue, caps, fits);
    if (count === 0 && !isBehind) return undefined;
    if (count === 0) snapshot = snapshotOf(this.#owned, notes.text);
    if (!snapshot || (count === 0 && this.#isStored(snapshot))) return undefined;
    const bundles = this.#queue.splice(0, count);
    this.#pace.began(recordsOf(bundles), this.#options.clock.nowMs());
    return { bundles, snapshot, notes };
  }

  /** Whether what an owner before us had completed is all there is to say. */
  #isStored({ offset, metadata, changes }: CommitSnapshot): boolean {
    const { stored } = this.#owned;
    if (offset !== stored?.offset || metadata !== stored.metadata) return false;
    this.#owned.committedChanges = changes;
    return true;
  }

  async #commit(batch: Batch): Promise<void> {
    const { snapshot } = batch;
    let verdicts: ReadonlyMap<Taken, Verdict> = new Map();
    let begun = false;
    let unseen: CommitSnapshot | undefined;
    while (!this.#isOver()) {
      try {
        if (!this.#writer.isOpen && (await this.#writer.reopen(unseen)) === 'committed') break;
        if (begun) this.#options.ended('aborted');
        unseen = undefined;
        begun = false;
        if (batch.bundles.some(({ isOver }) => isOver)) {
          batch.notes.failed();
          this.#putBack(batch.bundles);
          return;
        }
        const transaction = await this.#writer.begin();
        begun = true;
        verdicts = await writeBundles(transaction, batch.bundles, this.#options.box);
        if (this.#isOver()) return;
        if (this.#refuseFailed(batch.bundles)) {
          await transaction.abort();
          continue;
        }
        const { topic, partition } = this.#owned;
        await transaction.storeOffsets(this.#options.groupId, [{ topic, partition, offset: snapshot.offset, metadata: snapshot.metadata }]);
        if (this.#isOver()) return;
        unseen = snapshot;
        await transaction.commit();
        break;
      } catch (error) {
        if (this.#isOver()) return;
        await this.#failed(error);
      }
    }
    if (!this.#isOver()) this.#settle(batch, verdicts);
  }

  #settle({ bundles, snapshot, notes }: Batch, verdicts: ReadonlyMap<Taken, Verdict>): void {
    const owned = this.#owned;
    owned.stored = { offset: snapshot.offset, metadata: snapshot.metadata };
    owned.committed = snapshot.offset;
    owned.floor = snapshot.offset;
    owned.committedChanges = snapshot.changes;
    notes.stored();
    if (this.#backoff.failures > 0) this.#options.trouble(undefined);
    this.#backoff.succeeded();
    this.#options.ended('committed');
    for (const bundle of bundles) this.#options.committed(bundle, verdicts);
  }

  async #failed(error: unknown): Promise<void> {
    this.#writer.spend();
    if (error instanceof PipelineError || (isStreamError(error) && error.code === 'authentication_failed')) {
      this.stop();
      this.#options.fail(error);
      return;
    }
    this.#options.trouble(`a transaction for ${formatPartition(this.#owned)} fails and is tried again: ${messageOf(error)}`);
    await sleep(this.#options.clock, this.#backoff.failed(), this.#stopping.signal).catch(() => undefined);
  }

  /** Gives back what must not be written, because its failure ends the pipeline; the rest goes on. Says whether there was any. */
  #refuseFailed(bundles: readonly Bundle[]): boolean {
    const { isFinal, refused } = this.#options;
    let any = false;
    for (const bundle of bundles) {
      const failure = bundle.failures().find(([taken, one]) => isFinal(taken, one))?.[1].error;
      if (failure && !bundle.isOver) refused(bundle, failure);
      any ||= bundle.isOver;
    }
    if (any) this.#queue = this.#queue.filter(({ isOver }) => !isOver);
    return any;
  }

  #putBack(bundles: readonly Bundle[]): void {
    const left = bundles.filter(({ isOver }) => !isOver);
    this.#queue.unshift(...left);
    this.#pace.added(recordsOf(left), this.#options.clock.nowMs());
  }
}

const recordsOf = (bundles: readonly Bundle[]): number => bundles.reduce((sum, { records }) => sum + records, 0);

const ticketsOf = (bundles: readonly Bundle[]): ReadonlySet<number> =>
  new Set(bundles.flatMap(({ takens }) => takens.map(({ ticket }) => ticket)));
