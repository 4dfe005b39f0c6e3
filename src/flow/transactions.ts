import { atMost, type Clock, sleep } from '../clock.ts';
import { isStreamError, type StreamError } from '../errors.ts';
import type { Verdict } from '../record/outcome.ts';
import type { Part, Root } from '../record/part.ts';
import { recordError } from '../record/record-error.ts';
import { formatPartition, formatPosition, type OutputRecord } from '../record/record.ts';
import type { Settlement } from '../record/lineage.ts';
import type { Consumer, OwnedPartition, Transport } from '../transport/transport.ts';
import { Bundle } from './bundle.ts';
import { FencedWriter } from './fenced-writer.ts';
import { OpenedWriters } from './opened-writers.ts';
import type { Owned, Taken } from './owned.ts';
import type { Sink, TakeOutput } from './sink.ts';
import { TransactionLoop, type TransactionLoopOptions } from './transaction-loop.ts';

export interface TransactionsOptions
  extends Pick<TransactionLoopOptions, 'commitIntervalMs' | 'commitEveryRecords' | 'box' | 'isFinal' | 'refused' | 'ended' | 'fail'> {
  readonly transport: Pick<Transport, 'transact' | 'committed'>;
  readonly clock: Clock;
  readonly groupId: string;
  readonly clientId: string;
  /** Places outputs, and writes those for topics outside of transactions. */
  readonly sink: Sink;
  /** The pipeline has no more to do with this record: the next of its lane may start. */
  readonly through: (taken: Taken) => void;
  readonly trouble: (where: string, why: string | undefined) => void;
}

const closeGraceMs = 2_000;
const lookEveryMs = 10;

/**
 * Delivers exactly once: what a record brings about (outputs, dead letter, offset) waits in memory until the pipeline is
 * through with the record, and is then written in one transaction of its input partition. Holds, for each partition owned, a
 * writer and what was not committed.
 */
export class Transactions {
  readonly #options: TransactionsOptions;
  readonly #bundles = new WeakMap<Root, Bundle>();
  readonly #loops = new Map<Owned, { readonly loop: TransactionLoop; readonly writer: FencedWriter }>();
  readonly #opened: OpenedWriters;
  #consumer: Pick<Consumer, 'stillOwned'> | undefined;
  #bytes = 0;
  #freed: () => void = () => undefined;
  #freeing = false;

