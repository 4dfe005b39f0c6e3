import { createRequire } from 'node:module';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { RecordHeaders } from '../../../src/record/record.ts';
import { type BrokerPrototype, patchFetch, standingOf } from '../../../src/transport/kafka/fetch-patch.ts';
import { allowBatchBytes, loadKafkaJs } from '../../../src/transport/kafka/kafkajs.ts';
import { toMessage, toSourceRecord } from '../../../src/transport/kafka/records.ts';

// what the patches hang on: paths and signatures inside kafkajs 2.2.4
loadKafkaJs();
const maxBatchBytes = 32 * 1024 * 1024;
allowBatchBytes(maxBatchBytes);
const load = createRequire(import.meta.url);
const part = (file: string): unknown => load(`kafkajs/src/${file}`);
const Decoder = part('protocol/decoder') as new (bytes: Buffer) => object;
const encodeRecord = part('protocol/recordBatch/record/v0') as (record: object) => object;
const { RecordBatch } = part('protocol/recordBatch/v0') as { RecordBatch: (batch: object) => Promise<{ readonly buffer: Buffer }> };
const decodeMessages = part('protocol/requests/fetch/v4/decodeMessages') as (
  decoder: object,
) => Promise<readonly Parameters<typeof toSourceRecord>[0][]>;

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

async function batch(
  firstOffset: number,
  values: readonly string[],
  options: { compression?: number; headers?: RecordHeaders } = {},
): Promise<Buffer> {
  const { compression = 0, headers = [] } = options;
  const records = values.map((value, offsetDelta) =>
    encodeRecord({ ...toMessage({ key: null, value: bytes(value), headers }, 0), offsetDelta, timestampDelta: 0 }),
  );
  const encoded = await RecordBatch({
    compression,
    records,
    firstTimestamp: 1_000,
    maxTimestamp: 1_000,
    producerId: -1,
    producerEpoch: 0,
    firstSequence: 0,
    lastOffsetDelta: values.length - 1,
  });
  const buffer = Buffer.from(encoded.buffer);
  buffer.writeBigInt64BE(BigInt(firstOffset)); // outside of what the checksum covers
  return buffer;
}

async function fetchOf(...batches: readonly Buffer[]): Promise<ReturnType<typeof toSourceRecord>[]> {
  const all = Buffer.concat(batches);
  const size = Buffer.alloc(4);
  size.writeInt32BE(all.length);
  return (await decodeMessages(new Decoder(Buffer.concat([size, all])))).map((one) => toSourceRecord(one, 0n));
}

const texts = (records: readonly ReturnType<typeof toSourceRecord>[]): string[] =>
  records.map(
    ({ offset, value, undecodable }) =>
      `${String(offset)} ${undecodable ? `from ${String(undecodable.firstOffset)}: ${undecodable.reason}` : Buffer.from(value ?? []).toString()}`,
  );

