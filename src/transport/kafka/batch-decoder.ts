import { crc32 } from 'node:zlib';
import { codecNames, decompress } from './codecs.ts';
import { crc32c } from './crc32c.ts';
import { type BatchContext, decodeRecords } from './record-decoder.ts';

/** What kafkajs reads a fetch from. */
interface FetchDecoder {
  readonly buffer: Buffer;
  offset: number;
}

export type MessagesDecoder = (fetch: FetchDecoder) => Promise<readonly object[]>;

/** Carried by the one record that stands for a batch whose bytes are no records. */
export interface UndecodableRange {
  readonly firstOffset: bigint;
  readonly reason: string;
  readonly bytes: number;
}

const lengthAt = 8; // batches begin with the base offset, then their length from here on
const bodyAt = 12;
const magicAt = 16;
const checksumAt = 17;
const attributesAt = 21; // what the checksum covers begins here
const lastOffsetDeltaAt = 23;
const firstTimestampAt = 27;
const maxTimestampAt = 35;
const producerIdAt = 43;
const countAt = 57;
const overhead = 61; // up to and with the record count
const currentMagic = 2;
const codecBits = 7;
const logAppendTimeBit = 8;
const transactionBit = 16;
const controlBit = 32;
const bytesOfRecord = 128; // held for a record beside its bytes, at the least

/**
 * Reads the batches of one partition in a fetch. kafkajs does so inside the fetch of all partitions of a broker, so one
 * bad batch (corrupt, of an unknown codec or format, too large when decompressed) ends the consumer, again after each
 * restart; a batch of over 100,000 records overflows its stack. Here a bad batch becomes one record that carries the
 * range of offsets it stood for, and reading goes on behind it. Checksums are checked (kafkajs does not), and sizes
 * and counts before anything is made of them: a batch whose decompressed bytes, with 128 for each record, pass `limit` is bad.
 *
 * Not caught: a length that is garbled upwards cannot be told from the cut tail of a fetch; that the partition stands still is told (`Standstills`).
 */
export function messagesDecoder(legacy: MessagesDecoder, limit: () => number): MessagesDecoder {
  return async (fetch) => {
    const { buffer, offset } = fetch;
    const size = buffer.readInt32BE(offset);
    const from = offset + 4;
    if (size <= 0 || from + size > buffer.length) {
      fetch.offset = from;
      return [];
    }
    const bytes = buffer.subarray(from, from + size);
    if (isLegacy(bytes)) return legacy(fetch);
    fetch.offset = from + size;
    return decodeBatches(bytes, limit());
  };
}

/** What was written before Kafka 0.11, and not a batch whose format byte is corrupt: the checksum is another one, in another place. */
function isLegacy(bytes: Buffer): boolean {
  if (bytes.length <= magicAt || (bytes[magicAt] ?? 0) >= currentMagic) return false;
  const end = bodyAt + bytes.readInt32BE(lengthAt);
  return end > magicAt && end <= bytes.length && crc32(bytes.subarray(magicAt, end)) === bytes.readUInt32BE(bodyAt);
}

async function decodeBatches(bytes: Buffer, limit: number): Promise<readonly object[]> {
  const records: object[] = [];
  for (let at = 0; at + overhead <= bytes.length; ) {
    const length = bytes.readInt32BE(at + lengthAt);
    const isKnown = length >= overhead - bodyAt; // else where the next batch begins is not
    const end = isKnown ? at + bodyAt + length : bytes.length;
    if (end > bytes.length) break; // the cut tail of a fetch
    const batch = bytes.subarray(at, end);
    try {
      if (!isKnown) throw new RangeError('shorter than its header');
      for (const record of await decodeBatch(batch, limit)) records.push(record);
    } catch (error) {
      const next = end + bodyAt <= bytes.length ? bytes.readBigInt64BE(end) : undefined;
      records.push(standIn(batch, error, next));
    }
    at = end;
  }
  return records;
}