  constructor(options: TransactionsOptions) {
    this.#options = options;
    this.#opened = new OpenedWriters({
      ...options,
      isFinal: isRefused,
      trouble: (partition, why) => {
        options.trouble(troubledPlace(partition), why);
      },
    });
  }

  /** Bytes that wait for a transaction, or are in one. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Calls `listener` whenever bytes are no longer held. */
  onRoom(listener: () => void): void {
    this.#freed = listener;
  }

  attach(consumer: Pick<Consumer, 'stillOwned'>): void {
    this.#consumer = consumer;
  }

  // records

  begin(taken: Taken, settlement: Settlement): void {
    settlement.keepOpen();
    this.#bundles.set(settlement, new Bundle(taken));
  }

  readonly take: TakeOutput = (topic, record, part) => {
    const { roots } = part;
    if (!topic.transactional) this.#writeOutside(topic.name, record, part, roots);
    else if (!this.#isOfOnePartition(roots)) {
      part.settle('failed', crossing(roots));
      return;
    } else {
      const bundle = this.#joined(roots);
      if (!bundle) return; // its records were given back
      const before = bundle.bytes;
      bundle.add({ topic: topic.name, partition: this.#options.sink.place(topic.name, record.key), record, part, roots });
      this.#bytes += bundle.bytes - before;
    }
    part.handed();
  };

  /** Every part of the record is handed over, failed or dropped. */
  handed(settlement: Settlement): void {
    const bundle = this.#bundles.get(settlement);
    bundle?.handed();
    if (!bundle?.isComplete || bundle.isOver) return;
    const [first] = bundle.takens;
    if (first) this.#of(first.partition).loop.add(bundle);
    for (const taken of bundle.takens) this.#options.through(taken);
  }

  /** The record was given back: nothing of what it had a part in is written. */
  givenBack(settlement: Settlement): void {
    const bundle = this.#bundles.get(settlement);
    if (bundle) this.#end(bundle);
  }

  /** There is something to commit without any transaction being due: completed before us, or no record at all. */
  moved(owned: Owned): void {
    this.#of(owned).loop.wake();
  }

  #writeOutside(topic: string, record: OutputRecord, part: Part, roots: readonly Root[]): void {
    const bundles = new Set(roots.flatMap((root) => this.#bundles.get(root) ?? []));
    for (const bundle of bundles) bundle.addOutside(part);
    const look = (): void => {
      for (const { takens } of bundles) for (const { partition } of takens.slice(0, 1)) this.#loops.get(partition)?.loop.wake();
    };
    this.#options.sink.push(topic, {
      record,
      wanted: () => part.live,
      sent: (at) => {
        part.settle('done', at);
        look();
      },
      refused: (error) => {
        part.settle('failed', error);
        look();
      },
    });
  }

  /** By the partitions they were read from: a record that comes by a retry topic has the place where it first stood. */
  #isOfOnePartition(roots: readonly Root[]): boolean {
    if (roots.length < 2) return true;
    return new Set(roots.flatMap((root) => this.#bundles.get(root)?.takens[0]?.partition ?? [])).size < 2;
  }

  #joined(roots: readonly Root[]): Bundle | undefined {
    const [first, ...others] = new Set(roots.flatMap((root) => this.#bundles.get(root) ?? []));
    if (!first) return undefined;
    for (const other of others) {
      first.join(other);
      for (const { settlement } of other.takens) if (settlement) this.#bundles.set(settlement, first);
    }
    return first;
  }

  readonly #committed = (bundle: Bundle, verdicts: ReadonlyMap<Taken, Verdict>): void => {
    this.#end(bundle);
    for (const taken of bundle.takens) {
      const verdict = verdicts.get(taken);
      if (verdict) taken.settlement?.conclude(verdict);
    }
  };

  #end(bundle: Bundle): void {
    if (bundle.isOver) return;
    bundle.isOver = true;
    this.#bytes -= bundle.bytes;
    if (bundle.bytes === 0 || this.#freeing) return;
    this.#freeing = true;
    queueMicrotask(() => {
      this.#freeing = false; // a transaction frees thousands of bundles
      this.#freed();
    });
  }

  // partitions

  /** Opens the writers of partitions that were gained, and so fences whoever owned them before; tried again while they are wanted. */
  readonly fence = async (partitions: readonly OwnedPartition[], wanted: () => boolean): Promise<void> => {
    try {
      await this.#opened.open(partitions, wanted);
    } catch (error) {
      if (!isRefused(error)) throw error;
      this.#options.fail(error);
    }
  };

  #of(owned: Owned): { readonly loop: TransactionLoop; readonly writer: FencedWriter } {
    const known = this.#loops.get(owned);
    if (known) return known;
    const { transport, groupId, clientId, trouble } = this.#options;
    const writer = new FencedWriter(owned, this.#opened.take(owned), {
      transport,
      groupId,
      clientId,
      stillOwned: async (partition) => (await this.#consumer?.stillOwned([partition]))?.length === 1,
    });
    const loop = new TransactionLoop(owned, writer, {
      ...this.#options,
      committed: this.#committed,
      trouble: (why) => {
        trouble(troubledPlace(owned), why);
      },
    });
    const made = { loop, writer };
    this.#loops.set(owned, made);
    return made;
  }

  /** From now on nothing of these partitions waits for company. */
  hurry(partitions: readonly Owned[]): void {
    for (const owned of partitions) this.#loops.get(owned)?.loop.hurry();
  }

  /** Resolves when everything of these partitions that can be committed is, or `giveUp` says so. */
  async flush(partitions: readonly Owned[], giveUp: () => boolean): Promise<void> {
    this.hurry(partitions);
    const isBusy = (): boolean => partitions.some((owned) => this.#loops.get(owned)?.loop.isBusy);
    while (isBusy() && !giveUp()) await sleep(this.#options.clock, lookEveryMs);
  }

  /** Ends the work for these partitions. Resolves when their writers are closed, or that takes too long. */
  async release(partitions: readonly OwnedPartition[]): Promise<void> {
    const closed = Promise.allSettled(partitions.map((one) => this.#close(one)));
    await atMost(this.#options.clock, closeGraceMs, closed);
  }

  /** The same for partitions that are gone: nobody waits for it. */
  lose(partitions: readonly OwnedPartition[]): void {
    for (const one of partitions) this.#close(one).catch(() => undefined);
  }

  async #close(partition: OwnedPartition): Promise<void> {
    const { topic, partition: number, epoch } = partition;
    const closing = [this.#opened.close(partition)];
    for (const [owned, { loop, writer }] of this.#loops) {
      if (owned.topic !== topic || owned.partition !== number || owned.epoch !== epoch) continue;
      this.#loops.delete(owned);
      loop.stop();
      this.#options.trouble(troubledPlace(owned), undefined);
      closing.push(writer.close());
    }
    await Promise.all(closing);
  }

  /** Writes and commits nothing more. */
  async stop(): Promise<void> {
    await Promise.allSettled([this.#opened.stop(), this.release([...this.#loops.keys()])]);
  }
}

const troubledPlace = (partition: OwnedPartition): string => `transactions ${formatPartition(partition)}`;

/** No other try will do before a person has acted. */
const isRefused = (error: unknown): error is StreamError =>
  isStreamError(error) && (error.code === 'authentication_failed' || error.code === 'transport_failed');

function crossing(roots: readonly Root[]): Error {
  const [first] = roots;
  const names = [...new Set(roots.map(({ position }) => formatPartition(position)))].join(', ');
  const position = first?.position ?? { topic: '', partition: 0, offset: 0n };
  return recordError(
    'cross_partition_output',
    `one output descends from records of several input partitions (${names}; the first is ${formatPosition(position)}), and exactly-once commits each partition apart: merge within one partition (batchWithin({ within: 'partition' })), take the batch apart again with unbatch, or write to a topic marked transactional: false`,
    position,
  );
}
