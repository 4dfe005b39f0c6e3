import type { IHeaders, KafkaMessage, Message } from 'kafkajs';
import type { OutputRecord, RecordHeaders, SourceRecord } from '../../record/record.ts';
import type { UndecodableRange } from './batch-decoder.ts';

/** A record as the patched client hands it over: headers are ordered pairs, whatever kafkajs's type says. */
export function toSourceRecord(message: KafkaMessage, fetchedOffset: bigint): SourceRecord {
  const record = {
    offset: BigInt(message.offset),
    timestampMs: Number(message.timestamp),
    key: message.key ?? null,
    value: message.value ?? null,
    headers: (message.headers ?? []) as unknown as RecordHeaders,
  };
  const range = (message as { readonly undecodable?: UndecodableRange }).undecodable;
  if (!range) return record;
  // a fetch may begin inside a batch, and what lies before was delivered already
  const firstOffset = range.firstOffset > fetchedOffset ? range.firstOffset : fetchedOffset;
  return { ...record, undecodable: { ...range, firstOffset } };
}

/** kafkajs writes anything that is not a Buffer as its text: a Uint8Array would become "1,2,3". */
function asBuffer(bytes: Uint8Array | null): Buffer | null {
  if (bytes === null || Buffer.isBuffer(bytes)) return bytes;
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export function toMessage({ key, value, headers, timestampMs }: OutputRecord, partition: number): Message {
  const message: Message = {
    partition, // always ours: kafkajs would choose anew at each retry, which loses and duplicates
    key: asBuffer(key),
    value: asBuffer(value),
    headers: headers as unknown as IHeaders, // ordered pairs; see record-encoder.ts
  };
  // as text, because kafkajs takes the number 0 for none
  if (timestampMs !== undefined) message.timestamp = String(Math.trunc(timestampMs));
  return message;
}