async function decodeBatch(batch: Buffer, limit: number): Promise<object[]> {
  const magic = batch[magicAt] ?? 0;
  if (magic !== currentMagic) throw new RangeError(`message format ${String(magic)} is not known`);
  if (crc32c(batch.subarray(attributesAt)) !== batch.readUInt32BE(checksumAt)) throw new RangeError('checksum does not match');
  const attributes = batch.readInt16BE(attributesAt);
  const lastOffsetDelta = batch.readInt32BE(lastOffsetDeltaAt);
  const count = batch.readInt32BE(countAt);
  if (count > lastOffsetDelta + 1) throw new RangeError('more records than offsets');
  if (count <= 0) return [emptied(batch, lastOffsetDelta)];
  const codec = codecNames[attributes & codecBits];
  if (codec === undefined) throw new RangeError(`compressed with codec ${String(attributes & codecBits)}, which is not known`);
  const spare = limit - count * bytesOfRecord;
  if (spare <= 0) throw new RangeError(`${String(count)} records would take more than ${String(limit)} bytes`);
  const bytes = await decompress(codec, batch.subarray(overhead), spare).catch((error: unknown) => {
    throw new Error(`compressed with ${codec}: ${error instanceof Error ? error.message : 'unknown'}`, { cause: error });
  });
  return decodeRecords(bytes, count, lastOffsetDelta, contextOf(batch, attributes));
}

function contextOf(batch: Buffer, attributes: number): BatchContext {
  return {
    firstOffset: batch.readBigInt64BE(0),
    firstTimestamp: batch.readBigInt64BE(firstTimestampAt),
    appendedMs: (attributes & logAppendTimeBit) > 0 ? batch.readBigInt64BE(maxTimestampAt) : undefined,
    producerId: String(batch.readBigInt64BE(producerIdAt)),
    inTransaction: (attributes & transactionBit) > 0,
    isControlBatch: (attributes & controlBit) > 0,
  };
}

/** Compaction has taken all records of the batch: reading goes on behind it, also where nothing follows. */
const emptied = (batch: Buffer, lastOffsetDelta: number): object => ({
  offset: String(batch.readBigInt64BE(0) + BigInt(lastOffsetDelta)),
  key: null,
  value: null,
  headers: [],
  timestamp: String(batch.readBigInt64BE(firstTimestampAt)),
  isControlRecord: true, // delivered to nobody
});

function standIn(batch: Buffer, error: unknown, next: bigint | undefined): object {
  const firstOffset = batch.readBigInt64BE(0);
  let last = firstOffset + BigInt(Math.max(0, batch.readInt32BE(lastOffsetDeltaAt)));
  // where the next batch begins is worth more than a header that may be corrupt
  if (next !== undefined && next > firstOffset && last >= next) last = next - 1n;
  const undecodable: UndecodableRange = { firstOffset, reason: error instanceof Error ? error.message : 'unknown', bytes: batch.length };
  return {
    offset: String(last),
    key: null,
    value: null,
    headers: [],
    timestamp: String(batch.readBigInt64BE(firstTimestampAt)),
    isControlRecord: false,
    // kafkajs asks these to leave out what an aborted transaction wrote
    batchContext: {
      producerId: String(batch.readBigInt64BE(producerIdAt)),
      inTransaction: (batch.readInt16BE(attributesAt) & transactionBit) > 0,
    },
    undecodable,
  };
}

/** The records of one partition's answer to a fetch. */
export interface RangedRecords {
  readonly highWatermark: string;
  readonly messages: readonly { offset: string; readonly undecodable?: UndecodableRange }[];
}

/**
 * Keeps the ranges of unreadable batches within what was asked for and what there is: a corrupt header may say anything,
 * and reading would go on there, or stand still.
 */
export function boundRanges(fetchedOffset: string, { highWatermark, messages }: RangedRecords): void {
  const [fetched, last] = [BigInt(fetchedOffset), BigInt(highWatermark) - 1n];
  for (const one of messages) {
    if (one.undecodable === undefined) continue;
    const offset = BigInt(one.offset);
    if (offset < fetched) one.offset = fetchedOffset;
    else if (offset > last && last >= fetched) one.offset = String(last);
  }
}
