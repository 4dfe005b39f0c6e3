import type { Kafka } from 'kafkajs';
import { decodeCompleted } from '../../../src/flow/completed-map.state.ts';
import { readTopic } from '../read-topic.ts';
import type { LoggedCall } from './call-log.ts';
import { nowUs } from './call-log.ts';
import type { InputRecord } from './checks.ts';

/** One stored offset, as the broker's own log of them has it. */
export interface StoredCommit {
  readonly partition: number;
  readonly offset: number;
  readonly metadata: string;
  /** When the broker took it, as `nowUs` says it; exact to a millisecond. */
  readonly atUs: number;
}

/** Everything a group has ever committed for a topic, in the order the broker took it. */
export async function commitsOf(kafka: Kafka, group: string, topic: string): Promise<readonly StoredCommit[]> {
  const wallUs = Date.now() * 1_000 - nowUs();
  return (await readTopic(kafka, '__consumer_offsets')).flatMap(({ key, value }): StoredCommit[] => {
    if (!key || !value) return []; // a tombstone
    const from = new Fields(key);
    if (from.short() > 1 || from.text() !== group || from.text() !== topic) return []; // 2 is of group metadata
    const partition = from.int();
    const told = new Fields(value);
    const version = told.short();
    const offset = told.long();
    if (version >= 3) told.int(); // the leader's epoch
    const metadata = version >= 4 ? told.compactText() : told.text();
    return [{ partition, offset, metadata, atUs: told.long() * 1_000 - wallUs }];
  });
}

/** Reads the broker's own format: big-endian numbers, texts with their length before them. */
class Fields {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  short(): number {
    this.#at += 2;
    return this.#bytes.readInt16BE(this.#at - 2);
  }

  int(): number {
    this.#at += 4;
    return this.#bytes.readInt32BE(this.#at - 4);
  }

  long(): number {
    this.#at += 8;
    return Number(this.#bytes.readBigInt64BE(this.#at - 8));
  }

  text(): string {
    return this.#take(this.short());
  }

  /** Its length is one more than it is, in groups of seven bits, the lowest first. */
  compactText(): string {
    let length = 0;
    for (let shift = 0, more = true; more; shift += 7) {
      const byte = this.#bytes.readUInt8(this.#at);
      this.#at += 1;
      length |= (byte & 0x7f) << shift;
      more = byte > 0x7f;
    }
    return this.#take(length - 1);
  }

  #take(length: number): string {
    this.#at += length;
    return this.#bytes.toString('utf8', this.#at - length, this.#at);
  }
}

/** Commits whose offset lies below an earlier one of the same partition. */
export function commitsBack(commits: readonly StoredCommit[]): readonly StoredCommit[] {
  const highest = new Map<number, number>();
  return commits.filter(({ partition, offset }) => {
    const before = highest.get(partition) ?? 0;
    highest.set(partition, Math.max(before, offset));
    return offset < before;
  });
}

const roundingUs = 5_000; // the broker stamps milliseconds of a clock that is not ours

/** Records that a commit calls completed, below its offset or in its map, though no call for them was done by then. */
export function committedUndone(
  inputs: readonly InputRecord[],
  calls: readonly LoggedCall[],
  commits: readonly StoredCommit[],
): readonly number[] {
  const done = new Map<number, number>();
  for (const { id, end, endUs } of calls) if (end === 'done') done.set(id, Math.min(done.get(id) ?? Number.POSITIVE_INFINITY, endUs));
  return firstCommitted(inputs, commits).flatMap(([id, atUs]) =>
    (done.get(id) ?? Number.POSITIVE_INFINITY) > atUs + roundingUs ? [id] : [],
  );
}

/** Calls that started although a commit had called their record completed. */
export function calledAfterCommit(
  inputs: readonly InputRecord[],
  calls: readonly LoggedCall[],
  commits: readonly StoredCommit[],
): readonly LoggedCall[] {
  const committed = new Map(firstCommitted(inputs, commits));
  return calls.filter(({ id, startUs }) => startUs > (committed.get(id) ?? Number.POSITIVE_INFINITY) + roundingUs);
}

/** When each record was first called completed by a commit. */
function firstCommitted(inputs: readonly InputRecord[], commits: readonly StoredCommit[]): readonly (readonly [number, number])[] {
  const idAt = new Map<string, number>();
  for (const { id, partition, offset } of inputs) idAt.set(`${String(partition)}@${String(offset)}`, id);
  const first = new Map<number, number>();
  const watermarks = new Map<number, number>();
  for (const { partition, offset, metadata, atUs } of commits) {
    const completed = (at: number): void => {
      const id = idAt.get(`${String(partition)}@${String(at)}`);
      if (id !== undefined && !first.has(id)) first.set(id, atUs);
    };
    for (let at = watermarks.get(partition) ?? 0; at < offset; at += 1) completed(at);
    watermarks.set(partition, Math.max(offset, watermarks.get(partition) ?? 0));
    for (const { from, to } of decodeCompleted(BigInt(offset), metadata))
      for (let at = Number(from); at < Number(to); at += 1) completed(at);
  }
  return [...first];
}
