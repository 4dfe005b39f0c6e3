import { formatPartition, type SourceRecord, type TopicPartition } from '../record/record.ts';
import type { Assignment, Consumer, Fetch, OwnedPartition } from '../transport/transport.ts';

/**
 * How far one reader in a group of its own has read. Its group may give it up (its process stood still, or was cut off); then
 * it is given its partitions anew, and goes on where it was. Holds an entry per partition.
 */
export class ReadPositions {
  readonly #next = new Map<string, bigint>();
  readonly #begun = Promise.withResolvers<undefined>();
  readonly #consumer = Promise.withResolvers<Pick<Consumer, 'commit'>>();

  /** `starts`: the next offset to read, where that is not for the log to say. */
  constructor(starts: readonly (TopicPartition & { readonly offset: bigint })[] = []) {
    for (const start of starts) this.#next.set(formatPartition(start), start.offset);
  }

  /** When it is known where reading starts, once; a consumer may resolve before. Pending for ever where it comes to nothing. */
  get begun(): Promise<undefined> {
    return this.#begun.promise;
  }

  attach(consumer: Pick<Consumer, 'commit'>): void {
    this.#consumer.resolve(consumer);
  }

  /** For `beforeStart`: a partition starts at what is committed for it, and nobody else reads in this group. */
  async restore(partitions: readonly OwnedPartition[]): Promise<void> {
    const known = partitions.flatMap((one) => {
      const offset = this.#next.get(formatPartition(one));
      return offset === undefined ? [] : [{ ...one, offset, metadata: '' }];
    });
    if (known.length === 0) return;
    const consumer = await this.#consumer.promise;
    await consumer.commit(known).catch(() => undefined); // else all of it comes again, and is left out below
  }

  assigned(partitions: readonly Assignment[]): void {
    for (const { reset, start, ...one } of partitions) {
      const known = this.#next.get(formatPartition(one));
      // out of range: the log was cut, or is another one of the same name
      if (known === undefined || start > known || reset === 'out-of-range') this.#next.set(formatPartition(one), start);
    }
    this.#begun.resolve(undefined);
  }

  /** The next offset of each partition that was given to this reader, or that it was told to begin at. */
  get next(): ReadonlyMap<string, bigint> {
    return this.#next;
  }

  /** The records of a fetch that were not read before; from now on they were. */
  unread(fetch: Fetch): readonly SourceRecord[] {
    const next = this.#next.get(formatPartition(fetch)) ?? 0n;
    const records = fetch.records.filter(({ offset }) => offset >= next);
    const last = records.at(-1);
    if (last) this.#next.set(formatPartition(fetch), last.offset + 1n);
    return records;
  }
}

/** What a reader says when its group has given it up. */
export const expelledWhy =
  'the group gave this reader up: its process stood still, or was cut off from the broker. It joins again and goes on where it was';
