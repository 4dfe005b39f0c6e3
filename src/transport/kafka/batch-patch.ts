/** What kafkajs reads a fetch from; `offset` is where the next batch begins. */
interface FetchDecoder {
  readonly buffer: Buffer;
  offset: number;
}

interface DecodedBatch {
  readonly records: readonly object[];
}

export type RecordBatchDecoder = (fetch: FetchDecoder) => Promise<DecodedBatch>;

/** Carried by the one record that stands for a batch whose bytes are no records. */
export interface UndecodableRange {
  readonly firstOffset: bigint;
  readonly reason: string;
  readonly bytes: number;
}

const lengthAt = 8; // batches begin with the base offset, then their length from here on
const bodyAt = 12;
const checksumAt = 17;
const attributesAt = 21; // what the checksum covers begins here
const lastOffsetDeltaAt = 23;
const firstTimestampAt = 27;
const producerIdAt = 43;
const countAt = 57;
const overhead = 61; // up to and with the record count

/**
 * kafkajs decodes inside the fetch of all partitions of a broker, so one bad batch (corrupt, of an unknown codec, above
 * the cap on its decompressed size) ends the consumer, again after each restart. With this around its decoder such a
 * batch becomes one record that carries the range of offsets it stood for, and the fetch goes on behind it. Checksums
 * are checked too (kafkajs does not; about 0.5 µs per record of 200 bytes).
 *
 * Not caught: a garbled length cannot be told from the cut tail of a fetch, and looks like a partition that stands still.
 */
export function decodeUndecodable(decode: RecordBatchDecoder, crc32c: (bytes: Uint8Array) => number): RecordBatchDecoder {
  return async (fetch) => {
    const { buffer, offset } = fetch;
    const length = buffer.readInt32BE(offset + lengthAt);
    const end = offset + bodyAt + length;
    if (length >= 0 && end > buffer.length) return decode(fetch); // the cut tail of a fetch: the original skips it
    const batch = buffer.subarray(offset, length >= 0 ? end : undefined);
    try {
      check(batch, length, crc32c);
      return await decode(fetch);
    } catch (error) {
      if (length < 0) throw error; // where the next batch begins is not known
      fetch.offset = end;
      const next = end + lengthAt <= buffer.length ? buffer.readBigInt64BE(end) : undefined;
      return { records: [standIn(batch, error, next)] };
    }
  };
}

function check(batch: Buffer, length: number, crc32c: (bytes: Uint8Array) => number): void {
  if (length < overhead - bodyAt) throw new Error('batch shorter than its header');
  if (crc32c(batch.subarray(attributesAt)) !== batch.readUInt32BE(checksumAt)) throw new Error('checksum does not match');
  if (batch.readInt32BE(countAt) > batch.readInt32BE(lastOffsetDeltaAt) + 1) throw new Error('more records than offsets');
}

function standIn(batch: Buffer, error: unknown, next: bigint | undefined): object {
  const firstOffset = batch.readBigInt64BE(0);
  const whole = batch.length >= overhead;
  let last = firstOffset + BigInt(whole ? Math.max(0, batch.readInt32BE(lastOffsetDeltaAt)) : 0);
  // where the next batch begins is worth more than a header that may be corrupt
  if (next !== undefined && next > firstOffset && last >= next) last = next - 1n;
  const undecodable: UndecodableRange = { firstOffset, reason: reasonOf(error), bytes: batch.length };
  return {
    offset: String(last),
    key: null,
    value: null,
    headers: [],
    timestamp: whole ? String(batch.readBigInt64BE(firstTimestampAt)) : '0',
    isControlRecord: false,
    // kafkajs asks these to leave out what an aborted transaction wrote
    batchContext: {
      producerId: whole ? String(batch.readBigInt64BE(producerIdAt)) : '-1',
      inTransaction: whole && (batch.readInt16BE(attributesAt) & 16) > 0,
    },
    undecodable,
  };
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  return 'code' in error && typeof error.code === 'string' ? `${error.code}: ${error.message}` : error.message;
}
