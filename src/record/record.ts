/** One header of a record. Names may repeat and keep their order; a value may be null, as in Kafka. */
export type Header = readonly [name: string, value: Uint8Array | null];

/** Headers as an ordered list of pairs: the only form that loses nothing of what Kafka allows. */
export type RecordHeaders = readonly Header[];

/** Where a record stands in the log. `epoch` names the unbroken ownership under which it was read. */
export interface Position extends OwnedPartition {
  readonly offset: bigint;
}

/** A partition and the unbroken ownership of it. Epochs of one consumer only grow; one is kept while a rebalance leaves the partition here. */
export interface OwnedPartition extends TopicPartition {
  readonly epoch: number;
}

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/** `topic/partition`, the form used in messages and logs, and to name a partition in maps. */
export const formatPartition = ({ topic, partition }: TopicPartition): string => `${topic}/${String(partition)}`;

/** The partition that {@link formatPartition} has named. */
export function parsePartition(name: string): TopicPartition {
  const slash = name.lastIndexOf('/');
  return { topic: name.slice(0, slash), partition: Number(name.slice(slash + 1)) };
}

/** `topic/partition@offset`, the form used in messages, logs and dead letters. */
export const formatPosition = (position: Omit<Position, 'epoch'>): string => `${formatPartition(position)}@${String(position.offset)}`;

/** A record as it was read from a topic. */
export interface SourceRecord {
  readonly offset: bigint;
  /** Milliseconds since 1970. */
  readonly timestampMs: number;
  readonly key: Uint8Array | null;
  /** Null is a tombstone. */
  readonly value: Uint8Array | null;
  readonly headers: RecordHeaders;
  /** Set when the broker's bytes for this range of offsets could not be read; key and value are then null. */
  readonly undecodable?: { readonly firstOffset: bigint; readonly reason: string; readonly bytes: number };
}

/** A record to be written to a topic. */
export interface OutputRecord {
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: RecordHeaders;
  /** Milliseconds since 1970; the broker's time when absent. */
  readonly timestampMs?: number;
}

/** Where an output was written. */
export type OutputPosition = Omit<Position, 'epoch'>;

const perRecordBytes = 64; // what the fields beside key, value and headers cost on the heap, about

/** The bytes one record holds in memory, about: what the byte caps count. */
export function recordBytes(record: Pick<SourceRecord, 'key' | 'value' | 'headers'>): number {
  let bytes = perRecordBytes + (record.key?.length ?? 0) + (record.value?.length ?? 0);
  if (record.headers.length > 0) for (const [name, value] of record.headers) bytes += name.length + (value?.length ?? 0);
  return bytes;
}

const utf8 = new TextDecoder();
const encoder = new TextEncoder();

/** A header whose value is text. */
export const textHeader = (name: string, value: string): Header => [name, encoder.encode(value)];

/** The last value of a header as text; undefined where there is none. */
export function headerText(headers: RecordHeaders, name: string): string | undefined {
  const value = headers.findLast(([candidate]) => candidate === name)?.[1];
  return value ? utf8.decode(value) : undefined;
}
