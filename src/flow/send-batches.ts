import { type OutputRecord, recordBytes } from '../record/record.ts';

export const maxRecordsASend = 1_000; // kafkajs groups a send's records in quadratic time
export const maxBytesASend = 900_000; // below the 1 MiB that brokers take by default, with room for their framing

/** Cuts what goes to one partition into sends, in order. A record that is too large for one goes alone: the broker decides. */
export function* sendBatches<T extends { readonly record: OutputRecord }>(all: readonly T[]): Generator<readonly T[]> {
  let batch: T[] = [];
  let bytes = 0;
  for (const one of all) {
    const size = recordBytes(one.record);
    if (batch.length > 0 && (batch.length >= maxRecordsASend || bytes + size > maxBytesASend)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(one);
    bytes += size;
  }
  if (batch.length > 0) yield batch;
}
