import type { IHeaders, KafkaMessage, Message } from 'kafkajs';
import type { OutputRecord, RecordHeaders, SourceRecord } from '../../record/record.ts';
import type { UndecodableRange } from './batch-patch.ts';

/** A record as the patched client hands it over: headers are ordered pairs, whatever kafkajs's type says. */
export function toSourceRecord(message: KafkaMessage, fetchedOffset: bigint): SourceRecord {
  const { offset, timestamp, key, value } = message;
  const record = { offset: BigInt(offset), timestampMs: Number(timestamp), key: key ?? null, value: value ?? null };
  const headers = (message.headers ?? []) as unknown as RecordHeaders;
  const range = (message as { readonly undecodable?: UndecodableRange }).undecodable;
  if (!range) return { ...record, headers };
  // a fetch may begin inside a batch, and what lies before was delivered already
  const firstOffset = range.firstOffset > fetchedOffset ? range.firstOffset : fetchedOffset;
  return { ...record, headers, undecodable: { ...range, firstOffset } };
}

/** kafkajs writes anything that is not a Buffer as its text: a Uint8Array would become "1,2,3". */
const asBuffer = (bytes: Uint8Array | null): Buffer | null =>
  bytes === null ? null : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

export function toMessage({ key, value, headers, timestampMs }: OutputRecord, partition: number): Message {
  return {
    partition, // always ours: kafkajs would choose anew at each retry, which loses and duplicates
    key: asBuffer(key),
    value: asBuffer(value),
    headers: headers.map(([name, bytes]) => [name, asBuffer(bytes)] as const) as unknown as IHeaders,
    // as text, because kafkajs takes the number 0 for none
    ...(timestampMs === undefined ? {} : { timestamp: String(Math.trunc(timestampMs)) }),
  };
}