describe('the patched client', () => {
  it('carries headers as ordered pairs: repeated, interleaved, integer-like, null, empty and named like a prototype', async () => {
    const headers: RecordHeaders = [
      ['b', bytes('1')],
      ['a', null],
      ['b', bytes('')],
      ['2', bytes('x')],
      ['1', bytes('y')],
      ['__proto__', bytes('z')],
      ['', bytes('ü')],
    ];
    const [record, second] = await fetchOf(await batch(0, ['v', 'w'], { headers }));
    expect(second?.headers).toEqual(record?.headers); // the first one's length is right to the byte
    expect(record?.headers.map(([name, value]) => [name, value && Buffer.from(value).toString()])).toEqual(
      headers.map(([name, value]) => [name, value && Buffer.from(value).toString()]),
    );
  });

  it('still encodes the headers of other users of kafkajs', async () => {
    const record = encodeRecord({
      key: null,
      value: Buffer.from('v'),
      headers: { a: Buffer.from('1'), b: [Buffer.from('2'), Buffer.from('3')] },
      offsetDelta: 0,
      timestampDelta: 0,
    });
    const encoded = await RecordBatch({
      compression: 0,
      records: [record],
      firstTimestamp: 0,
      maxTimestamp: 0,
      producerId: -1,
      producerEpoch: 0,
      firstSequence: 0,
      lastOffsetDelta: 0,
    });
    const [read] = await fetchOf(Buffer.from(encoded.buffer));
    expect(read?.headers.map(([name, value]) => `${name}=${String(value && Buffer.from(value).toString())}`)).toEqual([
      'a=1',
      'b=2',
      'b=3',
    ]);
  });

  it.each([
    ['none', 0],
    ['gzip', 1],
    ['zstd', 4],
  ])('reads what it wrote with compression %s', async (_name, compression) => {
    expect(texts(await fetchOf(await batch(5, ['a', 'b'], { compression })))).toEqual(['5 a', '6 b']);
  });

  it('makes a flipped byte one undecodable range, and goes on behind it', async () => {
    const bad = await batch(2, ['c', 'd', 'e']);
    bad.writeUInt8(bad.readUInt8(bad.length - 3) ^ 1, bad.length - 3);
    expect(texts(await fetchOf(await batch(0, ['a', 'b']), bad, await batch(5, ['f'])))).toEqual([
      '0 a',
      '1 b',
      '4 from 2: checksum does not match',
      '5 f',
    ]);
  });

  it.each([1, 1_000_000])('bounds the range of a garbled header (%i offsets too many) by where the next batch begins', async (tooMany) => {
    const bad = await batch(2, ['c']);
    bad.writeInt32BE(tooMany, 23); // the last offset
    expect(texts(await fetchOf(bad, await batch(3, ['d'])))).toEqual(['2 from 2: checksum does not match', '3 d']);
  });

  it.each([
    ['an unknown codec', 5, (whole: Buffer): unknown => whole, 'codec 5, which is not known'],
    ['snappy that is none', 2, (whole: Buffer): unknown => whole, 'compressed with snappy: not snappy'],
    ['lz4 that is none', 3, (whole: Buffer): unknown => whole, 'compressed with lz4: not an LZ4 frame'],
    ['gzip that is none', 1, (whole: Buffer): unknown => whole, 'compressed with gzip: '],
    ['zstd that is none', 4, (whole: Buffer): unknown => whole, 'compressed with zstd: '],
    ['more records than offsets', 0, (whole: Buffer) => whole.writeInt32BE(2, 57), 'more records than offsets'],
    [
      'more records than bytes',
      0,
      (whole: Buffer) => [whole.writeInt32BE(200, 57), whole.writeInt32BE(199, 23)],
      'record ends in its middle',
    ],
    [
      'as many records as memory cannot hold',
      0,
      (whole: Buffer) => [whole.writeInt32BE(2 ** 31 - 1, 57), whole.writeInt32BE(2 ** 31 - 1, 23)],
      'would take more than 33554432 bytes',
    ],
    ['a record that is longer than its batch', 0, (whole: Buffer) => whole.writeUInt8(126, 61), 'beyond its batch'],
    ['a record that is longer than its fields', 0, (whole: Buffer) => whole.writeUInt8(whole.readUInt8(61) - 2, 61), 'as long as it says'],
    ['an offset beyond the last', 0, (whole: Buffer) => whole.writeUInt8(8, 64), 'offsets do not grow'],
    ['an unknown format', 0, (whole: Buffer) => whole.writeInt8(3, 16), 'message format 3'],
    ['a format of long ago that it is not', 0, (whole: Buffer) => whole.writeInt8(1, 16), 'message format 1'],
  ])('makes %s one undecodable range, and goes on behind it', async (_name, attributes, change, says) => {
    const bad = reseal(await batch(0, ['a']), (whole) => {
      whole.writeInt16BE(attributes, 21);
      change(whole);
    });
    const [range, next, ...more] = await fetchOf(bad, await batch(1, ['b']));
    expect(range?.undecodable).toMatchObject({ firstOffset: 0n, reason: expect.stringContaining(says) as unknown, bytes: bad.length });
    expect([String(range?.offset), ...texts(next ? [next] : []), ...more]).toEqual(['0', '1 b']);
  });

  it('ends with one range where a length leaves unknown what follows', async () => {
    const bad = await batch(4, ['a']);
    bad.writeInt32BE(3, 8);
    expect(texts(await fetchOf(await batch(3, ['z']), bad, await batch(5, ['b'])))).toEqual(['3 z', '4 from 4: shorter than its header']);
  });

  it.each([
    ['gzip', 1, gzipSync(Buffer.alloc(maxBatchBytes + 1))],
    ['gzip that lies about its length', 1, lying(gzipSync(Buffer.alloc(2 * maxBatchBytes)))],
    ['zstd', 4, zstdCompressSync(Buffer.alloc(maxBatchBytes + 1))],
  ])('caps what a batch may grow to: %s', async (_name, attributes, bomb) => {
    const head = (await batch(0, ['a'])).subarray(0, 61);
    const whole = Buffer.concat([head, bomb]);
    whole.writeInt32BE(whole.length - 12, 8);
    const sealed = reseal(whole, (one) => one.writeInt16BE(attributes, 21));
    const [record] = await fetchOf(sealed);
    expect(record?.undecodable?.reason).toContain('would grow beyond');
    expect(record?.undecodable?.bytes).toBe(whole.length);
  });

  it('reads a batch of more records than a call may have arguments', async () => {
    const values = Array.from({ length: 130_000 }, () => '');
    const read = await fetchOf(await batch(0, values, { compression: 1 }));
    expect([read.length, read.at(-1)?.offset, read.at(-1)?.undecodable]).toEqual([130_000, 129_999n, undefined]);
  });

  it.each([
    ['begins and ends before what was asked for', 2, 3, '7'],
    ['ends beyond the log', 8, 900, '11'],
    ['ends where it may', 8, 9, '9'],
  ])('keeps a range within what was asked for and what there is: one that %s', async (_what, firstOffset, last, ends) => {
    const Batch = part('consumer/batch') as new (
      topic: string,
      fetchedOffset: string,
      partition: object,
    ) => { readonly messages: readonly { readonly offset: string }[]; lastOffset(): string };
    const undecodable = { firstOffset: BigInt(firstOffset), reason: 'corrupt', bytes: 1 };
    const range = { offset: String(last), key: null, headers: [], batchContext: { producerId: '-1', inTransaction: false }, undecodable };
    const answered = { partition: 0, highWatermark: '12', lastStableOffset: '12', abortedTransactions: [], messages: [range] };
    const broker: BrokerPrototype = { fetch: () => Promise.resolve({ responses: [{ topicName: 't', partitions: [answered] }] }) };
    patchFetch(broker);
    await broker.fetch({ topics: [{ topic: 't', partitions: [{ partition: 0, fetchOffset: '7' }] }] });
    expect(standingOf(answered.messages)).toEqual({ lastStable: 12n, error: undefined });
    const read = new Batch('t', '7', answered);
    expect([read.messages.map(({ offset }) => offset), read.lastOffset()]).toEqual([[ends], ends]);
  });

  it('reads on behind a batch of which compaction has left nothing', async () => {
    const emptied = reseal(await batch(4, ['gone', 'gone']), (one) => one.writeInt32BE(0, 57)).subarray(0, 61);
    emptied.writeInt32BE(61 - 12, 8);
    const read = await fetchOf(reseal(emptied, () => undefined));
    expect(read).toMatchObject([{ offset: 5n }]);
  });

  it('leaves the cut tail of a fetch to the next fetch', async () => {
    const tail = (await batch(1, ['b'])).subarray(0, -2);
    expect(texts(await fetchOf(await batch(0, ['a']), tail))).toEqual(['0 a']);
  });

  it('begins a range that lies before the fetched offset at that offset', () => {
    const message = {
      offset: '9',
      timestamp: '0',
      key: null,
      value: null,
      attributes: 0,
      headers: {},
      undecodable: { firstOffset: 3n, reason: 'r', bytes: 1 },
    };
    expect(toSourceRecord(message, 7n).undecodable?.firstOffset).toBe(7n);
  });

  it('writes bytes as bytes, and the time 0 as a time', () => {
    expect(toMessage({ key: new Uint8Array([1, 2]), value: null, headers: [], timestampMs: 0 }, 3)).toMatchObject({
      partition: 3,
      key: Buffer.from([1, 2]),
      value: null,
      timestamp: '0',
    });
    expect(toMessage({ key: null, value: null, headers: [], timestampMs: 12.9 }, 0).timestamp).toBe('12');
    expect(toMessage({ key: null, value: null, headers: [] }, 0)).not.toHaveProperty('timestamp');
  });
});

/** Gzip says its length in its last four bytes. */
function lying(bytes: Buffer): Buffer {
  bytes.writeUInt32LE(10, bytes.length - 4);
  return bytes;
}

/** Changes a batch and gives it the checksum that fits. */
function reseal(whole: Buffer, change: (whole: Buffer) => void): Buffer {
  change(whole);
  whole.writeUInt32BE((part('protocol/recordBatch/crc32C/crc32C') as (bytes: Buffer) => number)(whole.subarray(21)), 17);
  return whole;
}
